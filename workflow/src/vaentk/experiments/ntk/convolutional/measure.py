"""The trained convolutional network against its kernels, at every number of channels."""

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.convolutional import Convolutional
from vaentk.experiments.ntk.convolutional.networks import limit_of, network
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.linear_rate import measure as linear_rate
from vaentk.experiments.ntk.linear_rate.measure import CLAIMED_SLOPE, FLOW_TOLERANCE
from vaentk.experiments.ntk.networks import TOLERANCE
from vaentk.experiments.ntk.trained import by_width
from vaentk.kernels.finite import TangentKernel
from vaentk.kernels.flow import Filter, implicit_residuals
from vaentk.kernels.krylov import extreme_eigenvalues
from vaentk.kernels.patch_finite import PatchTangentKernel
from vaentk.statistics.intervals import geometric_mean
from vaentk.statistics.slopes import power_of_width

Array = NDArray[np.float64]

LEMMA_4 = ["lemma4_bound", "over_bound_mu", "over_bound_sigma", "over_bound_d", "row_over_radius"]
"""Columns of bounds that are those of a fully connected network."""


def measure(
    settings: Convolutional, *, mnist: Stored, records: Tables, outputs: Mapping[Any, Stored]
) -> dict[str, pd.DataFrame]:
    """Measure one run; the column ``width`` has numbers of channels."""
    x = inputs_of(mnist.arrays, settings.inputs)["x"]
    kernel, parts = limit_of(settings, x)
    own = partial(own_residuals, settings, x)
    curves = pd.concat(
        linear_rate.curves(record, arrays, x, kernel, own)
        for _, record, arrays in by_width(records, outputs)
    )
    final = pd.concat(records.values()).groupby(["width", "seed"], as_index=False).last()
    lambda_0 = float(np.linalg.eigvalsh(kernel)[0])
    members = linear_rate.members(curves, final, lambda_0, x)
    members = members.merge(norms(settings, x, kernel), on=["width", "seed"])
    return {
        "curves": curves,
        "kernels": kernels(kernel, linear_rate.limit_kernel(settings, x), parts.error),
        "members": members.drop(columns=LEMMA_4, errors="ignore"),
        "summary": summary(members, lambda_0, x),
        "slopes": slopes(members, settings.slope_widths),
    }


def own_kernel(
    settings: Convolutional, x: Array, channels: int, seed: int
) -> tuple[PatchTangentKernel, torch.Tensor]:
    """Return a member's kernel Theta(0), and its ``f(0) - X``, in float64."""
    images = torch.from_numpy(x)
    model = network(
        images, (seed,), settings=settings, channels=channels, tolerance=TOLERANCE["float64"]
    )
    weights = model.initial_weights((seed,))
    start = model.forward(weights).outputs[0] - images
    return PatchTangentKernel.of(model, weights), start


def own_residuals(
    settings: Convolutional, x: Array, channels: int, seed: int, flow: Filter
) -> Array:
    """Predict ``f(t) - X`` of gradient flow on the network's own kernel Theta(0): (T, n, d)."""
    kernel, start = own_kernel(settings, x, channels, seed)
    # All that is asked of a kernel is its product.
    of_products = cast(TangentKernel, kernel)
    return np.asarray(implicit_residuals(of_products, start, flow, FLOW_TOLERANCE))


def norms(settings: Convolutional, x: Array, kernel: Array) -> pd.DataFrame:
    """Find ``|Theta(0) - K x I_d|_2`` of every member, from below, to a hundredth.

    Returns
    -------
    DataFrame
        Columns width, seed, norm and norm_over, the norm over that of K.
    """
    limit = torch.from_numpy(kernel)
    greatest = float(np.linalg.eigvalsh(kernel)[-1])
    rows = []
    for channels in settings.widths:
        for seed in settings.seeds:
            own, start = own_kernel(settings, x, channels, seed)
            product = partial(_difference, own, limit)
            norm = max(abs(end.value) for end in extreme_eigenvalues(product, start))
            rows.append(
                {"width": channels, "seed": seed, "norm": norm, "norm_over": norm / greatest}
            )
    return pd.DataFrame(rows)


def _difference(
    own: PatchTangentKernel, limit: torch.Tensor, vectors: torch.Tensor
) -> torch.Tensor:
    return own.matvec(vectors) - limit @ vectors


def kernels(convolutional: Array, fully_connected: Array, error: float) -> pd.DataFrame:
    """Compare the ends of two limit kernels' spectra, on the same images.

    Returns
    -------
    DataFrame
        One row: lambda_0, lambda_max and their ratio ``condition`` of the convolutional kernel, the
        same of the fully connected one with the ending ``_full``, ``lambda_0_over`` and
        ``condition_over``, the first over the second, and the series' error.
    """
    row: dict[str, float] = {}
    for ending, kernel in (("", convolutional), ("_full", fully_connected)):
        values = np.linalg.eigvalsh(kernel)
        least, greatest = float(values[0]), float(values[-1])
        row |= {f"lambda_0{ending}": least, f"lambda_max{ending}": greatest}
        row[f"condition{ending}"] = greatest / least
    for name in ("lambda_0", "condition"):
        row[f"{name}_over"] = row[name] / row[f"{name}_full"]
    return pd.DataFrame([row | {"series_error": error}])


def summary(members: pd.DataFrame, lambda_0: float, x: Array) -> pd.DataFrame:
    """Add the kernel's norm to `linear_rate.measure.summary`, less the fully connected widths."""
    table = linear_rate.summary(members, lambda_0, x)
    table = table.drop(columns=["width_printed", "width_derived"])
    of_norms = [
        {"width": width} | geometric_mean(part["norm_over"]).columns("norm_over")
        for width, part in members.groupby("width")
    ]
    return table.merge(pd.DataFrame(of_norms), on="width")


def slopes(members: pd.DataFrame, slope_widths: int) -> pd.DataFrame:
    """Fit powers of the number of channels: to the norm, distances and displacements."""
    of_norm = {"quantity": "norm_over", "claimed": CLAIMED_SLOPE}
    of_norm |= power_of_width(members, "norm_over", slope_widths)
    others = linear_rate.slopes(members, slope_widths)
    return pd.concat([pd.DataFrame([of_norm]), others], ignore_index=True)
