"""Verdicts of runs made elsewhere, beside those of this one."""

import re
from typing import Any

import pandas as pd
import pytest
from pages import claim, gathered, page

from vaentk.errors import UserError
from vaentk.report.reference import agreement, read_reference
from vaentk.report.statements import side_by_side, statements

ABOUT = """
title: Long run
configuration: paper
commit: 0123456789abcdef
machine: {cpu: A CPU, cores: 16, memory_gb: 128, gpu: A GPU}
seconds: 7200.0
data: all digits
"""


def reference(about: str = ABOUT, **verdicts: str) -> Any:
    rows = [claim(f"W4-{name}", verdict, measured="-0.51") for name, verdict in verdicts.items()]
    return read_reference("long", about, pd.DataFrame(rows))


def test_reference_runs_stand_beside_this_run_and_are_compared() -> None:
    run = reference(a="reproduced", b="reproduced", c="not reproduced", other="inconclusive")
    counted = agreement(run, {"W4-a": "reproduced", "W4-b": "not run", "W4-c": "inconclusive"})
    assert (counted.measured, counted.shared, counted.same) == (4, 2, 1)
    text = re.sub(r"\s+", " ", page(references=[run]))
    assert "A CPU, 16 cores, 128 GB, A GPU" in text
    assert 'data-value="7200.0">120</td>' in text
    said = re.findall(r"#reference-long\">Long run</a>: −0.51, ([a-z ]+)<", text)
    assert said == ["reproduced", "not reproduced", "reproduced"]
    assert '(1 of them are in a <a href="#references">' in text
    assert "W4-other" not in text
    assert 'id="references"' not in page()


def test_what_was_measured_here_and_there_stands_side_by_side() -> None:
    runs = [reference(a="not reproduced", b="reproduced", c="not run")]
    table = side_by_side(statements(gathered()), runs).set_index("claim")
    assert table.loc["W4-a"].tolist() == ["−0.499, reproduced", "−0.51, not reproduced"]
    assert table.loc["W4-b"].tolist() == ["", "−0.51, reproduced"]
    assert table.loc["W4-c"].tolist() == ["[−0.612, −0.4], inconclusive", ""]
    assert list(table.index) == ["W4-a", "W4-b", "W4-c"]
    assert "side by side (3 rows)" in page(references=runs)


@pytest.mark.parametrize(
    ("about", "sentence"),
    [
        ("title: [", "results/reference/long/about.yaml is not YAML"),
        ("- a list", "results/reference/long/about.yaml: the file: Input should be an object"),
        ("when: 2026-01-01", "results/reference/long/about.yaml: Object of type date"),
        (ABOUT.replace("cores: 16", "cores: many"), "about.yaml: machine.cores: Input should be"),
        (ABOUT.replace("title", "titel"), "about.yaml: title: Field required"),
    ],
)
def test_a_mistake_about_a_reference_run_is_one_sentence(about: str, sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)):
        reference(about)


def test_a_mistake_in_the_claims_of_a_reference_run_is_one_sentence() -> None:
    with pytest.raises(UserError, match=re.escape("claims.csv lacks the column measured")):
        read_reference("long", ABOUT, pd.DataFrame({"id": ["W4-a"]}))
    with pytest.raises(UserError, match=re.escape("claims.csv holds the unknown verdict 'yes'")):
        reference(a="yes")
