"""Tables of Figure 4."""

from collections.abc import Mapping

import pandas as pd

from vaentk.experiments.stacking import stack

AGREED = ("wide only", "seeds differ", "both", "narrow only", "neither")
"""Which network carries an attribute, in the order of the table."""


def discovery(
    attributes: Mapping[str, pd.DataFrame], compared: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Table of Figure 4: an attribute a row, carried by the large latent space alone first.

    Areas are means over seeds, of the best single unit and of the linear probe.
    """
    parts = []
    for run, table in compared.items():
        means = attributes[run].groupby(["latent", "attribute"])[["auc", "probe"]].mean()
        sizes = means.index.get_level_values("latent")
        row = table.assign(run=run).set_index("attribute")
        row["positives"] = attributes[run].groupby("attribute")["positives"].first()
        for name, latent in (("narrow", sizes.min()), ("wide", sizes.max())):
            row[f"{name}_auc"] = means.loc[latent]["auc"]
            row[f"{name}_probe"] = means.loc[latent]["probe"]
        parts.append(row.reset_index())
    columns = ["run", "attribute", "group", "positives", "agreed"]
    columns += ["narrow", "wide", "wide_only", "seeds"]
    columns += ["narrow_auc", "wide_auc", "narrow_probe", "wide_probe"]
    order = {agreed: place for place, agreed in enumerate(AGREED)}
    table = pd.concat(parts)[columns]
    table = table.assign(place=table["agreed"].map(order))
    table = table.sort_values(["run", "place", "wide_auc"], ascending=[True, True, False])
    return table.drop(columns="place")


def discovery_summary(summaries: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of the networks: reconstruction, KL, active units and attributes carried."""
    return stack(summaries)
