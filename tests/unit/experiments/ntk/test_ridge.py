"""Theorem 2's measures: on outputs planted around a ridge, and on networks that are trained."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.experiments.ntk.networks import eq12_problem
from vaentk.experiments.ntk.ridge import Ridge, bound, errors, measure, penalty, printed_path
from vaentk.experiments.ntk.ridge.regression import RIDGES, KernelRegression
from vaentk.kernels.finite import TangentKernel
from vaentk.models.snn import StochasticNetwork
from vaentk.training import flow
from vaentk.training.recorder import Recorder
from vaentk.training.schedule import Moments

N, TEST, D = 6, 4, 3
WIDTHS = (64, 256, 1024)
SETTINGS = Ridge.from_plain(
    {
        "inputs": {"samples": N, "components": D},
        "held_out": TEST,
        "widths": list(WIDTHS),
        "betas": [0.05, 0.5],
        "horizon": 8.0,
    }
)
CASES = SETTINGS.variants()


@pytest.fixture
def regression() -> KernelRegression:
    rows = np.random.default_rng(1).standard_normal((N + TEST, D))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return KernelRegression.of("erf", 0.5, rows[:N], rows[N:])


def planted(regression: KernelRegression, width: int) -> list[errors.Network]:
    """Outputs at a start f_0 and at an end off the n beta ridge by a relative m^(-1/2)."""
    rows, outputs = [], {}
    generator = np.random.default_rng(width)
    for variant, case in CASES.items():
        for seed in SETTINGS.seeds:
            start = np.zeros((N + TEST, D))
            if not case.antisymmetric:
                start = generator.standard_normal((N + TEST, D))
            meant = regression.predict(N * case.beta, start)
            off = generator.standard_normal((TEST, D))
            off *= width**-0.5 * np.linalg.norm(meant) / np.linalg.norm(off)
            outputs[f"{variant}/{seed}/0"] = start
            outputs[f"{variant}/{seed}/8"] = np.concatenate([start[:N], meant + off])
            for step in (0, 8):
                row = {"variant": variant, "width": width, "seed": seed, "step": step}
                moved = {"change_mu": 0.1 / (1 + case.beta), "kl_ratio": 2.0}
                rows.append(row | {"time": step * 0.5} | moved)
    return errors.trained_networks(CASES, pd.DataFrame(rows), outputs)


def test_prediction_is_kernel_ridge_regression(regression: KernelRegression) -> None:
    """Against scikit-learn, with and without an initial output, to 1e-10."""
    start = np.random.default_rng(3).standard_normal((N + TEST, D))
    for value in (0.05, 0.3):
        for initial in (None, start):
            before = np.zeros_like(start) if initial is None else initial
            model = KernelRidge(alpha=value, kernel="precomputed")
            model.fit(regression.train_train, regression.x - before[:N])
            want = before[N:] + model.predict(regression.test_train)
            got = regression.predict(value, initial)
            assert np.linalg.norm(got - want) < 1e-10 * np.linalg.norm(want)


def test_the_three_readings(regression: KernelRegression) -> None:
    assert regression.ridge("beta", 0.05) == 0.05
    assert regression.ridge("n beta", 0.05) == pytest.approx(0.05 * N)
    assert regression.ridge("2 n beta", 0.05) == pytest.approx(0.1 * N)


def test_planted_errors_are_found_and_the_nearest_ridge_is_theirs(
    regression: KernelRegression,
) -> None:
    tables = [errors.errors(regression, planted(regression, width)) for width in WIDTHS]
    table = pd.concat(tables)
    ours = table[(table["reading"] == "n beta") & table["with_initial"]]
    assert ours["error"].to_numpy() == pytest.approx(ours["width"].to_numpy() ** -0.5)
    twins = table[table["initial"] == "antisymmetric"]
    assert twins["loss_over_zero"].to_numpy() == pytest.approx(1)
    summary = errors.summary(table)
    widest = summary[(summary["width"] == 1024) & summary["with_initial"]]
    assert set(widest["nearest"]) == {"n beta"}
    twin = summary[(summary["initial"] == "antisymmetric") & (summary["reading"] == "n beta")]
    assert twin["error"].to_numpy() == pytest.approx(twin["error_without"].to_numpy())
    paths = pd.concat(errors.path(regression, planted(regression, width)) for width in WIDTHS)
    slopes = errors.slopes(table, paths, 3)
    near = slopes.query("quantity == 'error' and reading == 'n beta' and with_initial")["slope"]
    assert near.to_numpy() == pytest.approx(-0.5)
    far = slopes.query("reading == 'beta' and with_initial and initial == 'antisymmetric'")
    assert (far.query("quantity == 'error'")["slope"] > -0.3).all()
    moved = measure.displacements(table, regression.x).set_index("beta")
    assert moved["change_over_smaller"][0.5] == pytest.approx(1.05 / 1.5)
    assert np.isnan(moved["change_over_smaller"][0.05]), "none is smaller"
    standard = ours[ours["initial"] == "standard"]
    without = table[(table["reading"] == "n beta") & ~table["with_initial"]]
    without = without[without["initial"] == "standard"]
    assert standard["over_without"].to_numpy() == pytest.approx(
        standard["error"].to_numpy() / without["error"].to_numpy()
    )


def test_the_kl_term_is_the_penalty_where_the_inputs_are_white() -> None:
    """Rows of +-I: C = I/d, every displacement has ratio 1; on one direction the ratio is d."""
    white = np.concatenate([np.eye(D), -np.eye(D)])
    form = measure.kl_form(white)
    assert form["condition"] == pytest.approx(1)
    assert form["participation"] == pytest.approx(D)
    initial = torch.zeros(1, 5, D, dtype=torch.float64)
    moved = torch.randn(initial.shape, generator=torch.Generator().manual_seed(0)).double()
    (seen,) = penalty.KlObserver(white, initial)(3, {"mu": moved})
    assert seen["kl_ratio"] == pytest.approx(1)
    one = np.tile(np.eye(D)[:1], (4, 1))
    along = torch.zeros(1, 5, D, dtype=torch.float64)
    along[:, :, 0] = 1
    (seen,) = penalty.KlObserver(one, initial)(3, {"mu": along})
    assert seen["kl_ratio"] == pytest.approx(D)
    (seen,) = penalty.KlObserver(one, initial)(0, {"mu": initial})
    assert np.isnan(seen["kl_ratio"])


def test_the_error_term_is_the_theorems(regression: KernelRegression) -> None:
    table = errors.errors(regression, planted(regression, 64))
    terms = bound.error_term(regression, table, "erf", 0.5)
    lambda_0 = np.linalg.eigvalsh(regression.train_train)[0]
    for initial in ("standard", "antisymmetric"):
        row = terms[terms["initial"] == initial].iloc[0]
        expected = row["initial_worst"] + row["kernel_norm"] * np.sqrt(N) / (lambda_0 + row["beta"])
        assert row["bound"] == pytest.approx(expected)
        assert row["over_bound"] == pytest.approx(row["error_worst"] / row["bound"])
    assert set(terms["beta"]) == {0.05, 0.5}
    assert row["initial_worst"] == 0
    rows = torch.from_numpy(regression.x)
    model = StochasticNetwork(rows, 64, 0.5, Smoothing(ACTIVATIONS["erf"], 0.5), antisymmetric=True)
    weights = {k: w[0] for k, w in model.initial_weights((int(row["seed"]),)).items()}
    kernel = TangentKernel.of(weights, rows, model.smoothing, parts=("mu",)).block()
    gap = kernel.reshape(N * D, N * D).numpy() - np.kron(regression.train_train, np.eye(D))
    assert row["kernel_norm"] == pytest.approx(np.linalg.norm(gap, 2), rel=0.01)


@pytest.mark.parametrize(
    ("at_64", "where", "by"),
    [(0.5, 256.0, "interpolated"), (0.05, 25600.0, "extrapolated"), (4.0, 4.0, "extrapolated")],
)
def test_the_width_at_which_a_planted_ratio_is_one(at_64: float, where: float, by: str) -> None:
    """Ratios that grow as m^(1/2), in two seeds a factor 4/3 and 3/4 from the mean."""
    rows = [
        {"initial": initial, "width": width, "seed": seed, "beta": 0.1}
        | {"over_bound": at_64 * np.sqrt(width / 64) * (0.75, 4 / 3)[seed]}
        for initial in ("standard", "antisymmetric")
        for width in (64, 128, 512, 1024)
        for seed in (0, 1)
    ]
    table = bound.growth(pd.DataFrame(rows), 3).set_index("initial")
    assert table["slope"].to_numpy() == pytest.approx(0.5)
    row = table.loc["antisymmetric"]
    assert row["crossing"] == pytest.approx(where)
    assert row["crossing_low"] < where < row["crossing_high"]
    assert row["crossing_by"] == by
    assert np.isnan(table["crossing"]["standard"])
    assert table["crossing_by"]["standard"] == "none"


def test_the_printed_paths_limit_is_not_that_of_eq_18(regression: KernelRegression) -> None:
    """Outputs planted at 0 on training inputs; both limits from eigenvectors."""
    table = printed_path.printed_path(regression, planted(regression, 64)).set_index("beta")
    values, vectors = np.linalg.eigh(regression.train_train)
    parts = vectors.T @ regression.x
    size = np.linalg.norm(regression.x)
    for beta in SETTINGS.betas:
        row = table.loc[beta].iloc[0]
        left = (beta / (values + beta))[:, None] * parts
        assert row["limits_apart"] == pytest.approx(np.linalg.norm(left) / size)
        assert row["to_path"] == pytest.approx(1)
        for name, ridge in (("to_eq18", beta), ("to_derived", N * beta)):
            kept = (values / (values + ridge))[:, None] * parts
            assert row[name] == pytest.approx(np.linalg.norm(kept) / size)


def test_a_wide_trained_network_meets_the_n_beta_ridge(regression: KernelRegression) -> None:
    """m = 8192, f_0 = 0: 2% from ridge n beta, five times as far from the other two readings."""
    case = CASES["beta0.05-antisymmetric"]
    case = case.but(horizon=8.0)
    problem = eq12_problem(case, 8192, regression.x, "float64", "cpu", regression.held_out)
    gradient, schedule = problem.gradient((0,)), problem.schedule
    assert set(gradient.shapes) == {"mu"}
    assert isinstance(schedule, Moments)
    recorder = Recorder(gradient.initial, (0,), keep=problem.model_kept())
    state = flow.follow(gradient, schedule, recorder, flow.initial_state(gradient, 1))
    trained = state.tensors[f"outputs/{schedule.steps}"][0, N:].numpy()
    records = pd.DataFrame([{"width": 8192, "seed": 0}])
    (end,) = printed_path.printed_path(
        regression, [(case, records, state.tensors[f"outputs/{schedule.steps}"].numpy())]
    ).itertuples()
    assert end.to_derived < 0.02
    assert end.to_path > 5 * end.to_derived
    assert end.to_eq18 > 5 * end.to_derived
    gaps = {
        reading: np.linalg.norm(trained - regression.predict(regression.ridge(reading, case.beta)))
        / np.linalg.norm(trained)
        for reading in RIDGES
    }
    assert gaps["n beta"] < 0.02
    assert gaps["beta"] > 5 * gaps["n beta"]
    assert gaps["2 n beta"] > 5 * gaps["n beta"]
