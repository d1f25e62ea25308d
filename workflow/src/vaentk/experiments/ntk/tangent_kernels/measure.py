"""Lemmas 1 to 3 at finite width: the full kernel at initialisation and along training (W1)."""

from math import log, sqrt

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.experiments.ntk.tangent_kernels import TangentKernels
from vaentk.kernels.finite import PARTS, TangentKernel
from vaentk.kernels.limit import LimitKernels, limit_kernels
from vaentk.kernels.limit import least_eigenvalue as least_of
from vaentk.kernels.spectrum import difference, greatest_eigenvalue, least_eigenvalue, spectral_norm
from vaentk.models.forward import Weights
from vaentk.models.snn import StochasticNetwork
from vaentk.statistics.intervals import power_law_slope
from vaentk.training.problem import Problem
from vaentk.training.schedule import Schedule

Array = NDArray[np.float64]
Observations = dict[str, float]

OCTAVES = (0, 2, 4, 6)
"""Training is looked at where 2^-k of its time has passed, and at its start."""

BLOCK_OUTPUTS = 8
"""Outputs whose blocks are materialised to see them become equal and independent."""

CONFIDENCE = 0.1
"""Lemma 2's delta, for the width that it asks for."""

DIFFERENCE_STEP = 1e-5
"""Step of the central difference of the loss along its gradient, over the gradient's norm."""


class Observer:
    """Looks at the kernels of some members, in float64, at chosen steps of their training.

    Parameters
    ----------
    settings
        The run.
    x
        Inputs, (n, d) float64.
    initial
        W(0) of the members, (S, m, d) by layer.
    steps
        Steps at which the kernel is compared with that at the start.
    """

    def __init__(
        self, settings: TangentKernels, x: Array, initial: Weights, steps: set[int]
    ) -> None:
        self.settings = settings
        self.activation = ACTIVATIONS[settings.activation]
        self.limit = limit_kernels(self.activation, settings.sigma0, x)
        self.x = torch.from_numpy(x).to(initial["mu"].device)
        self.smoothing = Smoothing(self.activation, 2 * settings.sigma0)
        self.initial = initial
        self.steps = steps

    def __call__(self, step: int, weights: Weights) -> list[Observations]:
        """Observe every member: all of the start, or the distance from it."""
        if step not in self.steps:
            return [{} for _ in weights["mu"]]
        look = self._start if step == 0 else self._later
        return [look(weights, member) for member in range(len(weights["mu"]))]

    def _kernel(self, weights: Weights, member: int) -> TangentKernel:
        chosen = {name: weight[member].double() for name, weight in weights.items()}
        return TangentKernel.of(chosen, self.x, self.smoothing)

    def _start(self, weights: Weights, member: int) -> Observations:
        kernel = self._kernel(weights, member)
        found = self._spectrum(kernel)
        greatest = greatest_eigenvalue(kernel, self.settings.tolerance)
        found |= {"lambda_max": greatest.value, "lambda_max_error": greatest.error}
        for part in PARTS:
            alone = difference(kernel.only((part,)), getattr(self.limit, part))
            norm = spectral_norm(alone, self._like(kernel), self.settings.tolerance)
            found[f"norm_{part}"] = norm.value
        return found | block_deviations(kernel, self.limit) | self._loss(kernel, weights, member)

    def _later(self, weights: Weights, member: int) -> Observations:
        kernel = self._kernel(weights, member)
        moved = difference(kernel, self._kernel(self.initial, member))
        drift = spectral_norm(moved, self._like(kernel), self.settings.tolerance)
        found = {"drift": drift.value, "drift_error": drift.error}
        return found | self._spectrum(kernel)

    def _spectrum(self, kernel: TangentKernel) -> Observations:
        """Return lambda_min and ``|Theta - Theta_inf|_2`` with their errors."""
        tolerance = self.settings.tolerance
        least = least_eigenvalue(kernel, tolerance)
        norm = spectral_norm(difference(kernel, self.limit.total), self._like(kernel), tolerance)
        return {
            "lambda_min": least.value,
            "lambda_min_error": least.error,
            "norm": norm.value,
            "norm_error": norm.error,
            "products": least.products,
        }

    def _loss(self, kernel: TangentKernel, weights: Weights, member: int) -> Observations:
        """Return the size of the outputs, and how fast the loss falls, measured and by formula.

        The measured slope is a central difference of Eq. 7 along its gradient.
        """
        layers = {k: w[member : member + 1].double() for k, w in weights.items()}
        width, sigma0 = layers["mu"].shape[1], self.settings.sigma0
        model = StochasticNetwork(self.x, width, sigma0, self.smoothing)
        outputs = model.forward(layers).outputs[0]
        residual = outputs - self.x
        samples = len(self.x)
        quadratic = float((residual * kernel.matvec(residual)).sum())
        gradient = kernel.pull_back(residual / samples)
        squared = sum(float(part.square().sum()) for part in gradient.values())
        step = DIFFERENCE_STEP / sqrt(squared)
        around = []
        for move in (step, -2 * step):  # in place: a wide network's weights are large
            layers = {
                # A slice of float64 weights is the weights themselves, which stay.
                k: w.add_(gradient[k], alpha=move)
                if w.data_ptr() != weights[k][member].data_ptr()
                else w.add(gradient[k], alpha=move)
                for k, w in layers.items()
            }
            left = model.forward(layers).outputs[0] - self.x
            around.append(float(left.square().sum()) / (2 * samples))
        return {
            "initial_error": float(residual.square().sum()) / samples,
            "initial_output": float(outputs.square().sum(dim=1).mean().sqrt()),
            "slope_measured": (around[0] - around[1]) / (2 * step),
            "slope_derived": quadratic / samples**2,
            "slope_printed": quadratic / samples,
        }

    def _like(self, kernel: TangentKernel) -> Tensor:
        return kernel.decoder.new_empty(kernel.shape)


