"""The register of assumptions: what the papers leave open, filled with this run's settings."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from vaentk.claims.ledger import Assumption, parse
from vaentk.claims.readings import show
from vaentk.errors import UserError

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def assumptions(rows: object, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Fill the register of assumptions with the settings of this configuration, all text.

    ``rows`` are those of `config/assumptions.yaml`, as a YAML reader gives them; ``settings`` is
    the whole checked configuration as plain data. In choice and tried, ``{a.b}`` stands for a
    setting and ``{a.*.b}`` for that of every run: its value where they agree, ``run: value, ...``
    where they do not. A mistake in the rows or a setting that does not exist is a `UserError`.
    """
    filled = []
    for row in parse(rows, Assumption):
        texts = row.model_dump()
        try:
            for key in ("choice", "tried"):
                texts[key] = _PLACEHOLDER.sub(lambda key: _setting(key[1], settings), texts[key])
        except UserError as error:
            raise UserError(f"{row.file}: {row.id}: {error}") from None
        filled.append(texts)
    return pd.DataFrame(filled, columns=list(Assumption.model_fields), dtype="str")


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
