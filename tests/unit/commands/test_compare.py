"""Two runs compared: a planted difference is found, and nothing else is."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vaentk.commands.compare import compare, describe, page
from vaentk.errors import UserError
from vaentk.runtime import io, records

SLOPES = Path("measure/ridge/short/slopes.csv")
CURVES = Path("measure/ridge/short/curves.csv")


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders of the same results."""
    first, second = tmp_path / "a", tmp_path / "b"
    claims = pd.DataFrame(
        {
            "id": ["W3-slope", "W3-limit"],
            "statement": ["It falls.", "It ends."],
            "measured": ["-0.51", "0.2"],
            "interval": ["[-0.55, -0.47]", ""],
            "verdict": ["reproduced", "inconclusive"],
        }
    )
    io.write_table(claims, first / "claims/claims.csv")
    settings = {"name": "quick", "experiments": {"ridge": {"short": {"seeds": [0, 1]}}}}
    seal(first / "claims/claims.csv", {"parameters": {"settings": settings}})
    slopes = pd.DataFrame(
        {
            "quantity": ["error", "distance"],
            "width": [64, 64],
            "slope": [-0.5, -1.0],
            "low": [-0.6, -1.1],
            "high": [-0.4, -0.9],
        }
    )
    io.write_table(slopes, first / SLOPES)
    loss = np.linspace(1, 2, 50)
    curves = pd.DataFrame({"step": range(50), "loss": loss, "seconds": loss})
    spread = {"loss_low": loss - 0.1, "loss_high": loss + 0.1}
    io.write_table(curves.assign(**spread), first / CURVES)
    shutil.copytree(first, second)
    return first, second


def seal(path: Path, record: dict[str, object]) -> None:
    """Write the record of a result."""
    name = f"results/{path.parent.name}/{path.name}"
    records.seal(path, name, {"inputs": {}, **record})


def change(path: Path, row: int, **values: object) -> None:
    """Change a row of a result, and its record with it."""
    table = io.read_table(path, as_text=path.name == "claims.csv")
    for name, value in values.items():
        table.loc[row, name] = value
    io.write_table(table, path)
    if path.name == "claims.csv":
        seal(path, records.read(records.beside(path)))


def test_a_run_does_not_differ_from_itself(runs: tuple[Path, Path]) -> None:
    found = compare(*runs)
    for table in (found.settings, found.claims, found.numbers):
        assert table.empty
    assert not found.unmatched
    assert found.compared == 52


def test_a_planted_number_is_found_and_only_it(runs: tuple[Path, Path]) -> None:
    change(runs[1] / SLOPES, 1, slope=-0.5, low=-0.6, high=-0.4)
    found = compare(*runs)
    [row] = found.numbers.to_dict("records")
    assert row == {
        "measure": "ridge/short/slopes.csv",
        "row": "quantity distance, width 64",
        "number": "slope",
        "A": "-1 [-1.1, -0.9]",
        "B": "-0.5 [-0.6, -0.4]",
    }
    assert found.claims.empty
    assert "Numbers too far apart for chance: 1" in describe(found, "old", "new")


def test_a_planted_verdict_and_setting_are_found(runs: tuple[Path, Path]) -> None:
    change(runs[1] / "claims/claims.csv", 0, verdict="not reproduced", measured="-0.2")
    settings = {"name": "paper", "experiments": {"ridge": {"short": {"seeds": [0, 1]}}}}
    seal(runs[1] / "claims/claims.csv", {"parameters": {"settings": settings}})
    found = compare(*runs)
    [row] = found.claims.to_dict("records")
    assert (row["claim"], row["A"], row["B"]) == ("W3-slope", "reproduced", "not reproduced")
    assert row["measured A"] == "-0.51 [-0.55, -0.47]"
    assert found.settings.to_numpy().tolist() == [["name", '"quick"', '"paper"']]
    assert found.numbers.empty


def test_numbers_of_other_seeds_are_seldom_reported(runs: tuple[Path, Path]) -> None:
    """Two draws of 52 numbers: at a false discovery rate of 5% one report in 20 such pairs."""
    generator = np.random.default_rng(0)
    reports = 0
    for _ in range(20):
        for folder in runs:
            table = io.read_table(folder / CURVES)
            loss = generator.normal(size=len(table))
            spread = {"loss_low": loss - 1.96, "loss_high": loss + 1.96}
            io.write_table(table.assign(loss=loss, **spread), folder / CURVES)
        reports += bool(len(compare(*runs).numbers))
    assert reports <= 4  # 1 expected; more than 4 of 20 has a probability of 0.3%


def test_measures_that_do_not_match_are_named(runs: tuple[Path, Path]) -> None:
    change(runs[0] / SLOPES, 0, quantity="loss")
    (runs[1] / CURVES).unlink()
    assert compare(*runs).unmatched == [
        "ridge/short/curves.csv: in A alone",
        "ridge/short/slopes.csv: its rows differ",
    ]


def test_a_folder_without_a_run_is_one_sentence(runs: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing is not the results folder of a finished run"):
        compare(runs[0], tmp_path / "nothing")


def test_the_command_prints_what_differs(runs: tuple[Path, Path]) -> None:
    change(runs[1] / SLOPES, 1, slope=-0.5, low=-0.6, high=-0.4)
    command = [sys.executable, "-m", "vaentk.commands.compare", *map(str, runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "ridge/short/slopes.csv | quantity distance, width 64 | slope" in done.stdout
    missing = subprocess.run([*command[:-1], "nowhere"], capture_output=True, text=True)
    assert missing.returncode == 1
    assert missing.stderr.startswith("compare: nowhere is not the results folder")
    assert subprocess.run(command[:-1], capture_output=True).returncode == 1


def test_a_comparison_is_a_page_too(runs: tuple[Path, Path]) -> None:
    change(runs[1] / "claims/claims.csv", 0, verdict="not reproduced", measured="<script>")
    change(runs[1] / SLOPES, 1, slope=-0.5, low=-0.6, high=-0.4)
    folder = Path(__file__).parents[3] / "workflow/report"
    texts = ((folder / name).read_text() for name in ("compare.html.j2", "style.css"))
    made = page(compare(*runs), "old", "new", *texts)
    assert "1 verdicts differ, 1 of 52 numbers" in made
    assert "W3-slope" in made
    assert "ridge/short/slopes.csv" in made
    assert "&lt;script&gt;" in made
    assert "<script>" not in made
