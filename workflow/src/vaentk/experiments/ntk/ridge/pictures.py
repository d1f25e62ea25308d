"""Held-out digits as trained networks and ridge regression reconstruct them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.experiments.ntk.ridge import PenalisedMean
from vaentk.experiments.ntk.ridge.errors import trained_networks
from vaentk.experiments.ntk.ridge.regression import KernelRegression

Array = NDArray[np.float64]


def pictures(
    regression: KernelRegression,
    cases: Mapping[str, PenalisedMean],
    records: pd.DataFrame,
    outputs: Mapping[str, Array],
    labels: NDArray[np.uint8],
) -> dict[str, Array]:
    """Reconstruct one held-out input a class, by the trained networks and by ridge regression.

    Returns
    -------
    dict
        ``input``, and by initialisation and smallest beta ``<initial>/network``,
        ``<initial>/n beta`` (with f_0) and ``<initial>/printed`` (ridge beta, without f_0), (10, d)
        each; ``beta`` and ``width``, (1,).
    """
    chosen = np.array([int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)])
    beta = min(case.beta for case in cases.values())
    drawn = {"input": regression.held_out[chosen], "beta": np.array([beta])}
    drawn["width"] = np.array([float(records["width"].iloc[0])])
    for case, _, followed in trained_networks(cases, records, outputs):
        if case.beta != beta or f"{case.initial}/network" in drawn:
            continue
        predicted = {
            "network": followed[-1, len(regression.x) :],
            "n beta": regression.predict(regression.ridge("n beta", beta), followed[0]),
            "printed": regression.predict(regression.ridge("beta", beta)),
        }
        drawn |= {f"{case.initial}/{by}": digits[chosen] for by, digits in predicted.items()}
    return drawn
