"""Figure 4's comparison: how much better a wide latent space tells attributes than a narrow one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from jaxtyping import Float64, Shaped
from numpy.typing import NDArray

from vaentk.statistics.intervals import Estimate
from vaentk.statistics.roc import Labels, influences
from vaentk.statistics.two_levels import Group, difference, excess, placebo

Array = NDArray[np.float64]

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


@dataclass(frozen=True, eq=False)
class Areas:
    """ROC areas of the networks of one latent size, and how far every image moves them."""

    values: Float64[Array, "networks attributes"]
    influences: Float64[Array, "images networks attributes"]

    @classmethod
    def of(
        cls,
        scores: Float64[Array, "networks images attributes"],
        labels: Shaped[Labels, "images attributes"],
    ) -> Self:
        """Measure the area of every score for its attribute."""
        measured = [influences(scores[..., place].T, label) for place, label in enumerate(labels.T)]
        values, moved = zip(*measured, strict=True)
        return cls(np.stack(values, axis=-1), np.stack(moved, axis=-1))

    def over(self, places: Sequence[int]) -> Group:
        """Take the mean area over some attributes; NaN over none."""
        values, moved = self.values[:, places], self.influences[..., places]
        if not places:
            return Group(np.full(len(values), np.nan), np.full(moved.shape[:2], np.nan))
        return Group(values.mean(axis=1), moved.mean(axis=2))


@dataclass(frozen=True, eq=False)
class Sizes:
    """The narrowest and the widest latent size, measured on the same images."""

    names: tuple[str, ...]
    """Of the attributes."""
    narrow: Areas
    wide: Areas

    def attributes(self) -> pd.DataFrame:
        """Compare the sizes attribute by attribute: a row each.

        With attribute; group; the columns of a comparison, see `groups`; and better: which size
        tells it better, ``wide`` or ``narrow``, where the intervals of all attributes, taken
        together (Bonferroni), say so; else ``open``. NaN where it could not be measured.
        """
        rows = []
        for place, name in enumerate(self.names):
            apart, columns = self._compared([place])
            together = apart.simultaneous(len(self._measured()))
            better = "wide" if together.low > 0 else "narrow" if together.high < 0 else "open"
            group = GROUP_OF.get(name, "other")
            rows.append({"attribute": name, "group": group} | columns | {"better": better})
        return pd.DataFrame(rows)

    def groups(self) -> pd.DataFrame:
        """Compare the sizes by the mean area over a group's attributes.

        The mean is signed: what a network gains in one attribute by chance and lacks in another
        cancels, and between two seeds of one size it is zero on average, as the largest difference
        of a group is not.

        One row per group, one for ``all`` attributes, and one for the ``median`` attribute: group;
        attributes, their number; seeds, of each size at least; narrow and wide, the mean area;
        difference, wide minus narrow, with its 95% interval difference_low, difference_high over
        networks and faces, and the freedom of that; placebo, how far two seeds of one size lie
        apart, root mean square over all pairs; excess, the difference minus the placebo, with
        excess_low and excess_high.

        The median row has medians over attributes; its interval is that of the medians of the ends
        of intervals that hold for all attributes together. A group of which the images have no
        attribute is NaN.
        """
        return pd.DataFrame(self._group_rows()).astype({"seeds": int})

    def _group_rows(self) -> Iterator[dict[str, Any]]:
        measured = self._measured()
        for group, names in {**GROUPS, "all": self.names}.items():
            places = [place for place in measured if self.names[place] in names]
            _, columns = self._compared(places)
            yield {"group": group, "attributes": len(places)} | columns
        # Where nothing was measured, an attribute that is NaN stands for all.
        pairs = [self._compared([place]) for place in measured or [0]]
        together = [
            columns | apart.simultaneous(len(pairs)).columns("difference")
            for apart, columns in pairs
        ]
        shown = ["seeds", "narrow", "wide", "difference", "difference_low", "difference_high"]
        medians = pd.DataFrame(together)[shown].median()
        row = {"group": "median", "attributes": len(measured)}
        yield row | {column: medians[column] for column in shown}

    def _measured(self) -> list[int]:
        """Places of the attributes that all networks have an area for."""
        known = np.isfinite(self.narrow.values).all(0) & np.isfinite(self.wide.values).all(0)
        return [int(place) for place in np.flatnonzero(known)]

    def _compared(self, places: Sequence[int]) -> tuple[Estimate, dict[str, Any]]:
        """Compare the mean area over some attributes."""
        narrow, wide = self.narrow.over(places), self.wide.over(places)
        apart, within = difference(wide, narrow), placebo(wide, narrow)
        return apart, {
            "seeds": min(len(narrow.values), len(wide.values)),
            "narrow": float(narrow.values.mean()),
            "wide": float(wide.values.mean()),
            **apart.columns("difference"),
            "freedom": apart.freedom,
            "placebo": within.value,
            **excess(apart, within).columns("excess"),
        }
