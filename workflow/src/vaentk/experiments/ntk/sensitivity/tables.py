"""Table of Figure 2 under other settings."""

import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.experiments.stacking import stack

PLOTTED_LAYERS = ("enc", "hid", "mu", "dec")


def sensitivity(slopes: Tables) -> pd.DataFrame:
    """Table of Figure 2 under other settings: a row per variant, a slope with interval a layer."""
    tables = {}
    for run, table in slopes.items():
        wide = table.groupby("variant", sort=False)["loss_left"].first().to_frame()
        by_layer = {layer: part.set_index("variant") for layer, part in table.groupby("layer")}
        for layer in PLOTTED_LAYERS:
            wide[f"slope_{layer}"] = by_layer[layer]["slope"]
            wide[f"slope_{layer}_low"] = by_layer[layer]["low"]
            wide[f"slope_{layer}_high"] = by_layer[layer]["high"]
        changed = largest_differences(table).set_index("variant")
        wide["largest_difference"] = changed["difference"]
        wide["largest_difference_layer"] = changed["layer"]
        moved = table[table["layer"] == "sigma"].set_index("variant")
        wide["sigma_change_narrow"] = moved["narrow_change"]
        wide["sigma_change"] = moved["largest_change"]
        wide["loss_left"] = wide.pop("loss_left")
        tables[run] = wide.reset_index()
    return stack(tables)


def largest_differences(slopes: pd.DataFrame) -> pd.DataFrame:
    """Pick every variant's row with the largest difference from the base, of Figure 2's layers."""
    others = slopes[slopes["layer"].isin(PLOTTED_LAYERS) & (slopes["variant"] != "base")]
    sizes = others["difference"].abs().groupby(others["variant"], sort=False)
    return others.loc[sizes.idxmax()]
