"""What an experiment declares is there: functions, words, files; and nothing is undeclared."""

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import Parameter, signature
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
import yaml

import vaentk.experiments
from vaentk.config import experiments
from vaentk.errors import UserError
from vaentk.experiments.declaration import Experiment
from vaentk.report.captions import read_section

EXPERIMENTS = experiments()
CONFIG = Path(__file__).parents[3] / "config"

INPUTS = {"mnist", "images", "published", "weights", "network", "task"}
"""What rules give a room's functions beside what its training leaves."""

POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)

WITHOUT_TORCH = """
import sys
from importlib import import_module

class NoTorch:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "torch":
            raise ImportError("not here", name=name)

sys.meta_path.insert(0, NoTorch)
for name in sys.argv[1:]:
    try:
        import_module(name)
    except ImportError as error:
        if error.name != "torch":
            raise
        print(name)
"""


def importing_torch(modules: Iterable[str]) -> list[str]:
    """Names of the modules that import torch, directly or not."""
    command = [sys.executable, "-c", WITHOUT_TORCH, *modules]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def folder_of(experiment: Experiment) -> Path:
    return Path(str(sys.modules[experiment.room].__file__)).parent


def problems(experiment: Experiment) -> list[str]:
    """One sentence for each thing that a room lacks or has too much of."""
    return [
        f"{experiment.kind}: {sentence}"
        for check in (_names, _functions, _words)
        for sentence in check(experiment)
    ]


def _names(experiment: Experiment) -> Iterator[str]:
    """Check that what is named is made, and that names can be those of functions and files."""
    given = INPUTS | set(experiment.trained)
    made = {*experiment.measures, *experiment.arrays}
    for name in {*experiment.takes, *experiment.measured_from} - given:
        yield f"{name} is neither trained nor an input"
    for stage, entries, sources in (
        ("figure", experiment.figures, made),
        ("table", experiment.tables, set(experiment.measures)),
    ):
        for name, measures in entries.items():
            for missing in [m for m in measures if m not in sources]:
                yield f"{stage} {name} is made of {missing}, which is not measured"
            if not measures:
                yield f"{stage} {name} is made of nothing"
    for name in (*made, *experiment.trained, *experiment.figures, *experiment.tables):
        if not name.isidentifier():
            yield f"{name} is not a name"
    if bool(experiment.jobs) != bool(experiment.trained):
        yield "jobs and trained go together"
    if experiment.jobs and not _has(experiment.settings, experiment.jobs):
        yield f"the settings have no {experiment.jobs}"


def _has(settings: Any, name: str) -> bool:
    return name in settings.model_fields or hasattr(settings, name)


def _functions(experiment: Experiment) -> Iterator[str]:
    """Check that every function is in its module and takes what the rules give it."""
    expected: dict[str, dict[str, tuple[int, set[str]]]] = {
        "train": {"train": (2, {*experiment.takes, "task"})},
        "measure": {"measure": (1, set(experiment.measured_from))},
        "figures": {name: (len(of), {"runs"}) for name, of in experiment.figures.items()},
        "tables": {name: (len(of), set()) for name, of in experiment.tables.items()},
    }
    for stage, functions in expected.items():
        for name, entry in experiment.functions(stage).items():
            try:
                function = resolve_name(entry)
            except (ImportError, AttributeError):
                yield f"{stage}.py has no function {name}"
                continue
            yield from _signature(f"{stage}.{name}", function, *functions[name])
        if not functions and (folder_of(experiment) / f"{stage}.py").exists():
            yield f"{stage}.py is there, and nothing declared is made by it"


def _signature(
    name: str, function: Callable[..., Any], positional: int, keywords: set[str]
) -> Iterator[str]:
    parameters = signature(function).parameters.values()
    before = [p.name for p in parameters if p.kind in POSITIONAL]
    after = {p.name for p in parameters if p.kind not in POSITIONAL}
    if len(before) != positional:
        yield f"{name} takes {len(before)} positional arguments and not {positional}"
    if after != keywords:
        yield f"{name} takes {sorted(after)} by keyword and not {sorted(keywords)}"


