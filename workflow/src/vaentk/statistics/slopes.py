"""Powers of the width, fitted over the largest widths that were run."""

import pandas as pd

from vaentk.statistics.intervals import power_law_slope


def of_largest_widths(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return the rows of the ``count`` largest widths, or of all where there are fewer."""
    return table[table["width"].isin(sorted(table["width"].unique())[-count:])]


def power_of_width(table: pd.DataFrame, quantity: str) -> dict[str, float]:
    """Fit ``quantity ~ width^slope`` by least squares in logarithms, a row a measurement.

    Return the slope with its 95% interval low to high, the number of points, and width_min and
    width_max of the rows; slope and interval are NaN where the quantity is not positive.
    """
    fit = power_law_slope(table["width"], table[quantity])
    return fit.as_slope() | {"width_min": table["width"].min(), "width_max": table["width"].max()}
