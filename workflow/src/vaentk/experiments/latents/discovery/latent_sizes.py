"""Figure 4's comparison: which attributes a wide latent space discovers and a narrow one not."""

from collections.abc import Mapping
from typing import Final

import pandas as pd

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "emotion": ("Smiling", "Mouth_Slightly_Open"),
    "eyes": ("Narrow_Eyes", "Eyeglasses", "Bushy_Eyebrows"),
    "hair": (
        *("Bangs", "Wavy_Hair", "Straight_Hair", "Bald", "Receding_Hairline"),
        *("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"),
    ),
}
"""What the paper names, as attributes of CelebA; all others are ``other``."""

GROUP_OF: Final = {attribute: group for group, names in GROUPS.items() for attribute in names}


def compare(table: pd.DataFrame) -> pd.DataFrame:
    """Compare what the narrowest and the widest network discover, attribute by attribute.

    From rows of `attributes.discover` with latent, of which there are at least two, and seed. A
    seed that either size lacks is left out.

    A row an attribute: attribute; group; seeds; in how many of them the narrow network discovers
    it, in how many the wide one, and wide_only, in how many the wide one and the narrow one not;
    agreed, which of ``both``, ``wide only``, ``narrow only`` and ``neither`` holds in all seeds,
    else ``seeds differ``.
    """
    pairs = _pairs(table)
    rows = []
    for attribute in table["attribute"].unique():
        narrow, wide = (pairs.loc[attribute, size] for size in ("narrow", "wide"))
        cases = {
            "both": narrow & wide,
            "wide only": wide & ~narrow,
            "narrow only": narrow & ~wide,
            "neither": ~narrow & ~wide,
        }
        rows.append(
            {
                "attribute": attribute,
                "group": GROUP_OF.get(attribute, "other"),
                "seeds": len(wide),
                "narrow": int(narrow.sum()),
                "wide": int(wide.sum()),
                "wide_only": int(cases["wide only"].sum()),
                "agreed": next((case for case in cases if cases[case].all()), "seeds differ"),
            }
        )
    return pd.DataFrame(rows)


def counts(table: pd.DataFrame) -> pd.DataFrame:
    """Count what the widest network discovers beyond the narrowest, by group of attributes.

    A row a group, and ``more`` for all attributes: group; value, the mean over seeds, low and
    high, the least and the most, of the number of the group's attributes that the wide network
    discovers and the narrow one does not; in ``more`` of the number that the wide network
    discovers minus that of the narrow one; seeds. Values are NaN for a group of which the data
    have no attribute.
    """
    pairs = _pairs(table).astype(int)
    wide_only = pairs["wide"] * (1 - pairs["narrow"])
    group = wide_only.index.get_level_values("attribute").map(GROUP_OF)
    gains = {name: wide_only[group == name] for name in GROUPS}
    gains["more"] = pairs["wide"] - pairs["narrow"]
    sums = {name: gain.groupby(level="seed").sum() for name, gain in gains.items()}
    rows = [(name, s.mean(), float(s.min()), float(s.max()), len(s)) for name, s in sums.items()]
    return pd.DataFrame(rows, columns=["group", "value", "low", "high", "seeds"])


def _pairs(table: pd.DataFrame) -> pd.DataFrame:
    """Say by attribute and seed whether the narrow and the wide network discover: bool columns."""
    by_latent = table.pivot(index=["attribute", "seed"], columns="latent", values="discovered")
    ends = by_latent[[by_latent.columns.min(), by_latent.columns.max()]].dropna()
    return ends.set_axis(["narrow", "wide"], axis=1).astype(bool)