def _words(experiment: Experiment) -> Iterator[str]:
    """Check that what is declared has a title and a caption, and nothing else has."""
    path = folder_of(experiment) / "words.yaml"
    if not path.exists():
        yield "words.yaml is missing"
        return
    try:
        section = read_section(experiment.kind, path.read_text(encoding="utf-8"))
    except UserError as error:
        yield str(error)
        return
    for stage, declared, entries in (
        ("figure", experiment.figures, section.figures),
        ("table", experiment.tables, section.tables),
    ):
        worded = {entry.name for entry in entries}
        yield from (f"{stage} {name} has no words" for name in declared if name not in worded)
        yield from (f"{name} has words and is no {stage}" for name in worded - set(declared))
        yield from (
            f"{stage} {entry.name} has no {part}"
            for entry in entries
            for part in ("title", "caption")
            if not getattr(entry, part).strip()
        )


def undeclared(rows: Iterable[Mapping[str, Any]], made_by: Mapping[str, Experiment]) -> list[str]:
    """One sentence for each measure and figure that ledgers name and no experiment declares."""
    figures = {f"figures/{name}.svg" for e in made_by.values() for name in e.figures}
    measures = {(kind, f"{name}.csv") for kind, e in made_by.items() for name in e.measures}
    said = []
    for row in rows:
        tests = [row.get("test"), *(shown["test"] for shown in row.get("evidence", ()))]
        for path in [test["measure"] for test in tests if test and test != "absent"]:
            kind, _, name = path.split("/")
            if (kind, name) not in measures:
                said.append(f"{row['id']}: no experiment declares the measure {path}")
        if row.get("figure") and row["figure"] not in figures:
            said.append(f"{row['id']}: no experiment declares {row['figure']}")
    return said


@pytest.mark.parametrize("kind", EXPERIMENTS)
def test_a_room_is_whole(kind: str) -> None:
    assert problems(EXPERIMENTS[kind]) == []


def test_every_room_is_an_experiment_of_the_configuration() -> None:
    root = Path(vaentk.experiments.__path__[0])
    rooms = {path.parent for path in root.glob("*/*/__init__.py")}
    assert rooms == {folder_of(experiment) for experiment in EXPERIMENTS.values()}
    for kind, experiment in EXPERIMENTS.items():
        assert kind == experiment.kind == folder_of(experiment).name


@pytest.mark.parametrize("stage", ["figures", "tables"])
def test_no_two_experiments_write_the_same_file(stage: str) -> None:
    names = [name for experiment in EXPERIMENTS.values() for name in getattr(experiment, stage)]
    assert len(set(names)) == len(names)


def test_rooms_figures_and_tables_import_no_torch() -> None:
    modules = [
        experiment.room + ending
        for experiment in EXPERIMENTS.values()
        for ending in ("", ".figures", ".tables")
        if not ending or experiment.functions(ending.removeprefix("."))
    ]
    assert importing_torch(modules) == []


@pytest.mark.parametrize("ledger", ["claims.yaml", "remarks.yaml"])
def test_ledgers_name_measures_and_figures_that_are_declared(ledger: str) -> None:
    rows = yaml.safe_load((CONFIG / ledger).read_text(encoding="utf-8"))
    assert len(rows) > 0
    assert undeclared(rows, EXPERIMENTS) == []


ROOM = {
    "__init__.py": """
from vaentk.experiments.declaration import Experiment
from vaentk.experiments.settings import Strict

class Tides(Strict):
    moons: tuple[int, ...] = (1, 2)

EXPERIMENT = Experiment(
    settings=Tides, jobs="moons", takes=("images",), trained={"records": "parquet"},
    measured_from=("images", "records"), measures=("heights",), arrays=("maps",),
    figures={"tide": ("heights", "maps")}, tables={"tide": ("heights",)},
)
""",
    "train.py": "def train(settings, part, *, images, task): ...",
    "measure.py": "def measure(settings, *, images, records): ...",
    "figures.py": "def tide(heights, maps, *, runs): ...",
    "tables.py": "def tide(heights): ...",
    "words.yaml": """
protocol: T1
title: Tides
lead: Seas rise.
claimed: Moons do it.
figures:
  tide: {title: Height, caption: By moon.}
tables:
  tide: {title: Heights, caption: In metres.}
""",
}


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Experiment]]:
    """Build a room with one piece of one of its files written otherwise."""
    package = f"shores_{tmp_path.name}"

    def build(file: str = "", old: str = "", new: str = "") -> Experiment:
        folder = tmp_path / package / "sea" / "tides"
        folder.mkdir(parents=True)
        for name, text in ROOM.items():
            assert name != file or old in text
            written = text.replace(old, new) if name == file else text
            if written:
                (folder / name).write_text(written, encoding="utf-8")
        experiment = resolve_name(f"{package}.sea.tides:EXPERIMENT")
        assert isinstance(experiment, Experiment)
        return experiment

    monkeypatch.syspath_prepend(str(tmp_path))
    yield build
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


