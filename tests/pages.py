"""A small report of invented results, and what two pages of the same results share."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaentk.report.captions import read_page_text
from vaentk.report.contents import ReportData
from vaentk.report.datasets import Source
from vaentk.report.figure import Figure
from vaentk.report.page import render

ROOT = Path(__file__).parents[1]
TEXTS = ROOT / "workflow" / "report"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt" viewBox="0 0 72 36"/>'

RUN_TIMES = re.compile(r'<(section|p)[^>]*id="run-times(?:-short)?".*?</\1>', re.DOTALL)
"""The parts of a page that depend on clocks and machines."""


def without_run_times(page: str) -> str:
    """What is the same in every page of the same results."""
    return RUN_TIMES.sub("", page)


def rooms() -> dict[str, str]:
    """What the report says of every experiment, by experiment."""
    paths = sorted(ROOT.glob("workflow/src/vaentk/experiments/*/*/words.yaml"))
    return {path.parent.name: path.read_text(encoding="utf-8") for path in paths}


PAGE = """
title: A title
summary: What this is.
verdicts: {reproduced: held, not reproduced: failed, inconclusive: unclear,
  premise not met: unjudged, not run: absent}
papers: [{letter: W, short: First 2024, citation: "A. First, 2024", url: "https://arxiv.org/abs/1"}]
beyond: {letter: X, short: Beyond, citation: Our own, url: ""}
references: Made elsewhere.
remarks: What follows is offered.
origins: {beyond: ours}
protocols: {W1: Kernels, W4: "Figure 2: weights", X1: Beyond}
datasets: {digits: {title: Digits, words: {embedded subset: "real digits, {images} of them"}}}
sheets: In rows.
columns: {interval: 95% interval, held: is it}
formats: {slope: ".3f"}
"""
ROOM = """
protocol: W4
title: Weights
lead: The change falls.
claimed: As m^(-1/2).
figures: {change: {title: Change, caption: By width.}}
tables: {slopes: {title: Slopes, caption: By layer.}}
columns: {held: holds}
"""
SLOPES = "measure/weight_change/small/slopes.csv"
DIGITS = Source("digits", "embedded subset", 5000, 28, "free", "Someone", "sha256:1")


def claim(name: str, verdict: str, **known: Any) -> dict[str, Any]:
    blank = dict.fromkeys(
        ("measured", "interval", "margin", "reason", "certain", "figure", "source", "headline"),
        np.nan,
    )
    row = {
        "id": name,
        "paper": "First 2024",
        "origin": "ours" if name.startswith("X") else "paper",
        "where": "Lemma 1",
        "statement": "it holds",
        "expected": "> 0",
    }
    return row | dict.fromkeys(blank, np.nan) | {"verdict": verdict} | known


def material(**changes: Any) -> dict[str, Any]:
    run = {
        "inputs": {"samples": 128, "resolution": 7, "scaling": "unit-norm"},
        "widths": [64, 16384],
        "beta": 0.01,
    }
    given: dict[str, Any] = {
        "config": {"name": "tiny", "experiments": {"weight_change": {"small": run}}},
        "claims": pd.DataFrame(
            [
                claim("X1-a", "not run", reason="not implemented yet"),
                claim("W1-a", "not run", reason="not implemented yet"),
                claim(
                    "W4-a",
                    "reproduced",
                    measured="-0.4987654",
                    figure="figures/change.svg",
                    source=f"{SLOPES}: slope [low, high] where layer enc",
                    headline="yes",
                ),
                claim("W4-b", "not run", reason="<script>alert(1)</script>"),
                claim("W4-c", "inconclusive", interval="[-0.61234, -0.4]", figure="elsewhere"),
            ]
        ),
        "assumptions": pd.DataFrame(
            {
                "id": ["A1"],
                "paper": ["beyond"],
                "where": ["Eq. 2"],
                "open": ["which & why"],
                "choice": ["`sigma0`"],
                "tried": [np.nan],
            }
        ),
        "remarks": pd.DataFrame(
            {
                "id": ["R1"],
                "paper": ["beyond"],
                "where": ["Eq. 13"],
                "printed": ["the ridge is beta"],
                "found": ["it is n beta"],
                "evidence": ["error to n beta: 0.0171\nerror to beta: 0.34"],
                "figure": ["figures/change.svg"],
            }
        ),
        "figures": {"change": Figure(SVG, 'Falling "lines"')},
        "tables": {"slopes": pd.DataFrame({"layer": ["mu"], "slope": [-0.98765], "held": [True]})},
        "images": {"weight_change": {"small": "digits"}},
        "sources": {"digits": DIGITS},
        "run_times": pd.DataFrame(
            {"job": ["train/x"], "seconds": [1.26], "max_rss_mb": [99.6], "machine": ["a machine"]}
        ),
        "sidecars": {
            "b.csv": {"code": "f" * 64, "rule": "train", "versions": {"torch": "2.14.1"}},
            "a.csv": {"code": None, "versions": {"torch": "2.13.0"}, "inputs": {"b.csv": "1"}},
        },
        "references": [],
        "commit": "abc",
    }
    return given | changes


def gathered(words: str = ROOM, **changes: Any) -> ReportData:
    return ReportData(read_page_text(PAGE, {"weight_change": words}), **material(**changes))


def page(template: str = "index.html.j2", words: str = ROOM, **changes: Any) -> str:
    data = gathered(words, **changes)
    texts = [(TEXTS / name).read_text("utf-8") for name in (template, "style.css", "page.js")]
    return render(*texts, data)