def observe(
    settings: TangentKernels, problem: Problem, schedule: Schedule, seeds: tuple[int, ...]
) -> Observer:
    """Make the observer of some members of one width, whatever the precision of their training."""
    initial = problem.model().initial_weights(seeds)
    return Observer(settings, problem.x, initial, watched_steps(schedule.steps))


def block_deviations(kernel: TangentKernel, limit: LimitKernels) -> Observations:
    """Measure how far blocks between some outputs are from ``K x I``, each kernel in units of K.

    ``between_<part>``: root mean square over pairs of samples and of different outputs, which tends
    to 0; ``within_<part>``: that of the deviation from K over equal outputs.
    """
    outputs = min(BLOCK_OUTPUTS, kernel.shape[1])
    equal = torch.eye(outputs, dtype=torch.bool, device=kernel.decoder.device)
    found = {}
    for part in PARTS:
        block = kernel.only((part,)).block(range(outputs)).permute(1, 3, 0, 2)
        exact = torch.from_numpy(getattr(limit, part)).to(block)
        scale = float(exact.square().mean().sqrt())
        for name, deviation in (("between", block[~equal]), ("within", block[equal] - exact)):
            found[f"{name}_{part}"] = float(deviation.square().mean().sqrt()) / scale
    return found


def initial(records: pd.DataFrame, limit: LimitKernels, outputs: int) -> pd.DataFrame:
    """Collect what was seen at the start, a row a width and seed.

    Parameters
    ----------
    records
        Observations of every width: width, seed, step and the columns that `Observer` gives.
    limit
        The limit kernels of the inputs.
    outputs
        d.

    Returns
    -------
    DataFrame
        With lambda_0, lambda_min and the norm in units of it; the norm that random matrix theory
        expects of Theta_mu, ``lambda_max(K_mu) (2 sqrt(d/m) + d/m)`` (Marchenko-Pastur); and the
        size of the initial output in the limit, ``|f_0(x)| = sqrt(d kappa_0)``.
    """
    start = records[records["step"] == 0].reset_index(drop=True).assign(outputs=outputs)
    lambda_0 = least_of(limit.total)
    ratio = start["outputs"] / start["width"]
    kept = ["width", "seed", "outputs", "lambda_min", "lambda_min_error", "lambda_max", "norm"]
    kept += ["norm_error", *(f"norm_{part}" for part in PARTS), "products"]
    kept += [f"{name}_{part}" for name in ("between", "within") for part in PARTS]
    kept += ["initial_error", "initial_output"]
    kept += ["slope_measured", "slope_derived", "slope_printed"]
    return start[kept].assign(
        lambda_0=lambda_0,
        lambda_min_over=start["lambda_min"] / lambda_0,
        norm_over=start["norm"] / lambda_0,
        marchenko_pastur=np.linalg.eigvalsh(limit.mu)[-1] * (2 * np.sqrt(ratio) + ratio),
        initial_output_limit=np.sqrt(start["outputs"] * np.diag(limit.d).mean()),
    )


