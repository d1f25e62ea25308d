"""S2 to S4's figures: lines in their panels, ordinates that hold them, words with numbers."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from vaentk.experiments.convergence.deep_vae import DeepVAE
from vaentk.experiments.convergence.deep_vae import figures as deep_vae
from vaentk.experiments.declaration import Runs
from vaentk.figures.style import Drawing

STEPS = (0, 1, 3, 10, 30, 100)
SETTINGS = DeepVAE(activations=("relu", "soft-1"), betas=(4.0,), samples=(5,))
DATA = {"a": "stand-in for CelebA (drawn)", "b": "CIFAR-10"}
RUNS = Runs(dict.fromkeys(DATA, SETTINGS), DATA)
ONE = Runs({"a": SETTINGS}, DATA)
DRAWINGS: dict[str, tuple[Callable[..., Drawing], int]] = {
    "activation": (deep_vae.deep_vae_activations, 3),
    "beta": (deep_vae.deep_vae_betas, 4),
    "samples": (deep_vae.deep_vae_samples, 4),
}


def table() -> pd.DataFrame:
    """A hundred at the start, falling as 1/(n + 1), a tenth more for each seed and variant."""
    rows = []
    for place, variant in enumerate(("base", "soft-1", "beta-4", "iwae-5")):
        for seed in range(2):
            for step in STEPS:
                value = (100 + 10 * seed + 20 * place) / (step + 1)
                row: dict[str, object] = {"variant": variant, "seed": seed, "step": step}
                names = [*deep_vae.TITLES, *(f"held_out_{name}" for name in deep_vae.HELD_OUT)]
                errors = dict.fromkeys(("gradient_error", "uniform_error"), value / 10)
                rows.append(row | dict.fromkeys(names, value) | errors)
    return pd.DataFrame(rows)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are drawn, before they become text."""
    kept: list[Figure] = []
    finish = deep_vae.finish

    def keep(figure: Figure, alt: str) -> Drawing:
        kept.append(figure)
        return finish(figure, alt)

    monkeypatch.setattr(deep_vae, "finish", keep)
    return kept


@pytest.mark.parametrize("sweep", DRAWINGS)
def test_a_figure_is_svg_of_a_row_a_run_with_words(sweep: str, figures: list[Figure]) -> None:
    draw, columns = DRAWINGS[sweep]
    curves = dict.fromkeys(DATA, table())
    drawing = draw(curves, runs=RUNS)
    ElementTree.fromstring(drawing.svg)
    assert draw(curves, runs=RUNS).svg == drawing.svg
    assert len(figures[0].axes) == 2 * columns
    for words in ("stand-in for CelebA (drawn), run a, 2 seeds, after 100 updates", "CIFAR-10"):
        assert words in drawing.alt
    # (100 + 110) / 2 / 101 at the end of the base.
    assert f"{sweep} {next(iter(SETTINGS.sweeps()[sweep]))}: " in drawing.alt
    assert "1.04" in drawing.alt


@pytest.mark.parametrize("sweep", DRAWINGS)
def test_lines_are_the_seeds_and_their_means(sweep: str, figures: list[Figure]) -> None:
    draw, columns = DRAWINGS[sweep]
    draw({"a": table()}, runs=ONE)
    for axes in figures[0].axes[:columns]:
        lines = [line for line in axes.lines if len(line.get_xdata()) == len(STEPS) - 1]
        first = np.asarray(lines[2].get_ydata(), dtype=float)
        assert first == pytest.approx([105 / (step + 1) for step in STEPS[1:]])
        low, high = axes.get_ylim()
        ends = [float(np.asarray(line.get_ydata())[-1]) for line in lines]
        assert low < min(ends)
        assert max(ends) < high


def test_squared_norms_that_are_not_positive_leave_gaps(figures: list[Figure]) -> None:
    """Of an unbiased estimate some are; the ordinate spans the others."""
    curves = table()
    curves.loc[curves["step"] == 10, "gradient"] = -1.0
    deep_vae.deep_vae_activations({"a": curves}, runs=ONE)
    assert figures[0].axes[0].get_ylim()[0] > 0.5


def test_a_value_has_one_colour_in_all_runs_and_no_other_value_has_it(
    figures: list[Figure],
) -> None:
    """Two runs that share ReLU and differ in the other activation."""
    runs = Runs({"a": SETTINGS, "b": SETTINGS.but(activations=["relu", "gelu"])}, DATA)
    curves = {"a": table(), "b": table().replace("soft-1", "gelu")}
    deep_vae.deep_vae_activations(curves, runs=runs)
    [figure] = figures
    seen: dict[str, set[object]] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            if label in ("relu", "soft-1", "gelu"):
                seen.setdefault(label, set()).add(handle.get_color())
    assert {label: len(colours) for label, colours in seen.items()} == {
        "relu": 1,
        "soft-1": 1,
        "gelu": 1,
    }
    assert len(set.union(*seen.values())) == 3
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[:3] == ["relu", "soft-1", "gelu"]
