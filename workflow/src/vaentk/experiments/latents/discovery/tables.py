"""Tables of Figure 4."""

from collections.abc import Mapping

import pandas as pd

from vaentk.experiments.stacking import stack

OWN = ["narrow", "wide", "difference", "difference_low", "difference_high"]
"""What a table shows of a comparison."""


def discovery(compared: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of Figure 4: an attribute a row, by falling difference of the best units' areas."""
    table = stack(compared)
    unit, probe = (table[table["quantity"] == name] for name in ("unit", "probe"))
    named = ["run", "attribute"]
    shown = unit[[*named, "group", "positives", *OWN, "placebo", "better"]]
    of_probe = probe[[*named, *OWN]].rename(columns={name: f"probe_{name}" for name in OWN})
    shown = shown.merge(of_probe, on=named)
    return shown.sort_values(["run", "difference"], ascending=[True, False], kind="stable")


def discovery_groups(groups: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of the groups: mean areas of all quantities, their difference and the placebo."""
    table = stack(groups)
    excess = ["excess", "excess_low", "excess_high"]
    named = ["run", "quantity", "group", "attributes", "seeds"]
    return table[[*named, *OWN, "placebo", *excess]]


def discovery_summary(summaries: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of the networks: reconstruction, KL, and active units."""
    return stack(summaries)