def along_training(records: pd.DataFrame, lambda_0: float) -> pd.DataFrame:
    """Collect what was seen along training, a row a width, seed and moment.

    Returns
    -------
    DataFrame
        Columns width, seed, fraction (of the training time), time, drift ``|Theta(t) -
        Theta(0)|_2``, norm ``|Theta(t) - Theta_inf|_2``, lambda_min, and these over lambda_0; no
        rows where nothing was trained.
    """
    seen = records[records["lambda_min"].notna()].copy()
    last = records.groupby(["width", "seed"])["time"].transform("max").loc[seen.index]
    trained = last > 0
    seen, last = seen[trained], last[trained]
    seen["drift"] = seen.get("drift", pd.Series(np.nan, seen.index)).where(seen["step"] > 0, 0.0)
    columns = ["width", "seed", "fraction", "time", "drift", "norm", "lambda_min"]
    table = seen.assign(fraction=seen["time"] / last)[columns]
    return table.assign(
        norm_over=table["norm"] / lambda_0, lambda_min_over=table["lambda_min"] / lambda_0
    ).reset_index(drop=True)


def slopes(start: pd.DataFrame, training: pd.DataFrame, slope_widths: int) -> pd.DataFrame:
    """Fit powers of the width to the norms, the blocks' deviations and the largest drift.

    Parameters
    ----------
    start, training
        What `initial` and `along_training` return.
    slope_widths
        How many of the largest widths are used.
    """
    kept = sorted(start["width"].unique())[-slope_widths:]
    quantities = ["norm", *(f"norm_{part}" for part in PARTS)]
    quantities += [f"{name}_{part}" for name in ("between", "within") for part in PARTS]
    tables: list[tuple[pd.DataFrame, str]] = [(start, quantity) for quantity in quantities]
    if len(training):
        largest = training.groupby(["width", "seed"])["drift"].max().reset_index()
        tables.append((largest, "drift"))
    rows = []
    for table, quantity in tables:
        used = table[table["width"].isin(kept)]
        fit = power_law_slope(used["width"], used[quantity])
        rows.append(
            {"quantity": quantity, "claimed": -0.5, **fit.as_slope()}
            | {"width_min": kept[0], "width_max": kept[-1]}
        )
    return pd.DataFrame(rows)


def lemma2_width(start: pd.DataFrame, samples: int) -> pd.DataFrame:
    """Set the width that Lemma 2 asks for beside the one that the measured norm leads to.

    Returns
    -------
    DataFrame
        One row: ``measured``, the width at which the norm at the largest width, falling as
        m^(-1/2), reaches lambda_0/4; ``printed``, ``n^2 d^2 / lambda_0 log(nd/delta)`` with delta =
        `CONFIDENCE`; ``derived``, the same over ``(lambda_0/4)^2``, to which the lemma's own last
        step leads; their ratios to ``printed``.
    """
    widest = start[start["width"] == start["width"].max()]
    lambda_0, outputs = float(widest["lambda_0"].iloc[0]), int(widest["outputs"].iloc[0])
    measured = float((widest["width"] * (4 * widest["norm"] / lambda_0) ** 2).mean())
    entries = (samples * outputs) ** 2 * log(samples * outputs / CONFIDENCE)
    printed, derived = entries / lambda_0, entries / (lambda_0 / 4) ** 2
    return pd.DataFrame(
        [
            {
                "outputs": outputs,
                "lambda_0": lambda_0,
                "width": int(widest["width"].iloc[0]),
                "norm": float(widest["norm"].mean()),
                "width_measured": measured,
                "width_printed": printed,
                "width_derived": derived,
                "derived_over_printed": derived / printed,
            }
        ]
    )


def watched_steps(steps: int) -> set[int]:
    """Return the steps at which the kernel is looked at."""
    return {0, *(steps // 2**octave for octave in OCTAVES)}
