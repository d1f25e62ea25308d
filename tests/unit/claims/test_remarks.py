"""Remarks with the numbers that they rest on."""

from io import StringIO

import pandas as pd
import yaml

from vaentk.claims.ledger import Remark
from vaentk.claims.remarks import remarks

SLOPES = """layer,fraction,slope,low,high
enc,1.0,-0.5123456,-0.55,0.0
"""
REMARK = """
- id: R1
  paper: beyond
  where: Eq. 1
  printed: this
  found: that
  evidence:
    - shows: the slope
      test:
        measure: weight_change/run/slopes.csv
        where: {layer: enc, fraction: 1.0}
        column: slope
        low: low
        high: high
    - shows: the other
      test: {measure: weight_change/run/slopes.csv, where: {layer: none}, column: slope}
    - shows: the last
      test: {measure: weight_change/none/slopes.csv, where: {layer: enc}, column: slope}
  figure: figures/change.svg
"""


def test_a_remark_has_its_numbers_or_says_why_not() -> None:
    measures = {"weight_change/run/slopes.csv": pd.read_csv(StringIO(SLOPES))}
    table = remarks(yaml.safe_load(REMARK), measures, "quick")
    assert list(table.columns) == list(Remark.model_fields)
    lines = table["evidence"].item().split("\n")
    assert lines[0] == "the slope: -0.5123 [-0.55, 0]"
    assert lines[1].startswith("the other: not run (the configuration quick measures no row")
    assert lines[2].startswith("the last: not run (the configuration quick has no run")
