"""Theorem 2 with the KL term: the derived ridge regression, its measures, trained networks."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from vaentk.activations import ACTIVATIONS
from vaentk.experiments.ntk.kl_ridge import KlRidge
from vaentk.experiments.ntk.kl_ridge.measure import errors, slopes, summary
from vaentk.experiments.ntk.kl_ridge.regression import READINGS, KlRegression
from vaentk.experiments.ntk.kl_ridge.tables import COLUMNS, kl_ridge
from vaentk.experiments.ntk.kl_ridge.train import kl_problem, least_nonzero
from vaentk.kernels.limit import limit_kernels
from vaentk.training import flow
from vaentk.training.recorder import Recorder
from vaentk.training.schedule import Moments

Array = NDArray[np.float64]

SIGMA0, TEST, D = 0.5, 3, 3
Q = 1 + SIGMA0**2
WIDTHS = (64, 256, 1024)
SETTINGS = KlRidge.from_plain(
    {"inputs": {"samples": 6, "components": D}, "held_out": TEST, "widths": WIDTHS, "betas": [0.25]}
)
CASES = SETTINGS.variants()


def unit_rows(samples: int, seed: int = 0) -> Array:
    rows = np.random.default_rng(seed).standard_normal((samples, D))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def regression_of(samples: int) -> KlRegression:
    rows = unit_rows(samples + TEST)
    return KlRegression.of("erf", SIGMA0, rows[:samples], rows[samples:])


def relative(got: Array, want: Array) -> float:
    return float(np.linalg.norm(got - want) / np.linalg.norm(want))


def kappa_1(products: Array) -> Array:
    """Of erf, by its closed form: ``(4/pi) / sqrt((1 + 2q)^2 - 4 (x . x')^2)``."""
    return np.asarray(4 / np.pi / np.sqrt((1 + 2 * Q) ** 2 - 4 * products**2))


@pytest.mark.parametrize("samples", [2, 9])
def test_kl_is_the_minimiser_found_by_least_squares(samples: int) -> None:
    """Features F with F F^T = kappa_1, parameters dW (m x d) an output, n below and above d; 1e-9.

    ``1/(2n) |f - X|^2 + beta/(2 n sigma0^2) |X dW^T|^2``, ``f_i = sum_r F_ir dW_r . x_i``.
    """
    regression, beta = regression_of(samples), 0.1
    rows = unit_rows(samples + TEST)
    features = np.linalg.cholesky(kappa_1(rows @ rows.T) + 1e-14 * np.eye(len(rows)))
    linear = np.einsum("ir,ia->ira", features, rows).reshape(len(rows), -1)
    shifts = np.kron(np.eye(len(rows)), rows[:samples])  # X dW^T of every feature, one by one
    weight = beta / (samples * SIGMA0**2)
    stacked = np.vstack([linear[:samples] / sqrt(samples), sqrt(weight) * shifts])
    sides = np.vstack([rows[:samples] / sqrt(samples), np.zeros((len(shifts), D))])
    moved = np.linalg.lstsq(stacked, sides, rcond=1e-12)[0]
    assert relative(regression.predict("KL", beta), linear @ moved) < 1e-9
    for reading in READINGS[1:]:
        assert relative(regression.predict(reading, beta), linear @ moved) > 0.05


@pytest.mark.parametrize("samples", [2, 9])
def test_the_dual_solution_is_stationary_for_the_objective_as_it_is_trained(samples: int) -> None:
    """At width 8, with the network's own features: the gradient of Eq. 4 as `Objective` has it.

    The network is replaced by its linearisation; the gradient falls below 1e-12 of the first.
    """
    rows, case, width = unit_rows(samples + TEST), CASES["beta0.25-frozen"], 8
    x = rows[:samples]
    problem = kl_problem(case, width, x, "float64", "cpu", rows[samples:])
    model = problem.model()
    weights = model.initial_weights((0,))
    start = model.forward(weights)
    assert start.outputs.abs().max() < 1e-15  # f_0 = 0
    objective = problem.objective(model, weights)
    slope, w_d = start.slope[0].numpy(), weights["d"][0].numpy()

    # The module's formula before the limit: Theta[ik, jl] = P_ij (1/m) sum_r a_ir a_jr W_rk W_rl.
    projection = x @ np.linalg.pinv(x)
    kernel = np.einsum("ij,ir,jr,rk,rl->ikjl", projection, slope, slope, w_d, w_d) / width
    kernel = kernel.reshape(samples * D, samples * D)
    ridge = case.beta / SIGMA0**2 * np.eye(samples * D)
    dual = np.linalg.solve(kernel + ridge, x.ravel()).reshape(samples, D)
    moved = np.linalg.pinv(x) @ (slope * (dual @ w_d.T)) / sqrt(width)  # dW^T, (d, m)

    shift = torch.from_numpy(x @ moved)[None]
    outputs = (start.slope * shift) @ weights["d"] / sqrt(width)
    there = replace(start, outputs=outputs, mean=start.mean + shift)
    np.testing.assert_allclose(outputs[0].numpy().ravel(), kernel @ dual.ravel(), atol=1e-12)
    first, last = (
        model.gradients(weights, start, objective.cotangent(forward))["mu"].dense()
        for forward in (start, there)
    )
    assert last.abs().max() < 1e-12 * first.abs().max()


def test_few_independent_inputs_are_shrunk_by_one_factor() -> None:
    """n <= d: f(X) = X kappa_1(1/q)/(kappa_1(1/q) + beta/sigma0^2), to 1e-12, for every n."""
    at_itself = float(kappa_1(np.array(1.0)))
    for samples in (2, D):
        regression = regression_of(samples)
        want = regression.x * at_itself / (at_itself + 0.1 / SIGMA0**2)
        assert relative(regression.predict("KL", 0.1)[:samples], want) < 1e-12


def test_white_inputs_lead_to_eq_12_with_beta_over_d_sigma0_squared() -> None:
    """Rows of +-I, and a rotation: C = I/d, KL and its isotropic reading agree to 1e-12."""
    rotation = np.linalg.qr(np.random.default_rng(2).standard_normal((D, D)))[0]
    white = np.concatenate([np.eye(D), -np.eye(D), rotation])
    regression = KlRegression.of("erf", SIGMA0, white, unit_rows(TEST))
    isotropic = regression.predict("Eq. 12, isotropic", 0.1)
    assert relative(regression.predict("KL", 0.1), isotropic) < 1e-12
    ridge_of_12 = len(white) * 0.1 / (D * SIGMA0**2)
    kernel = limit_kernels(ACTIVATIONS["erf"], SIGMA0, white).mu
    want = kernel @ np.linalg.solve(kernel + ridge_of_12 * np.eye(len(white)), white)
    assert relative(isotropic[: len(white)], want) < 1e-12


def test_other_readings_are_the_limit_kernel_with_their_ridge() -> None:
    regression = regression_of(6)
    rows = unit_rows(6 + TEST)
    kernel = limit_kernels(ACTIVATIONS["erf"], SIGMA0, rows, regression.x).mu
    for reading, ridge in (("n beta", 6 * 0.1), ("beta", 0.1)):
        want = kernel @ np.linalg.solve(kernel[:6] + ridge * np.eye(6), regression.x)
        assert relative(regression.predict(reading, 0.1), want) < 1e-12


def test_the_slowest_mode_is_of_the_inputs_own_space() -> None:
    """Two orthogonal inputs in three dimensions: (1/2) X^T X has 1/2 twice, and a zero."""
    assert least_nonzero(np.eye(D)[:2]) == pytest.approx(0.5)


def test_planted_errors_are_found_with_their_slope_and_reading() -> None:
    """Outputs off the KL prediction by a relative m^(-1/2), training and held-out alike."""
    regression = regression_of(6)
    generator, tables = np.random.default_rng(1), []
    for width in WIDTHS:
        rows, outputs = [], {}
        for variant, case in CASES.items():
            meant = regression.predict("KL", case.beta)
            for seed in SETTINGS.seeds:
                off = generator.standard_normal(meant.shape)
                for part in (slice(6), slice(6, None)):
                    size = np.linalg.norm(meant[part]) / np.linalg.norm(off[part])
                    off[part] *= width**-0.5 * size
                outputs |= {f"{variant}/{seed}/7": 0.9 * (meant + off)}
                outputs |= {f"{variant}/{seed}/8": meant + off}
                rows += [
                    {"variant": variant, "width": width, "seed": seed, "step": step}
                    for step in (7, 8)
                ]
        tables.append(errors(regression, CASES, pd.DataFrame(rows), outputs))
    table = pd.concat(tables)
    ours = table[table["reading"] == "KL"]
    assert ours["error"].to_numpy() == pytest.approx(ours["width"].to_numpy() ** -0.5)
    assert table["late_change"].to_numpy() == pytest.approx(0.1)
    end = outputs[f"{variant}/{seed}/8"][:6] - regression.x
    left = np.linalg.norm(end) ** 2 / np.linalg.norm(regression.x) ** 2
    assert table["loss_over_zero"].iloc[-1] == pytest.approx(left)
    fitted = slopes(table, 3).set_index("reading")["slope"]
    assert fitted["KL"].to_numpy() == pytest.approx(-0.5)
    assert (fitted["beta"] > -0.3).all()
    averaged = summary(table)
    assert set(averaged["nearest"]) == {"KL"}
    assert len(averaged) == 2 * 2 * len(WIDTHS) * len(READINGS)
    shown = kl_ridge({"b": averaged, "a": averaged})
    assert list(shown["run"].unique()) == ["b", "a"]
    assert list(shown["sigma"])[:3] == ["frozen"] * 3
    assert shown["error_kl"].to_numpy() == pytest.approx(shown["width"].to_numpy() ** -0.5)
    assert set(COLUMNS.values()) < set(shown.columns)


@pytest.mark.parametrize("sigma", ["frozen", "trained"])
def test_a_wide_trained_network_meets_the_kl_form_and_no_other(sigma: str) -> None:
    """m = 8192, n = 6 > d = 3: 6% from KL, four times as far from every other reading."""
    regression, case = regression_of(6), CASES[f"beta0.25-{sigma}"]
    held_out = unit_rows(6 + TEST)[6:]
    problem = kl_problem(case, 8192, regression.x, "float64", "cpu", held_out)
    gradient, schedule = problem.gradient((0,)), problem.schedule
    assert set(gradient.shapes) == set(case.trained)
    assert isinstance(schedule, Moments)
    recorder = Recorder(gradient.initial, (0,), keep=problem.model_kept())
    state = flow.follow(gradient, schedule, recorder, flow.initial_state(gradient, 1))
    outputs = state.tensors[f"outputs/{schedule.steps}"][0].numpy()
    gaps = {r: relative(outputs, regression.predict(r, case.beta)) for r in READINGS}
    print(gaps)
    assert gaps["KL"] < 0.06
    assert all(gap > 4 * gaps["KL"] for reading, gap in gaps.items() if reading != "KL")
