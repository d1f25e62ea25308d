"""Results joined with words: what is missing is one sentence."""

import re
from typing import Any

import pandas as pd
import pytest
from pages import DIGITS, claim, page

from vaentk.errors import UserError
from vaentk.report import Source


def test_figures_and_tables_name_the_measures_they_are_made_of() -> None:
    measures = ["results/measure/weight_change/small/members.csv", "config/datasets.csv"]
    sidecars = {
        "results/figures/change.svg": {"inputs": dict.fromkeys(measures, "sha256:1")},
        "results/tables/slopes.csv": {"inputs": {f"results/measure/{n}.csv": "1" for n in "abc"}},
    }
    text = page(sidecars=sidecars)
    assert "Made from <code>measure/weight_change/small/members.csv</code>" in text
    assert "Made from 3 measures" in text
    assert "<code>measure/b.csv</code>" in text
    assert "config/datasets.csv</code>" not in text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"figures": {}}, "figures/change, which has a caption, was not given"),
        (
            {"tables": {"slopes": pd.DataFrame(), "more": pd.DataFrame()}},
            "tables/more has no caption",
        ),
        ({"sources": []}, "the data set digits of weight_change was not given"),
        (
            {"sources": [Source("digits", "stand-in", 1, 28, "", "", "")]},
            "page.yaml has no words for digits data labelled 'stand-in'",
        ),
        (
            {"sources": [DIGITS, Source("letters", "real", 1, 28, "", "", "")]},
            "page.yaml has no words for letters data labelled 'real'",
        ),
        ({"claims": pd.DataFrame([claim("W1-a", "maybe")])}, "the unknown verdict 'maybe'"),
        ({"claims": pd.DataFrame({"id": ["W1-a"]})}, "the claims lack the column paper"),
        ({"run_times": pd.DataFrame({"job": []})}, "the run times lack the column seconds"),
    ],
)
def test_what_is_missing_is_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)):
        page(**changes)
