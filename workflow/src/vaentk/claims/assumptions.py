"""The register of assumptions: what the papers leave open, filled with this run's settings."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from vaentk.claims.ledger import ASSUMPTIONS, parse_assumptions
from vaentk.claims.readings import show
from vaentk.errors import UserError

COLUMNS = ("id", "paper", "where", "open", "choice", "tried")
"""Columns of the table of assumptions, all text."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def assumptions(rows: object, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Fill the register of assumptions with the settings of this configuration.

    Parameters
    ----------
    rows
        The rows of `config/assumptions.yaml`, as a YAML reader gives them. ``{a.b}`` in choice or
        tried stands for a setting; ``{a.*.b}`` for that of every run: its value where they agree,
        ``run: value, ...`` where they do not.
    settings
        The whole checked configuration as plain data, defaults included.

    Returns
    -------
    DataFrame
        One row an assumption with `COLUMNS`, all text.

    Raises
    ------
    UserError
        For a mistake in the rows, and for a setting that does not exist.
    """
    filled = []
    for row in parse_assumptions(rows):
        texts = row.model_dump()
        try:
            for key in ("choice", "tried"):
                texts[key] = _PLACEHOLDER.sub(
                    lambda match: _setting(match[1], settings), texts[key]
                )
        except UserError as error:
            raise UserError(f"{ASSUMPTIONS}: {row.id}: {error}") from None
        filled.append(texts)
    return pd.DataFrame(filled, columns=list(COLUMNS), dtype="str")


def _setting(key: str, settings: Mapping[str, Any]) -> str:
    """Show one setting, or that of all runs."""
    by_run: dict[str, Any] = {"": settings}
    for part in key.split("."):
        inside: dict[str, Any] = {}
        for name, value in by_run.items():
            if not isinstance(value, Mapping) or (part != "*" and part not in value):
                raise UserError(f"the configuration has no key {key}")
            inner = value if part == "*" else {"": value[part]}
            inside |= {f"{name} {run}".strip(): setting for run, setting in inner.items()}
        by_run = inside
    shown = {name: show(value) for name, value in by_run.items()}
    if not shown:
        return "(no such run in this configuration)"
    if len(set(shown.values())) == 1:
        return next(iter(shown.values()))
    return ", ".join(f"{name}: {value}" for name, value in shown.items())
