"""Reference runs: verdicts that were computed elsewhere, shown beside those of this run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import pandas as pd
from pydantic import Field, ValidationError

from vaentk import strict_yaml
from vaentk.claims.verdicts import NOT_RUN, VERDICTS
from vaentk.errors import UserError
from vaentk.experiments.settings import Strict

SIGNS = dict(zip(VERDICTS, "✓✗?–", strict=True))
"""Every verdict a claim can have, with the sign that stands beside its colour."""

COLUMNS = ("id", "measured", "interval", "verdict")
"""What is read of a reference run's claims."""

Text = Annotated[str, Field(min_length=1)]


class Machine(Strict):
    """Where a reference run ran; ``gpu`` is null where it had none."""

    cpu: Text
    cores: Annotated[int, Field(gt=0)]
    memory_gb: Annotated[int, Field(gt=0)]
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
    claims: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Elsewhere:
    """One claim as a reference run found it."""

    name: str
    title: str
    measured: str
    interval: str
    verdict: str


def read_reference(name: str, about: str, claims: pd.DataFrame) -> ReferenceRun:
    """Check a reference run.

    Parameters
    ----------
    name
        Its folder under results/reference.
    about
        Text of its `about.yaml`.
    claims
        Its `claims.csv`, all text, as `vaentk.claims.verdicts.evaluate` made it.

    Raises
    ------
    UserError
        One sentence naming the file and the first key, column or verdict that is wrong.
    """
    path = f"results/reference/{name}"
    plain = strict_yaml.read(about, f"{path}/about.yaml")
    try:
        checked = About.model_validate_json(json.dumps(plain))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise UserError(f"{path}/about.yaml: {key}: {first['msg']}") from None
    except TypeError as error:  # YAML's dates
        raise UserError(f"{path}/about.yaml: {error}") from None
    missing = [column for column in COLUMNS if column not in claims.columns]
    if missing:
        raise UserError(
            f"{path}/claims/claims.csv lacks the column {missing[0]}: copy it again from a run"
        )
    rows = claims.astype(object).where(claims.notna(), "")[list(COLUMNS)].to_dict("records")
    unknown = sorted({str(row["verdict"]) for row in rows} - set(VERDICTS))
    if unknown:
        raise UserError(f"{path}/claims/claims.csv holds the unknown verdict {unknown[0]!r}")
    by_id = {str(row["id"]): {str(key): str(value) for key, value in row.items()} for row in rows}
    return ReferenceRun(name, checked, by_id)


def elsewhere(claim: str, runs: tuple[ReferenceRun, ...]) -> tuple[Elsewhere, ...]:
    """Return a claim as every reference run found it that measured it."""
    rows = [(run, run.claims[claim]) for run in runs if claim in run.claims]
    return tuple(
        Elsewhere(run.name, run.about.title, row["measured"], row["interval"], row["verdict"])
        for run, row in rows
        if row["verdict"] != NOT_RUN
    )


@dataclass(frozen=True)
class Agreement:
    """How a reference run's verdicts compare with those of this run, among claims both measured."""

    run: ReferenceRun
    measured: int
    shared: int
    same: int


def agreement(run: ReferenceRun, verdicts: Mapping[str, str]) -> Agreement:
    """Count the verdicts of a reference run that agree with this run's.

    Parameters
    ----------
    verdicts
        This run's, by claim.
    """
    there = {name: row["verdict"] for name, row in run.claims.items()}
    measured = [name for name, verdict in there.items() if verdict != NOT_RUN]
    shared = [name for name in measured if verdicts.get(name, NOT_RUN) != NOT_RUN]
    same = sum(there[name] == verdicts[name] for name in shared)
    return Agreement(run, len(measured), len(shared), same)