def test_a_small_whole_room_has_no_problem(built: Callable[..., Experiment]) -> None:
    assert problems(built()) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("train.py", ROOM["train.py"], "", "train.py has no function train"),
        ("train.py", "part, ", "", "train.train takes 1 positional arguments and not 2"),
        (
            "train.py",
            ", task",
            "",
            "train.train takes ['images'] by keyword and not ['images', 'task']",
        ),
        ("measure.py", "def measure", "def measured", "measure.py has no function measure"),
        (
            "measure.py",
            "records",
            "outputs",
            "measure.measure takes ['images', 'outputs'] by keyword and not ['images', 'records']",
        ),
        ("figures.py", "def tide", "def tides", "figures.py has no function tide"),
        ("figures.py", ", maps", "", "figures.tide takes 1 positional arguments and not 2"),
        ("figures.py", ", *, runs", "", "figures.tide takes [] by keyword and not ['runs']"),
        ("tables.py", ROOM["tables.py"], "", "tables.py has no function tide"),
        ("tables.py", "heights)", "heights, data)", "tables.tide takes 2 positional arguments"),
        ("words.yaml", ROOM["words.yaml"], "", "words.yaml is missing"),
        ("words.yaml", "figures:\n  tide:", "figures:\n  tides:", "figure tide has no words"),
        ("words.yaml", "{title: Heights, caption: In metres.}", "{title: H}", "tides/words.yaml: "),
        ("words.yaml", "By moon.", "''", "figure tide has no caption"),
        ("words.yaml", "tables:", "tables:\n  flow: {title: F, caption: F.}", "flow has words and"),
        ("__init__.py", 'jobs="moons"', 'jobs="suns"', "the settings have no suns"),
        ("__init__.py", 'trained={"records": "parquet"},', "", "records is neither trained nor an"),
        ("__init__.py", 'arrays=("maps",),', "", "figure tide is made of maps, which is not"),
        ("__init__.py", '{"tide": ("heights",)}', '{"tide": ("maps",)}', "table tide is made of"),
        (
            "__init__.py",
            ', tables={"tide": ("heights",)}',
            "",
            "tables.py is there, and nothing declared is made by it",
        ),
    ],
)
def test_a_room_that_is_half_there_is_told(
    built: Callable[..., Experiment], file: str, old: str, new: str, sentence: str
) -> None:
    said = problems(built(file, old, new))
    assert said[0].startswith(f"tides: {sentence}")


def test_who_imports_torch_is_told() -> None:
    modules = ["vaentk.errors", "vaentk.kernels.finite", "vaentk.figures.style"]
    assert importing_torch(modules) == ["vaentk.kernels.finite"]


def test_a_ledger_that_names_what_is_not_made_is_told() -> None:
    rows: list[dict[str, Any]] = [
        {"id": "a", "test": {"measure": "ridge/pca-16/summary.csv"}, "figure": "figures/ridge.svg"},
        {"id": "b", "test": {"measure": "ridge/pca-16/pictures.csv"}},
        {"id": "c", "test": "absent", "figure": "figures/tide.svg"},
        {"id": "d", "evidence": [{"test": {"measure": "tides/moon/heights.csv"}}]},
    ]
    assert undeclared(rows, EXPERIMENTS) == [
        "b: no experiment declares the measure ridge/pca-16/pictures.csv",
        "c: no experiment declares figures/tide.svg",
        "d: no experiment declares the measure tides/moon/heights.csv",
    ]
