"""Which rules an edit of the library makes run again: the digests of the loaded workflow."""

from collections.abc import Callable
from pathlib import Path

import pytest
from trees import ROOT

THEOREM_1 = ("linear_rate", "activations", "frozen_sigma", "least_width")
DESCENTS = (*THEOREM_1, "elbo", "ridge", "kl_ridge", "tangent_kernels", "weight_change")
DESCENTS += ("sensitivity", "convolutional", "generalisation", "sampled_noise")
PANELS = (*DESCENTS, "limit_kernels")
PANELS += ("disentanglement", "linear_vae", "deep_vae", "gradient_noise")
PANELS += ("importance_weights", "other_models", "lipschitz")

RIDGE = "experiments/ntk/ridge"
EDITS = {
    "one function of a room each, the drawing of faces, the configuration": (
        {
            f"{RIDGE}/errors.py": ("samples = len(", "samples = 0 + len("),
            f"{RIDGE}/figures.py": ("SHIFT = 1.04", "SHIFT = 1.05"),
            f"{RIDGE}/__init__.py": ('        "ridge_slopes": ("slopes",),\n', ""),
            "data/faces/drawing.py": ("BATCH: Final = 32", "BATCH: Final = 16"),
            "config.py": ('"quick"', '"short"'),
        },
        {"measure_ridge", "show_ridge", "faces"},
    ),
    "the settings of one room": (
        {
            f"{RIDGE}/__init__.py": (
                "Inputs(samples=32, components=16)",
                "Inputs(samples=32, components=15)",
            )
        },
        {"train_ridge", "measure_ridge", "show_ridge"},
    ),
    "the trainer, the look of figures": (
        {
            "training/flow.py": ("control.steps += 1", "control.steps += 1 + 0"),
            "figures/style.py": ("(3.3, 2.9)", "(3.3, 3.0)"),
        },
        {f"train_{kind}" for kind in DESCENTS} | {f"show_{kind}" for kind in PANELS},
    ),
    "a kernel": (
        {"kernels/flow.py": ("vectors.T @ residual", "vectors.T @ residual * 1")},
        {f"measure_{kind}" for kind in (*THEOREM_1, "ridge", "convolutional")}
        | {"train_tangent_kernels"},
    ),
    "comments and docstrings": (
        {
            "training/descent.py": ('"""', '"""Really: '),
            "models/mlp_vae.py": ("root = sqrt", "# a comment\n        root = sqrt"),
        },
        set(),
    ),
}


@pytest.fixture(scope="module")
def unedited(loaded: Callable) -> dict[str, dict]:
    """The rules before any edit."""
    return loaded(ROOT)


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_changes_exactly_the_rules_that_reach_it(
    what: str, fresh: Path, loaded: Callable, unedited: dict[str, dict]
) -> None:
    edits, expected = EDITS[what]
    for module, (old, new) in edits.items():
        path = fresh / "workflow/src/vaentk" / module
        text = path.read_text()
        assert old in text, module
        path.write_text(text.replace(old, new, 1))
    rules = loaded(fresh)
    changed = {name for name, rule in rules.items() if rule["code"] != unedited[name]["code"]}
    assert changed == expected
