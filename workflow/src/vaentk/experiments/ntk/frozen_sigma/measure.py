"""What training W_sigma changes, beside the distance to the kernel limit (X2)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vaentk.data.stored import Stored
from vaentk.experiments.ntk.frozen_sigma import FrozenSigma
from vaentk.experiments.ntk.variants import measure_variants


def measure(
    settings: FrozenSigma,
    *,
    mnist: Stored,
    records: Mapping[int, pd.DataFrame],
    outputs: Mapping[int, Stored],
) -> dict[str, pd.DataFrame]:
    """Measure one run: both networks by width and seed, and how far they are apart.

    Parameters
    ----------
    settings
        The run.
    mnist
        The data set.
    records, outputs
        What training left, by width.
    """
    measures = measure_variants(settings, mnist, records, outputs)
    difference = compare(measures["members"], records, outputs)
    return measures | {"difference": difference}


def compare(
    members: pd.DataFrame, records: Mapping[int, pd.DataFrame], outputs: Mapping[int, Stored]
) -> pd.DataFrame:
    """Compare what training W_sigma changes with the distance to the kernel limit (X2).

    Parameters
    ----------
    members
        A row a variant, width and seed with its descent_distance.
    records, outputs
        What training left, by width.

    Returns
    -------
    DataFrame
        A row a width and seed: difference, the Frobenius distance of the final training outputs
        of the two networks, relative to ``|f(0) - X|_F``; distance, of the network with frozen
        W_sigma to its kernel's descent; and their ratio.
    """
    rows = []
    frozen = members[members["variant"] == "frozen"]
    for width, seed, distance in frozen[["width", "seed", "descent_distance"]].itertuples(
        index=False
    ):
        of_seed = records[width][records[width]["seed"] == seed]
        finals = of_seed.groupby("variant")["step"].max()
        last = {
            variant: outputs[width].arrays[f"{variant}/{seed}/{finals[variant]}"]
            for variant in ("trained", "frozen")
        }
        scale = np.sqrt(2 * len(last["frozen"]) * float(of_seed["loss"].iloc[0]))
        gap = float(np.linalg.norm(last["trained"].astype(float) - last["frozen"])) / scale
        rows.append(
            {"width": width, "seed": seed, "difference": gap, "distance": distance}
            | {"ratio": gap / distance}
        )
    return pd.DataFrame(rows)
