"""What a run says at its end, of planted verdicts."""

from pathlib import Path

import pandas as pd
import pytest

from vaentk.commands.closing import lines
from vaentk.errors import UserError
from vaentk.runtime import io


def claims(path: Path, **verdicts: str) -> None:
    origins = ["paper" if name.startswith("W") else "ours" for name in verdicts]
    table = pd.DataFrame({"id": list(verdicts), "origin": origins, "verdict": verdicts.values()})
    io.write_table(table, path)


def test_papers_statements_and_ours_are_counted_apart(tmp_path: Path) -> None:
    here = {"W1": "reproduced", "W2": "not run", "W3": "reproduced", "X1": "inconclusive"}
    claims(tmp_path / "claims/claims.csv", **here)
    there = {"W1": "reproduced", "W2": "reproduced", "W3": "inconclusive", "X9": "reproduced"}
    claims(tmp_path / "reference/quick/claims/claims.csv", **there)
    assert list(lines(tmp_path)) == [
        " the papers' statements: 2 reproduced, 1 not run",
        "     our own statements: 1 inconclusive",
        "as reference run quick: 1 of 2 verdicts",
        (tmp_path / "report/index.html").as_uri(),
        (tmp_path / "report/summary.html").as_uri(),
    ]


def test_without_results_it_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"claims\.csv is missing"):
        list(lines(tmp_path))
