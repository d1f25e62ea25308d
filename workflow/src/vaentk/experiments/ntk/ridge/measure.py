"""Theorem 2 on trained networks: which ridge they meet, and how fast with the width (W3)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.ridge import Ridge
from vaentk.experiments.ntk.ridge.bound import error_term, growth
from vaentk.experiments.ntk.ridge.errors import errors, path, slopes, summary, trained_networks
from vaentk.experiments.ntk.ridge.pictures import pictures
from vaentk.experiments.ntk.ridge.printed_path import printed_path
from vaentk.experiments.ntk.ridge.regression import KernelRegression
from vaentk.experiments.ntk.trained import by_width
from vaentk.statistics.intervals import geometric_mean

Array = NDArray[np.float64]


def measure(
    settings: Ridge, *, mnist: Stored, records: Tables, outputs: Mapping[Any, Stored]
) -> dict[str, Any]:
    """Measure one run: every width against the three ridges, and along its training."""
    cases = settings.variants()
    inputs = inputs_of(mnist.arrays, settings.inputs, settings.held_out)
    x, held_out = inputs["x"], inputs["x_held_out"]
    regression = KernelRegression.of(settings.activation, settings.sigma0, x, held_out)
    all_errors, all_paths, ends = [], [], []
    for _, record, arrays in by_width(records, outputs):
        networks = trained_networks(cases, record, arrays)
        all_errors.append(errors(regression, networks))
        all_paths.append(path(regression, networks))
        ends.append(printed_path(regression, networks))
    by_member, paths = pd.concat(all_errors), pd.concat(all_paths)
    terms = error_term(regression, by_member, settings.activation, settings.sigma0)
    return {
        "errors": by_member,
        "path": paths,
        "summary": summary(by_member),
        "slopes": slopes(by_member, paths, settings.slope_widths),
        "error_term": terms,
        "growth": growth(terms, settings.slope_widths),
        "printed_path": pd.concat(ends),
        "displacements": displacements(by_member, x),
        "pictures": pictures(regression, networks, inputs["labels_held_out"]),
    }


def displacements(table: pd.DataFrame, x: Array) -> pd.DataFrame:
    """Collect how far W_mu moved by beta, and how far Eq. 12's penalty is from the KL term.

    Returns
    -------
    DataFrame
        A row per beta, at the largest width and standard initialisation: change_mu (relative), and
        change_over_smaller, that over the change at the next smaller beta, seed by seed;
        kl_ratio (see `vaentk.experiments.ntk.ridge.penalty`); all geometric means over seeds with
        95% intervals; and
        `kl_form` of the inputs.
    """
    widest = table[(table["width"] == table["width"].max()) & (table["initial"] == "standard")]
    own = widest.groupby(["beta", "seed"])[["change_mu", "kl_ratio"]].first().unstack("seed")
    over_smaller = own["change_mu"] / own["change_mu"].shift(1)
    rows = [
        {"beta": beta, "width": int(table["width"].max())}
        | geometric_mean(own["change_mu"].loc[beta]).columns("change_mu")
        | geometric_mean(over_smaller.loc[beta]).columns("change_over_smaller")
        | geometric_mean(own["kl_ratio"].loc[beta]).columns("kl_ratio")
        for beta in own.index
    ]
    return pd.DataFrame(rows).assign(**kl_form(x))


def kl_form(x: Array) -> dict[str, float]:
    """Measure how far Eq. 12's penalty is from Eq. 4's KL term on these inputs.

    With W_sigma constant the mean KL is ``1/(2 n sigma0^2) sum_i |dW x_i|^2``, which is the penalty
    ``|dW|_F^2`` up to a factor where ``C = (1/n) sum x x^T`` is a multiple of the identity.

    Returns
    -------
    dict
        ``condition``: largest over smallest nonzero eigenvalue of C; ``participation``: the number
        ``(tr C)^2 / tr C^2`` of directions in which C is large, of d.
    """
    values = np.linalg.eigvalsh(x.T @ x / len(x))
    nonzero = values[values > 1e-12 * values[-1]]
    return {
        "condition": float(nonzero[-1] / nonzero[0]),
        "participation": float(values.sum() ** 2 / np.square(values).sum()),
        "directions": float(x.shape[1]),
    }
