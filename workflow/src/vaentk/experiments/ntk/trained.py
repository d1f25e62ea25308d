"""What training jobs of some widths each left, by width."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Tables

Outputs = Mapping[str, NDArray[np.float64]]
"""``f_hat`` at recorded steps by ``"<variant>/<seed>/<step>"``, (n, d)."""


def by_width(
    records: Tables, outputs: Mapping[Any, Stored]
) -> Iterator[tuple[int, pd.DataFrame, Outputs]]:
    """Give the records and outputs of one width after another."""
    for part, frame in records.items():
        for width, own in frame.groupby("width", sort=False):
            prefix = f"{width}/"
            arrays = outputs[part].arrays
            named = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
            yield int(str(width)), own, named
