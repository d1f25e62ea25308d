"""Imports between the modules of the library run one way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "workflow" / "src" / "vaentk"

# A module imports from the lines above its own, and from its own folder.
ORDER = (
    ("errors", "digest", "krylov"),
    ("activations", "data", "devices"),
    ("experiments",),
    ("config",),
    ("models",),
    ("objectives", "bounds"),
    ("training", "footprints"),
    ("kernels", "metrics", "traversals", "costs"),
    ("analysis", "plan"),
    ("portraits",),
    ("claims_schema",),
    ("figures", "tables", "claims"),
    ("report",),
)
LAYER = {name: place for place, names in enumerate(ORDER) for name in names}

# Between the library and the scripts: no module of the order imports these.
OUTSIDE = {
    "io": {"errors", "config"},
    "job": {*LAYER, "io"},
    "members": {
        *LAYER,
        "io",
        "job",
        "checkpoints",
        "groups",
        "group_checkpoints",
        "member_batches",
        "workers",
    },
    "member_batches": {*LAYER, "job", "checkpoints", "progress"},
    "compare": {"errors", "io"},
    "reference": {"errors", "io", "job"},
    "settings_page": {"config"},
    "board": set(LAYER),
    "progress": set(),
    "workers": set(LAYER),
    "groups": {*LAYER, "job"},
    "checkpoints": {*LAYER, "io", "job"},
    "group_checkpoints": {*LAYER, "io", "job", "checkpoints"},
    "linear_runs": {*LAYER, "io", "job", "checkpoints", "progress"},
    "ensembles": {
        *LAYER,
        "io",
        "job",
        "board",
        "checkpoints",
        "groups",
        "group_checkpoints",
        "progress",
    },
    "deep_ensembles": {*LAYER, "io", "job", "groups", "group_checkpoints", "progress"},
    "gradient_grids": {*LAYER, "io", "job", "groups", "progress"},
}
SHARED = "figures.style"  # the one module that the layer of figures has in common
NETWORK = {"aiohttp", "ftplib", "http", "httpx", "requests", "socket", "urllib", "urllib3"}
WITHOUT_TORCH = {"figures", "tables", "claims"}


def modules(package: Path) -> dict[str, Path]:
    """Files by dotted name inside the package; the package's own is empty."""
    named = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


def imports(package: Path, name: str) -> Iterator[str]:
    """Absolute dotted names of everything that a module imports anywhere in its text."""
    path = modules(package)[name]
    whole = [package.name, *filter(None, name.split("."))]
    around = whole if path.name == "__init__.py" else whole[:-1]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = around[: len(around) - node.level + 1] if node.level else []
            source = [*above, *filter(None, [node.module])]
            yield from (".".join([*source, alias.name]) for alias in node.names)


def inside(package: Path, name: str) -> set[str]:
    """Modules of the package that a module imports, by their names inside it."""
    known, found = modules(package), set()
    for target in imports(package, name):
        top, _, rest = target.partition(".")
        if top == package.name:
            found.add(rest if rest in known else rest.rpartition(".")[0])
    return found - {""}


def closure(package: Path, name: str) -> set[str]:
    """The module and all modules of the package that it imports, directly or not."""
    found, todo = set(), [name]
    while todo:
        module = todo.pop()
        if module not in found:
            found.add(module)
            todo += inside(package, module)
    return found


def may_import(name: str, target: str) -> bool:
    """Whether the order lets one module of the package import another."""
    top, other = name.split(".")[0], target.split(".")[0]
    if top == other:
        return top != ""
    if top in OUTSIDE:
        return other in OUTSIDE[top]
    if top not in LAYER or other not in LAYER:
        return False
    same_layer = LAYER[top] == LAYER[other]
    return LAYER[other] < LAYER[top] or (same_layer and target == SHARED)


