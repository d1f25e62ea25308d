"""Held-out digits as trained networks and ridge regression reconstruct them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vaentk.experiments.ntk.ridge.errors import Network
from vaentk.experiments.ntk.ridge.regression import KernelRegression

Array = NDArray[np.float64]


def pictures(
    regression: KernelRegression, networks: Sequence[Network], labels: NDArray[np.uint8]
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
    beta = min(case.beta for case, _, _ in networks)
    drawn = {"input": regression.held_out[chosen], "beta": np.array([beta])}
    for case, run, followed in networks:
        drawn["width"] = np.array([float(run["width"].iloc[0])])
        if case.beta != beta or f"{case.initial}/network" in drawn:
            continue
        predicted = {
            "network": followed[-1, len(regression.x) :],
            "n beta": regression.predict(regression.ridge("n beta", beta), followed[0]),
            "printed": regression.predict(regression.ridge("beta", beta)),
        }
        drawn |= {f"{case.initial}/{by}": digits[chosen] for by, digits in predicted.items()}
    return drawn
