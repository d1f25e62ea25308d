"""What an experiment is made of: one frozen declaration a room, which rules and tests read.

A room is a folder ``experiments/<family>/<experiment>``. Its ``__init__.py`` holds the settings of
a run and the declaration; ``train.py``, ``measure.py``, ``figures.py`` and ``tables.py`` hold the
functions that the declaration names, and ``words.yaml`` what the report says about them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vaentk.experiments.settings import Strict

if TYPE_CHECKING:
    import pandas as pd

Tables = Mapping[Any, "pd.DataFrame"]
"""One measure of every run, or what training left of every part of a run, by its name."""


@dataclass(frozen=True)
class Experiment:
    """The files and functions of one experiment, by name.

    Attributes
    ----------
    settings
        Class of the settings of one run; its module is the room.
    jobs
        Attribute of the settings that lists what a training job each is for, as ``"widths"``; None
        where nothing is trained.
    takes
        What ``train.train`` is given besides the settings and its part: ``mnist``, ``images``.
    trained
        What a training job leaves: the ending of a file by name.
    measured_from
        What ``measure.measure`` is given besides the settings: names of ``trained``, or of what
        `takes` can name, and ``published``, ``weights``, ``network``.
    dtype
        Of training, where it is not the configuration's.
    device
        The same: ``cpu`` where steps are so small that a core is as fast as a GPU.
    measures
        Tables that ``measure.measure`` returns.
    arrays
        Arrays that it returns too.
    figures
        By figure, a function of ``figures.py``: the measures it is drawn from, in the order of its
        arguments.
    tables
        The same of ``tables.py``.
    """

    settings: type[Strict]
    measures: tuple[str, ...]
    measured_from: tuple[str, ...]
    jobs: str | None = None
    dtype: str | None = None
    device: str | None = None
    takes: tuple[str, ...] = ()
    trained: Mapping[str, str] = field(default_factory=dict)
    arrays: tuple[str, ...] = ()
    figures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def room(self) -> str:
        """Dotted name of the room."""
        return self.settings.__module__

    @property
    def kind(self) -> str:
        """Name of the experiment: the room's folder, and the key in the configuration."""
        return self.room.rpartition(".")[2]

    def parts(self, settings: Any) -> tuple[Any, ...]:
        """Return what a run has a training job each for, in the order of its settings."""
        return tuple(getattr(settings, self.jobs)) if self.jobs else ()

    def functions(self, stage: str) -> dict[str, str]:
        """Return ``module:function`` of one stage's functions, by name; none where it has none.

        The stage ``show`` has those of figures and tables, with the stage before their names.
        """
        if stage == "show":
            return {
                f"{of}_{name}": entry
                for of in ("figures", "tables")
                for name, entry in self.functions(of).items()
            }
        names: dict[str, Iterable[str]] = {
            "train": ("train",) if self.jobs else (),
            "measure": ("measure",),
            "figures": self.figures,
            "tables": self.tables,
        }
        return {name: f"{self.room}.{stage}:{name}" for name in names[stage]}


@dataclass(frozen=True)
class Runs:
    """The runs that a figure shows.

    Attributes
    ----------
    settings
        By run.
    data
        What a run's images are, in words, by run.
    """

    settings: Mapping[str, Any]
    data: Mapping[str, str]

    @property
    def label(self) -> str:
        """What the images of all runs are, in words."""
        return "; ".join(dict.fromkeys(self.data.values()))