def violations(package: Path) -> list[str]:
    """One sentence for each import that the order does not allow."""
    said = []
    for name in modules(package):
        top = name.split(".")[0]
        if top and top not in LAYER and top not in OUTSIDE:
            said.append(
                f"{top} has no place yet: give it one in ORDER of tests/unit/test_layers.py."
            )
            continue
        said += [
            f"{name or package.name} imports {target}, which does not come before it."
            for target in sorted(inside(package, name))
            if not may_import(name, target)
        ]
        roots = {target.partition(".")[0] for target in imports(package, name)}
        if "snakemake" in roots:
            said.append(f"{name} imports snakemake, which only scripts may know.")
        if top != "data":
            said += [
                f"{name} imports {root}; only data/ reaches for a network."
                for root in sorted(roots & NETWORK)
            ]
        if top in WITHOUT_TORCH:
            said += [
                f"{name} imports torch by way of {module}; it reads saved measures only."
                for module in sorted(closure(package, name))
                if any(target.partition(".")[0] == "torch" for target in imports(package, module))
            ]
    return said


def test_every_arrow_of_the_library_runs_forwards() -> None:
    assert len(modules(LIBRARY)) > 20
    assert violations(LIBRARY) == []


def synthetic(folder: Path, files: dict[str, str]) -> Path:
    package = folder / "vaentk"
    package.mkdir()
    for name, text in ({"__init__.py": "", "errors.py": ""} | files).items():
        path = package / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return package


@pytest.mark.parametrize(
    "files",
    [
        {
            "kernels/limit.py": "from vaentk.training.loop import x",
            "training/loop.py": "import torch",
        },
        {
            "config.py": "from .errors import UserError",
            "io.py": "from vaentk import config, errors",
        },
        {"job.py": "from vaentk import io, report", "io.py": "", "report.py": ""},
        {"kernels/limit.py": "from . import finite", "kernels/finite.py": "import torch"},
        {"tables.py": "from vaentk.figures.style import x", "figures/style.py": ""},
        {"data/download.py": "import requests, urllib.parse"},
        {"models/__init__.py": "from .snn import Snn", "models/snn.py": "from .. import errors"},
    ],
)
def test_forward_arrows_pass(tmp_path: Path, files: dict[str, str]) -> None:
    assert violations(synthetic(tmp_path, files)) == []


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (
            {"models/snn.py": "from vaentk.training.loop import x", "training/loop.py": ""},
            "models.snn imports training.loop, which does not come before it.",
        ),
        (
            {
                "models/snn.py": "def f():\n    from vaentk import training",
                "training/__init__.py": "",
            },
            "models.snn imports training, which does not come before it.",
        ),
        (
            {"config.py": "import vaentk.report", "report.py": ""},
            "config imports report, which does not come before it.",
        ),
        (
            {"models/snn.py": "from ..report import x", "models/__init__.py": "", "report.py": ""},
            "models.snn imports report, which does not come before it.",
        ),
        (
            {"metrics/mig.py": "from vaentk.kernels import limit", "kernels/limit.py": ""},
            "metrics.mig imports kernels.limit, which does not come before it.",
        ),
        (
            {"tables.py": "from vaentk.figures import rate", "figures/rate.py": ""},
            "tables imports figures.rate, which does not come before it.",
        ),
        (
            {"analysis/slopes.py": "from vaentk import io", "io.py": ""},
            "analysis.slopes imports io, which does not come before it.",
        ),
        (
            {"data/mnist.py": "from vaentk.runtime.job import x", "job.py": ""},
            "data.mnist imports job, which does not come before it.",
        ),
        (
            {"io.py": "import vaentk.activations", "activations.py": ""},
            "io imports activations, which does not come before it.",
        ),
        (
            {"__init__.py": "from vaentk import config", "config.py": ""},
            "vaentk imports config, which does not come before it.",
        ),
        (
            {"job.py": "from snakemake.script import x"},
            "job imports snakemake, which only scripts ",
        ),
        ({"config.py": "import urllib.request"}, "config imports urllib; only data/ "),
        ({"job.py": "def f():\n    import socket"}, "job imports socket; only data/ "),
        (
            {"figures/rate.py": "import torch.nn"},
            "figures.rate imports torch by way of figures.rate",
        ),
        (
            {"claims.py": "from vaentk.models import snn", "models/snn.py": "from torch import nn"},
            "claims imports torch by way of models.snn",
        ),
        ({"helpers.py": ""}, "helpers has no place yet: give it one in ORDER"),
    ],
)
def test_other_arrows_fail(tmp_path: Path, files: dict[str, str], sentence: str) -> None:
    said = violations(synthetic(tmp_path, files))
    assert len(said) == 1
    assert said[0].startswith(sentence)
