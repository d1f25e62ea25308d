"""What training W_sigma changes, beside the distance to the kernel limit (X2)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.frozen_sigma import FrozenSigma
from vaentk.experiments.ntk.trained import by_width
from vaentk.experiments.ntk.variants import measure_variants


def measure(
    settings: FrozenSigma, *, mnist: Stored, records: Tables, outputs: Mapping[Any, Stored]
) -> dict[str, pd.DataFrame]:
    """Measure both networks of one run by width and seed, and how far they are apart."""
    measures = measure_variants(settings, mnist, records, outputs)
    return measures | {"difference": compare(measures["members"], records, outputs)}


def compare(members: pd.DataFrame, records: Tables, outputs: Mapping[Any, Stored]) -> pd.DataFrame:
    """Compare what training W_sigma changes with the distance to the kernel limit (X2).

    Returns
    -------
    DataFrame
        One row per width and seed: difference, the Frobenius distance of the final training outputs
        of the two networks, relative to ``|f(0) - X|_F``; distance, of the network with frozen
        W_sigma to its kernel's flow; and their ratio.
    """
    rows = []
    frozen = members[members["variant"] == "frozen"].set_index(["width", "seed"])["flow_distance"]
    for width, record, arrays in by_width(records, outputs):
        for seed, of_seed in record.groupby("seed"):
            last = {
                variant: arrays[f"{variant}/{seed}/{step}"].astype(float)
                for variant, step in of_seed.groupby("variant")["step"].max().items()
            }
            scale = np.sqrt(2 * len(last["frozen"]) * float(of_seed["loss"].iloc[0]))
            gap = float(np.linalg.norm(last["trained"] - last["frozen"])) / scale
            distance = float(frozen[width, seed])
            row = {"width": width, "seed": seed, "difference": gap, "distance": distance}
            rows.append(row | {"ratio": gap / distance})
    return pd.DataFrame(rows)
