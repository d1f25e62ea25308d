"""Theorem 2 on trained networks: which ridge they meet, and how fast with the width (W3)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.data.stored import Stored
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.ridge import PenalisedMean, Ridge
from vaentk.kernels.finite import TangentKernel
from vaentk.kernels.flow import coefficients as flow_coefficients
from vaentk.kernels.flow import gradient_descent
from vaentk.kernels.limit import limit_kernels
from vaentk.kernels.ridge import coefficients, initial_residual, predict
from vaentk.kernels.spectrum import difference, spectral_norm
from vaentk.models.forward import Weights
from vaentk.models.snn import StochasticNetwork
from vaentk.statistics.intervals import mean, power_law_slope
from vaentk.training.problem import Problem
from vaentk.training.schedule import Schedule

Array = NDArray[np.float64]

RIDGES = {"beta": 0.0, "n beta": 1.0, "2 n beta": 2.0}
"""The theorem's three readings: Eq. 13 prints beta, Eq. 12 leads to n beta, the proof to 2 n beta;
the number is the factor of n beta, and 0 stands for beta itself."""


@dataclass(frozen=True)
class Setting:
    """The kernels of one run, on training and held-out inputs.

    Attributes
    ----------
    x, held_out
        Training inputs (n, d), which are targets too, and test inputs (n', d).
    train_train, test_train
        K_mu on them, (n, n) and (n', n).
    """

    x: Array
    held_out: Array
    train_train: Array
    test_train: Array

    @classmethod
    def of(cls, activation: str, sigma0: float, x: Array, held_out: Array) -> "Setting":
        """Evaluate the limit kernels."""
        phi = ACTIVATIONS[activation]
        return cls(
            x,
            held_out,
            limit_kernels(phi, sigma0, x).mu,
            limit_kernels(phi, sigma0, held_out, x).mu,
        )

    def ridge(self, reading: str, beta: float) -> float:
        """Return the ridge of one of the three readings."""
        return RIDGES[reading] * len(self.x) * beta or beta

    def predict(self, ridge: float, initial: Array | None = None) -> Array:
        """Predict held-out outputs by kernel ridge regression: (n', d).

        ``f_0(x) + K(x, X) (K + ridge)^(-1) (X - f_0(X))``, with ``f_0 = 0`` where ``initial``, the
        network's initial outputs on training and then held-out inputs, is not given.
        """
        samples = len(self.x)
        trained, held_out = (None, None)
        if initial is not None:
            trained, held_out = initial[:samples], initial[samples:]
        alpha = coefficients(self.train_train, initial_residual(self.x, trained), ridge)
        return predict(self.test_train, alpha, held_out)


def measure(
    settings: Ridge,
    *,
    mnist: Stored,
    records: Mapping[int, pd.DataFrame],
    outputs: Mapping[int, Stored],
) -> dict[str, Any]:
    """Measure one run: every width against the three ridges, and along its training.

    Parameters
    ----------
    settings
        The run.
    mnist
        The data set.
    records, outputs
        What training left, by width.
    """
    cases = settings.variants()
    inputs = inputs_of(mnist.arrays, settings.inputs, settings.held_out)
    setting = Setting.of(settings.activation, settings.sigma0, inputs["x"], inputs["x_held_out"])
    trained = [(records[width], outputs[width].arrays) for width in settings.widths]
    errors_table = pd.concat(errors(setting, cases, *width) for width in trained)
    paths = pd.concat(path(setting, cases, *width) for width in trained)
    return {
        "errors": errors_table,
        "path": paths,
        "summary": summary(errors_table),
        "slopes": slopes(errors_table, paths, settings.slope_widths),
        "error_term": error_term(setting, errors_table, settings.activation, settings.sigma0),
        "displacements": displacements(errors_table, setting.x),
        "pictures": pictures(setting, cases, *trained[-1], inputs["labels_held_out"]),
    }


def errors(
    setting: Setting,
    cases: Mapping[str, PenalisedMean],
    records: pd.DataFrame,
    outputs: Mapping[str, Array],
) -> pd.DataFrame:
    """Compare the trained network of one width with ridge regression on held-out inputs.

    Parameters
    ----------
    setting
        Inputs and kernels.
    cases
        What was trained, by variant.
    records
        Observations of one width: variant, width, seed, step, change_mu, row_mu.
    outputs
        Outputs on training and held-out inputs by ``"<variant>/<seed>/<step>"``.

    Returns
    -------
    DataFrame
        A row a variant, seed, ridge and with_initial (whether f_0 is in the prediction): error,
        the Frobenius distance to the trained network's held-out outputs over the norm of the
        prediction by ``n beta`` with f_0; and error_worst, the largest distance of a held-out
        input, with initial_worst ``max |f_0(x)|``.
    """
    samples = len(setting.x)
    rows = []
    for variant, seed, run in _members(records):
        case = cases[variant]
        steps = run["step"]
        before = outputs[f"{variant}/{seed}/{steps.iloc[0]}"].astype(float)
        after = outputs[f"{variant}/{seed}/{steps.iloc[-1]}"].astype(float)[samples:]
        reference = setting.predict(setting.ridge("n beta", case.beta), before)
        for reading in RIDGES:
            ridge = setting.ridge(reading, case.beta)
            for with_initial in (True, False):
                predicted = setting.predict(ridge, before if with_initial else None)
                gap = after - predicted
                rows.append(
                    {
                        "width": int(run["width"].iloc[0]),
                        "seed": seed,
                        "beta": case.beta,
                        "initial": "antisymmetric" if case.antisymmetric else "standard",
                        "reading": reading,
                        "ridge": ridge,
                        "with_initial": with_initial,
                        "error": np.linalg.norm(gap) / np.linalg.norm(reference),
                        "error_worst": np.linalg.norm(gap, axis=1).max(),
                        "initial_worst": np.linalg.norm(before[samples:], axis=1).max(),
                        "change_mu": float(run["change_mu"].iloc[-1]),
                        "kl_ratio": float(run["kl_ratio"].iloc[-1]),
                    }
                )
    return pd.DataFrame(rows)


def path(
    setting: Setting,
    cases: Mapping[str, PenalisedMean],
    records: pd.DataFrame,
    outputs: Mapping[str, Array],
) -> pd.DataFrame:
    """Follow held-out outputs along training beside the linearised flow on Eq. 12, for one width.

    Returns
    -------
    DataFrame
        Columns width, seed, beta, initial, step, time, distance: Frobenius, to gradient descent on
        K_mu at the same steps with f_0 in it, relative to ``|f_0|`` at the start or to the held-out
        inputs, whichever is larger; and moved, how far the outputs have gone from f_0 by the same
        yardstick.
    """
    samples = len(setting.x)
    parts = []
    for variant, seed, run in _members(records):
        case = cases[variant]
        steps, times = run["step"].to_numpy(), run["time"].to_numpy()
        seen = np.stack([outputs[f"{variant}/{seed}/{step}"] for step in steps]).astype(float)
        start = seen[0]
        rate = times[-1] / steps[-1]
        filter_ = gradient_descent(rate, steps, samples, case.beta)
        alpha = flow_coefficients(setting.train_train, start[:samples] - setting.x, filter_)
        predicted = start[samples:] - setting.test_train @ alpha
        scale = max(np.linalg.norm(start[samples:]), np.linalg.norm(setting.held_out))
        distance = np.linalg.norm(seen[:, samples:] - predicted, axis=(1, 2)) / scale
        moved = np.linalg.norm(seen[:, samples:] - start[samples:], axis=(1, 2)) / scale
        part = run[["width", "seed", "step", "time"]].assign(beta=case.beta)
        initial = "antisymmetric" if case.antisymmetric else "standard"
        parts.append(part.assign(initial=initial, distance=distance, moved=moved))
    return pd.concat(parts, ignore_index=True)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Average the errors over seeds, a row a width, beta, initialisation, reading and with_initial.

    Returns
    -------
    DataFrame
        error with its 95% interval; error_without, that of the same reading without f_0,
        and the ratio over_without; and nearest: the reading with the least mean error among those
        with the same with_initial.
    """
    keys = ["initial", "with_initial", "beta", "width", "reading"]
    rows = []
    for key, part in table.groupby(keys, sort=False):
        estimate = mean(part["error"])
        named = dict(zip(keys, key, strict=True))
        low, high = max(estimate.low, 0.0), estimate.high
        rows.append(named | {"error": estimate.value, "error_low": low, "error_high": high})
    averaged = pd.DataFrame(rows)
    without = averaged[~averaged["with_initial"]].set_index(["initial", "beta", "width", "reading"])
    averaged = averaged.join(
        without["error"].rename("error_without"), on=["initial", "beta", "width", "reading"]
    )
    averaged["over_without"] = averaged["error"] / averaged["error_without"]
    least = averaged.loc[averaged.groupby(keys[:-1])["error"].idxmin()]
    nearest = least.set_index(keys[:-1])["reading"].rename("nearest")
    return averaged.join(nearest, on=keys[:-1])


def slopes(table: pd.DataFrame, paths: pd.DataFrame, slope_widths: int) -> pd.DataFrame:
    """Fit powers of the width to the errors, and to the largest distance along the path.

    Parameters
    ----------
    table, paths
        What `errors` and `path` return, of all widths.
    slope_widths
        How many of the largest widths are used.
    """
    kept = sorted(table["width"].unique())[-slope_widths:]
    rows = []
    keys = ["initial", "with_initial", "beta", "reading"]
    for key, part in table[table["width"].isin(kept)].groupby(keys, sort=False):
        fit = power_law_slope(part["width"], part["error"])
        rows.append({"quantity": "error"} | dict(zip(keys, key, strict=True)) | fit.as_slope())
    largest = paths.groupby(["initial", "beta", "width", "seed"], as_index=False)["distance"].max()
    for (initial, beta), part in largest[largest["width"].isin(kept)].groupby(["initial", "beta"]):
        fit = power_law_slope(part["width"], part["distance"])
        named = {"initial": initial, "with_initial": True, "beta": beta, "reading": "n beta"}
        rows.append({"quantity": "path"} | named | fit.as_slope())
    return pd.DataFrame(rows).assign(claimed=-0.5, width_min=kept[0], width_max=kept[-1])


def error_term(
    setting: Setting, table: pd.DataFrame, activation: str, sigma0: float
) -> pd.DataFrame:
    """Set the worst error beside Theorem 2's bound ``E_init + E_Theta sqrt(n)/(lambda_0 + beta)``.

    The bound is the theorem's for the ridge and the prediction that it prints, ridge beta without
    f_0. ``E_Theta`` is taken at initialisation, ``|Theta_mu(0) - K_mu|_2`` on the training inputs,
    which the largest along training exceeds: the bound shown is a lower bound of the theorem's.

    Returns
    -------
    DataFrame
        A row a width, seed and beta of the standard initialisation: initial_worst (E_init),
        kernel_norm (E_Theta), bound, error_worst, and their ratio.
    """
    printed = table[
        (table["reading"] == "beta") & ~table["with_initial"] & (table["initial"] == "standard")
    ]
    inputs = torch.from_numpy(setting.x)
    smoothing = Smoothing(ACTIVATIONS[activation], sigma0)
    lambda_0 = float(np.linalg.eigvalsh(setting.train_train)[0])
    norms: dict[tuple[int, int], float] = {}
    for width, seed in printed[["width", "seed"]].drop_duplicates().itertuples(index=False):
        model = StochasticNetwork(inputs, int(width), sigma0, smoothing)
        weights = {k: w[0] for k, w in model.initial_weights((int(seed),)).items()}
        kernel = TangentKernel.of(weights, inputs, smoothing, parts=("mu",))
        like = kernel.decoder.new_empty(kernel.shape)
        norms[width, seed] = spectral_norm(difference(kernel, setting.train_train), like).value
    kernel_norm = np.array(
        [norms[key] for key in zip(printed["width"], printed["seed"], strict=True)]
    )
    amplified = kernel_norm * np.sqrt(len(setting.x)) / (lambda_0 + printed["beta"])
    bound = printed["initial_worst"] + amplified
    columns = ["width", "seed", "beta", "initial_worst", "error_worst"]
    return printed[columns].assign(
        kernel_norm=kernel_norm, bound=bound, over_bound=printed["error_worst"] / bound
    )


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
    seen = values[values > 1e-12 * values[-1]]
    return {
        "condition": float(seen[-1] / seen[0]),
        "participation": float(values.sum() ** 2 / np.square(values).sum()),
        "directions": float(x.shape[1]),
    }


def observe_kl(problem: Problem, schedule: Schedule, seeds: tuple[int, ...]) -> "KlObserver":
    """Make the observer of some members of one width."""
    return KlObserver(problem.x, problem.model().initial_weights(seeds)["mu"])


class KlObserver:
    """Measures Eq. 4's KL term on the trained displacement against Eq. 12's penalty.

    ``kl_ratio`` is ``d/n sum_i |dW x_i|^2 / |dW|_F^2``, which is 1 for every displacement where
    ``C = (1/n) sum x x^T`` of unit-norm inputs is I/d.

    Parameters
    ----------
    x
        Training inputs, (n, d).
    initial
        W_mu(0) of the members, (S, m, d).
    """

    def __init__(self, x: Array, initial: Tensor) -> None:
        self.x = torch.from_numpy(x).to(initial)
        self.initial = initial

    def __call__(self, step: int, weights: Weights) -> list[dict[str, float]]:
        """Observe every member; not a number while nothing has moved."""
        moved = weights["mu"] - self.initial
        through = (moved @ self.x.mT).square().sum(dim=(1, 2)) / len(self.x)
        ratio = self.x.shape[1] * through / moved.square().sum(dim=(1, 2))
        return [{"kl_ratio": float(value)} for value in ratio]


def displacements(table: pd.DataFrame, x: Array) -> pd.DataFrame:
    """Collect how far W_mu moved by beta, and how far Eq. 12's penalty is from the KL term.

    Returns
    -------
    DataFrame
        A row a beta, at the largest width and standard initialisation: change_mu (relative,
        mean over seeds) with change_over_smaller, over that of the next smaller beta;
        largest_change_over_smaller, the largest of these, in every row; kl_ratio (see
        `KlObserver`); and `kl_form` of the inputs.
    """
    kept = table[(table["width"] == table["width"].max()) & (table["initial"] == "standard")]
    means: pd.DataFrame = kept.groupby("beta")[["change_mu", "kl_ratio"]].mean().reset_index()
    means["width"] = int(table["width"].max())
    means["change_over_smaller"] = means["change_mu"] / means["change_mu"].shift(1)
    means["largest_change_over_smaller"] = means["change_over_smaller"].max()
    for name, value in kl_form(x).items():
        means[name] = value
    return means


def pictures(
    setting: Setting,
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
    samples = len(setting.x)
    chosen = np.array([int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)])
    beta = min(case.beta for case in cases.values())
    drawn = {"input": setting.held_out[chosen], "beta": np.array([beta])}
    drawn["width"] = np.array([float(records["width"].iloc[0])])
    for variant, seed, run in _members(records):
        case = cases[variant]
        initial = "antisymmetric" if case.antisymmetric else "standard"
        if case.beta != beta or f"{initial}/network" in drawn:
            continue
        steps = run["step"]
        before = outputs[f"{variant}/{seed}/{steps.iloc[0]}"].astype(float)
        after = outputs[f"{variant}/{seed}/{steps.iloc[-1]}"].astype(float)[samples:]
        ours = setting.predict(setting.ridge("n beta", beta), before)
        drawn[f"{initial}/network"] = after[chosen]
        drawn[f"{initial}/n beta"] = ours[chosen]
        drawn[f"{initial}/printed"] = setting.predict(setting.ridge("beta", beta))[chosen]
    return drawn


def _members(records: pd.DataFrame) -> Iterator[tuple[str, int, pd.DataFrame]]:
    for (variant, seed), run in records.groupby(["variant", "seed"], sort=False):
        yield str(variant), int(str(seed)), run
