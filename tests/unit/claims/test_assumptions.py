"""The register of assumptions, filled with settings."""

from typing import Any

import pytest

from vaentk.claims.assumptions import assumptions
from vaentk.claims.ledger import Assumption
from vaentk.errors import UserError


def assumption(choice: str = "None.", **changed: Any) -> dict[str, Any]:
    texts = {"paper": "beyond", "where": "Eq. 4", "open": "beta", "tried": "nothing else yet"}
    return {"id": "A9", "choice": choice} | texts | changed


SETTINGS = {
    "name": "quick",
    "runs": {
        "a": {"beta": 0.01, "seeds": [0, 1], "inputs": {"n": 128}, "on": True},
        "b": {"beta": 0.01, "seeds": [0, 1, 2], "inputs": {"n": 64}, "on": True},
    },
    "none": {},
}


@pytest.mark.parametrize(
    ("choice", "filled"),
    [
        ("is {name}.", "is quick."),
        ("{runs.*.beta} everywhere", "0.01 everywhere"),
        ("{runs.*.seeds}", "a: [0, 1], b: [0, 1, 2]"),
        ("{runs.*.inputs.n} of {name}", "a: 128, b: 64 of quick"),
        ("{runs.a.on}", "True"),
        ("{none.*.beta}", "(no such run in this configuration)"),
        ("no setting", "no setting"),
    ],
)
def test_settings_are_filled_in(choice: str, filled: str) -> None:
    table = assumptions([assumption(choice, tried=choice)], SETTINGS)
    assert list(table.columns) == list(Assumption.model_fields)
    assert table["choice"][0] == filled
    assert table["tried"][0] == filled


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (assumption("{runs.*.beat}"), "A9: the configuration has no key runs.*.beat"),
        (assumption(tried="{nmae}"), "A9: the configuration has no key nmae"),
        (assumption("{name.*}"), "A9: the configuration has no key name.*"),
        (assumption("{}"), "A9: the configuration has no key "),
        (assumption(id="B1"), "B1: id is 'B1'"),
        (assumption(id="A01"), "A01: id is 'A01'"),
        (assumption(choise="x"), "A9: unknown key choise"),
    ],
)
def test_mistakes_in_assumptions(row: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as raised:
        assumptions([row], SETTINGS)
    assert str(raised.value).startswith(f"config/assumptions.yaml: {message}")


def test_rows_are_a_list() -> None:
    with pytest.raises(UserError, match=r"config/assumptions\.yaml must hold a list of rows"):
        assumptions(None, {})
