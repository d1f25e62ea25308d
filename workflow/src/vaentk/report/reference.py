"""Reference runs: verdicts that were computed elsewhere, shown beside those of this run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import pandas as pd
from pydantic import Field

from vaentk import strict_yaml
from vaentk.claims.verdicts import NOT_RUN, VERDICTS
from vaentk.errors import UserError
from vaentk.experiments.settings import Count, Strict
from vaentk.report.captions import checked

COLUMNS = ["id", "measured", "interval", "verdict"]
"""What is read of a reference run's claims."""

Text = Annotated[str, Field(min_length=1)]


class Machine(Strict):
    """Where a reference run ran; ``gpu`` is null where it had none."""

    cpu: Text
    cores: Count
    memory_gb: Count
    gpu: Text | None


class About(Strict):
    """What `results/reference/NAME/about.yaml` says of a run."""

    title: Text
    configuration: Text
    commit: Text
    machine: Machine
    seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    data: Text
    note: Text | None = None


@dataclass(frozen=True, eq=False)
class ReferenceRun:
    """A reference run: its folder's name, what is known of it, and its claims by id."""

    name: str
    about: About
    claims: Mapping[str, dict[Any, str]]


def read_reference(name: str, about: str, claims: pd.DataFrame) -> ReferenceRun:
    """Check a reference run, by its folder's name, its `about.yaml` and `claims.csv`, all text.

    A mistake is a `UserError`, one sentence that names the file and the first key, column or
    verdict that is wrong.
    """
    path = f"results/reference/{name}"
    plain = strict_yaml.read(about, f"{path}/about.yaml")
    run = checked(About, f"{path}/about.yaml", plain)
    missing = [column for column in COLUMNS if column not in claims.columns]
    if missing:
        raise UserError(
            f"{path}/claims/claims.csv lacks the column {missing[0]}: copy it again from a run"
        )
    rows = claims[COLUMNS].astype(object).fillna("").astype(str)
    unknown = sorted(set(rows["verdict"]) - set(VERDICTS))
    if unknown:
        raise UserError(f"{path}/claims/claims.csv holds the unknown verdict {unknown[0]!r}")
    return ReferenceRun(name, run, {row["id"]: row for row in rows.to_dict("records")})


def elsewhere(claim: str, runs: Sequence[ReferenceRun]) -> list[dict[Any, str]]:
    """Return a claim as every reference run has it that measured it, with the run's name, title."""
    return [
        run.claims[claim] | {"name": run.name, "title": run.about.title}
        for run in runs
        if claim in run.claims and run.claims[claim]["verdict"] != NOT_RUN
    ]


@dataclass(frozen=True)
class Agreement:
    """How many claims a reference run measured, how many of these did this run, and agrees on."""

    run: ReferenceRun
    measured: int
    shared: int
    same: int


def agreement(run: ReferenceRun, verdicts: Mapping[str, str]) -> Agreement:
    """Count the verdicts of a reference run that agree with this run's, which are by claim."""
    there = {name: row["verdict"] for name, row in run.claims.items()}
    measured = [name for name, verdict in there.items() if verdict != NOT_RUN]
    shared = [name for name in measured if verdicts.get(name, NOT_RUN) != NOT_RUN]
    same = sum(there[name] == verdicts[name] for name in shared)
    return Agreement(run, len(measured), len(shared), same)
