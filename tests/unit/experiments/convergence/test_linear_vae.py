"""Measures of the linear VAE: planted powers and ratios, the bound, betas, K, noise, Hessian."""

from dataclasses import asdict
from itertools import pairwise, product

import numpy as np
import pandas as pd
import pytest
import torch

from vaentk.experiments.convergence.linear_vae import (
    EXPERIMENT,
    LinearVae,
    Variant,
    compared,
    objective,
    rates,
)
from vaentk.experiments.convergence.linear_vae import bound as linear_bound
from vaentk.experiments.convergence.linear_vae import noise as linear_noise
from vaentk.experiments.convergence.linear_vae.measure import measure
from vaentk.experiments.convergence.linear_vae.problem import (
    estimator_of,
    gaussian_data,
    problem_of,
)
from vaentk.models.linear_estimators import estimate, sampled_gradient
from vaentk.models.linear_vae import Parameters
from vaentk.training.linear import initial_parameters, log_spaced
from vaentk.training.linear_diagnostics import curvature, diagnostic_steps, gradient_noise

SETTINGS = LinearVae(
    runs=6,
    steps=1000,
    short_steps=1000,
    estimators=("pathwise", "score-leave-one-out"),
    batches=(1, 4),
    sample_counts=(2, 8),
    betas=(0.5, 1.0, 2.0),
    draws=50,
    code_counts=(1, 4),
    noise_limited={"runs": 6, "steps": 1000},
    points=20,
)


def records(power: float = -0.6, optimiser: str = "sgd") -> pd.DataFrame:
    """Planted curves: levels differ by run, the rate by beta and by K, nothing is noisy."""
    rows = []
    for variant in SETTINGS.variants():
        known = {"optimiser": optimiser, "variant": variant.name, **asdict(variant)}
        del known["steps"]
        own = 0.0 if variant.role == "constant" else power
        rate = {"beta": variant.beta, "codes": variant.samples**0.25}.get(variant.role, 1.0)
        for seed, n in product(range(SETTINGS.runs), log_spaced(variant.steps)):
            value = (1 + seed) * max(n, 1) ** (own * rate)
            values = {"mean_gradient": value, "gradient": value / 2, "gap": value / 4}
            values |= {"likelihood_gap": value / 8, "norm": 1.0 + seed}
            rows.append(known | {"seed": seed, "step": n} | values)
    return pd.DataFrame(rows)


def marks_of(trained: pd.DataFrame) -> pd.DataFrame:
    """Curvature 1 and 2 in two runs, and noise that falls from 8 and 16 to an eighth."""
    names = trained[trained["role"] == "rate"][["optimiser", "variant"]].drop_duplicates()
    marks = names.merge(pd.DataFrame(product((0, 1), (0, 1000)), columns=["seed", "step"]), "cross")
    marks["curvature"] = 1.0 + marks["seed"]
    marks["noise"] = np.where(marks["step"] == 0, 8.0, 1.0) * (1 + marks["seed"])
    return marks


RECORDS = records()
LONG = rates.with_since(RECORDS)


def test_all_declared_measures_are_of_every_optimiser() -> None:
    trained = {name: records(optimiser=name) for name in ("sgd", "adam")}
    marks = {name: marks_of(frame) for name, frame in trained.items()}
    measures = measure(SETTINGS.but(draws=2), records=trained, marks=marks)
    assert tuple(measures) == EXPERIMENT.measures
    for name in set(measures) - {
        "noise",
        "noise_slopes",
        "smoothness",
    }:  # no optimiser has a part in these
        assert list(measures[name]["optimiser"].unique()) == ["sgd", "adam"]


def test_planted_powers_and_their_ratio_to_the_claimed_rate() -> None:
    table = rates.slopes(LONG).set_index(["role", "estimator", "quantity"])
    for name in SETTINGS.estimators:
        for quantity in ("mean_gradient", "gradient", "gap"):
            row = table.loc["rate", name, quantity]
            assert row["slope"].item() == pytest.approx(-0.6, abs=1e-9)
            assert table.loc["constant", name, quantity]["slope"].item() == pytest.approx(0)
        ratio, mean = table.loc["rate", name, "ratio"], table.loc["rate", name, "mean_gradient"]
        # The logarithm of a ratio is a difference, and so is its fitted slope.
        difference = mean["slope"].item() - mean["claimed"].item()
        assert ratio["slope"].item() == pytest.approx(difference, abs=1e-9)
        assert (mean["step_min"].item(), mean["step_max"].item()) == (100, 1000)
    # d log(log n / sqrt n) / d log n = 1/log n - 1/2, between its values at the ends
    claimed = mean["claimed"].item()
    assert 1 / np.log(1000) - 0.5 < claimed < 1 / np.log(100) - 0.5


def test_a_curve_that_falls_as_log_n_over_root_n_has_a_flat_ratio() -> None:
    exact = LONG[LONG["role"] == "rate"]
    n = exact["step"].clip(lower=2).to_numpy(dtype=float)
    exact = exact.assign(mean_gradient=(1 + exact["seed"]) * np.log(n) / np.sqrt(n))
    table = rates.slopes(exact)
    ratios = table[table["quantity"] == "ratio"][["slope", "low", "high"]].to_numpy()
    np.testing.assert_allclose(ratios, 0, atol=1e-12)


def test_curves_have_means_intervals_and_the_ratio() -> None:
    table = rates.curves(LONG)
    assert (table["step"] > 0).all()
    row = table[(table["variant"] == "rate-pathwise-0.5") & (table["step"] == 100)].iloc[0]
    assert row["mean_gradient"] == pytest.approx(3.5 * 100**-0.6)
    assert row["claimed"] == pytest.approx(np.log(100) / 10)
    assert row["ratio"] == pytest.approx(row["mean_gradient"] / row["claimed"])
    # Student's with 5 degrees of freedom: 2.571 standard errors of 1..6, sqrt(3.5/6)
    half = 2.5706 * np.sqrt(3.5 / 6) * 100**-0.6
    assert row["mean_gradient_high"] - row["mean_gradient"] == pytest.approx(half, rel=1e-4)
    first = table[table["step"] == 1]
    assert first["ratio"].isna().all()


def test_the_mean_between_records_is_of_every_iterate() -> None:
    """Against the sum of a planted curve over the very iterates."""
    curve = 1 + np.random.default_rng(0).random(1001)
    known = RECORDS[(RECORDS["role"] == "rate") & (RECORDS["estimator"] == "pathwise")]
    running = np.cumsum(curve) / np.arange(1, 1002)
    step = known["step"].to_numpy()
    planted = known.assign(mean_gradient=running[step], gradient=curve[step])
    found = rates.with_since(planted)
    one = found[found["seed"] == 3].set_index("step")["since"]
    assert one[0] == curve[0]
    places = one.index.to_numpy()
    for before, n in pairwise(places):
        assert one[n] == pytest.approx(curve[before + 1 : n + 1].mean(), rel=1e-9)


def test_a_power_that_changes_has_a_drift_and_one_that_does_not_has_none() -> None:
    n = np.array([k for k in log_spaced(10_000) if k >= 1000], dtype=float)
    values = np.outer(np.arange(1, 5), n**-0.5)
    assert rates.bend(n, values).value == pytest.approx(0, abs=1e-12)
    middle = 10**3.5
    broken = np.where(n < middle, (n / middle) ** -1.0, (n / middle) ** -0.5)
    drift = rates.bend(n, np.outer(np.arange(1, 5), broken))
    assert (drift.value, drift.low, drift.high) == pytest.approx((0.5, 0.5, 0.5))


def test_local_slopes_are_of_half_decades_from_the_end() -> None:
    planted = LONG.assign(since=(1 + LONG["seed"]) * LONG["step"].clip(lower=1) ** -0.5)
    table = rates.local_slopes(planted)
    assert set(table["role"]) == {"rate", "noise-limited"}
    np.testing.assert_allclose(table[["slope", "low", "high"]], -0.5)
    own = table[table["role"] == "rate"]
    assert own["step_max"].tolist()[-2:] == [316, 1000]
    assert own["step_min"].tolist()[-1] == 316


def test_times_to_a_part_of_the_start_by_hand() -> None:
    """n^(-0.6 beta) is at 0.1 of its start, which is its value at 1, at n = 10^(1/(0.6 beta))."""
    values, pairs, trends = compared.compared(RECORDS, compared.BETAS, 0.1)
    times = values[values["quantity"] == "time_gap"].set_index("beta")["value"]
    for beta in (1.0, 2.0):
        assert times[beta] == pytest.approx(10 ** (1 / (0.6 * beta)), rel=1e-9)
    assert np.isnan(times[0.5])  # 10^3.3 is beyond the last iterate
    table = trends.set_index("quantity")
    expected = np.log(times[2.0] / times[1.0]) / np.log(2)
    assert table.loc["time_gap", "slope"] == pytest.approx(expected)
    assert table.loc["time_gap", "points"] == 2
    assert table.loc["late_gap", "points"] == 3
    assert table.loc["late_gap", "slope"] < 0
    ratio = pairs[(pairs["quantity"] == "time_gap") & (pairs["beta"] == 2)].iloc[0]
    assert ratio["smaller"] == 1
    assert ratio["ratio"] == pytest.approx(times[2.0] / times[1.0])
    assert ratio["ratio_low"] < ratio["ratio"] < ratio["ratio_high"]
    raw = values[values["quantity"] == "raw_mean_gradient"].set_index("beta")["value"]
    assert raw[2.0] == pytest.approx(3.5 * 1000**-1.2)


def test_a_power_of_beta_is_fitted_within_the_regime_alone() -> None:
    """Times 10^(1/(0.6 beta)) of beta = 1 and 2; that of 0.5 is planted to turn the slope."""
    planted = RECORDS.copy()
    slow = (planted["role"] == "beta") & (planted["beta"] == 0.5)
    planted.loc[slow, "gap"] = np.where(planted.loc[slow, "step"] == 0, 1.0, 1e-3)
    whole = compared.compared(planted, compared.BETAS, 0.1)[2].set_index("quantity")
    inside = compared.compared(planted, compared.BETAS, 0.1, [1.0, 2.0])[2].set_index("quantity")
    assert whole.loc["time_gap", "points"] == 3
    assert whole.loc["time_gap", "slope"] > 0 > inside.loc["time_gap", "slope"]
    assert inside.loc["time_gap", "points"] == 2


def test_codes_are_iterations_times_k() -> None:
    """n^(-0.6 K^(1/4)) is at 0.1 of its start at n = 10^(1/(0.6 K^(1/4)))."""
    values, pairs, _ = compared.compared(RECORDS, compared.CODES, 0.1)
    table = values.set_index(["quantity", "samples"])["value"]
    for samples in (1, 4):
        time = 10 ** (1 / (0.6 * samples**0.25))
        assert table["time_likelihood_gap", samples] == pytest.approx(time, rel=1e-9)
        assert table["codes_likelihood_gap", samples] == pytest.approx(samples * time, rel=1e-9)
    ratios = pairs.set_index("quantity")["ratio"]
    assert ratios["time_likelihood_gap"] < 1
    assert ratios["raw_mean_gradient"] == pytest.approx(1000 ** (-0.6 * (4**0.25 - 1)))


def test_crossings_at_once_between_and_never() -> None:
    steps = np.array([0.0, 1.0, 10.0, 100.0])
    curves = np.array([[1, 0.1, 0.1, 0.1], [1, 1, 0.1, 0.01], [1, 1, 1, 1], [1, 1, 0.05, 1]])
    times = compared.crossing(steps, curves, 0.1)
    np.testing.assert_allclose(times[[0, 1]], [1, 10])
    assert np.isnan(times[2])
    assert 1 < times[3] < 10


def test_units_that_an_optimum_uses() -> None:
    """Signals 4 and 2 on noise 1, c^2 = 1: variances near 5 and 3, used above beta c^2."""
    units = objective.units_used(problem_of(SETTINGS), (0.5, 4.0, 8.0))
    assert units == {0.5: 2, 4.0: 1, 8.0: 0}
    assert objective.regimes(units, 2)["regime"].tolist() == ["all", "some", "none"]


def test_the_hessians_largest_eigenvalue_rises_with_beta_at_the_stated_norm() -> None:
    """The KL's Hessian is positive semidefinite, so that beta adds to that of the negative ELBO."""
    problem, other = problem_of(SETTINGS), problem_of(SETTINGS, beta=3.0)
    points = objective.random_points(problem, 1.5, 20)
    np.testing.assert_allclose(points.square(), 1.5**2)
    added = problem.model.hessian(points, problem.moments)
    added = added - other.model.hessian(points, other.moments)
    values = np.linalg.eigvalsh(added.numpy())
    assert values.min() > -1e-12 * values.max()
    table = objective.smoothness(SETTINGS)
    assert (table["rising"] == 1).all()
    first = table[(table["radius"] == 1) & (table["beta"] == 1)].iloc[0]
    own = curvature(problem, objective.random_points(problem, 1.0, 20))
    assert first["curvature"] == pytest.approx(float(own.mean()))
    # Twenty of twenty points: 0.025^(1/20), Clopper and Pearson's lower end.
    assert table["rising_low"].min() == pytest.approx(0.025 ** (1 / 20))


def test_a_curvature_that_falls_somewhere_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def planted(problem: object, points: Parameters) -> torch.Tensor:
        beta = problem.model.beta  # type: ignore[attr-defined]
        falls = torch.arange(len(points.s)) < 5
        return torch.where(falls, -beta, beta).double()

    monkeypatch.setattr(objective, "curvature", planted)
    table = objective.smoothness(SETTINGS.but(radii=[1.0]))
    assert table["rising"].tolist() == [1, 0.75, 0.75]


@pytest.mark.parametrize("scale", [0.1, 0.4, 0.9])
def test_the_bound_holds_on_a_quadratic_and_is_not_vacuous(scale: float) -> None:
    """SGD on S x^2/2 with noise of variance V: E x_k^2 follows a line's recursion exactly."""
    smoothness, variance, start = 2.0, 0.5, 3.0
    steps = scale * np.arange(1, 2002) ** -0.5
    square, total = start**2, 0.0
    for n, step in enumerate(steps, start=1):
        total += smoothness**2 * square
        square = (1 - step * smoothness) ** 2 * square + step**2 * variance
        if n in (1, 2, 10, 100, 2001):
            limit = linear_bound.bound(smoothness * start**2 / 2, smoothness, variance, steps[:n])
            assert total / n <= limit * (1 + 1e-12)
    assert limit < 60 * total / n


def test_no_bound_where_the_first_step_is_too_long() -> None:
    assert np.isnan(linear_bound.bound(1, 2, 1, np.array([1.0, 0.7])))
    assert np.isfinite(linear_bound.bound(1, 2, 1, np.array([0.99, 0.7])))


def test_constants_are_the_largest_that_were_met_and_adam_has_no_bound() -> None:
    both = pd.concat([RECORDS, records(optimiser="adam")])
    problem = problem_of(SETTINGS)
    table = linear_bound.constants(both, marks_of(both), SETTINGS, problem)
    table = table.set_index(["optimiser", "estimator"])
    row = table.loc["sgd", "pathwise"]
    assert (row["curvature"], row["noise"], row["gap"]) == (2, 12, 3.5 / 4)
    steps = 0.04 * np.arange(1, 1002) ** -0.5
    assert row["bound"] == linear_bound.bound(3.5 / 4, 2, 12, steps)
    assert row["looseness"] == row["bound"] / row["measured"]
    assert np.isnan(table.loc["adam", "pathwise"]["bound"])
    best = problem.model.optimum(problem.moments, 2)
    assert row["norm"] == SETTINGS.runs
    assert row["norm_over"] == pytest.approx(SETTINGS.runs / float(best.flat().norm()))


def test_the_curvature_is_that_of_the_dense_hessian() -> None:
    problem = problem_of(SETTINGS)
    parameters = initial_parameters(problem, (0, 1), 0.5)
    dense = problem.model.hessian(parameters, problem.moments)
    values = np.linalg.eigvalsh(dense.numpy())
    np.testing.assert_allclose(curvature(problem, parameters), np.abs(values).max(1), rtol=1e-10)


def test_the_noise_is_the_estimators_variance_by_brute_force() -> None:
    """4,000 single gradients of one run against the measurement: both know it to a few per cent."""
    problem, estimator = problem_of(SETTINGS), estimator_of("pathwise", 2, 3)
    parameters = initial_parameters(problem, (0,), 0.3)
    generator = torch.Generator().manual_seed(3)
    found = []
    for _ in range(1000):
        rows = torch.randint(len(problem.points), (1, 2), generator=generator)
        noise = torch.randn(1, 2, 3, 2, generator=generator, dtype=torch.float64)
        given = problem.model, parameters, problem.points[rows], noise, estimator
        found.append(estimate(*given).flat()[0])
    brute = torch.stack(found).var(0).sum()
    measured = gradient_noise(problem, parameters, estimator, 4000, generator)
    assert float(measured[0]) == pytest.approx(float(brute), rel=0.15)


def test_noise_falls_as_one_over_b_and_less_than_one_over_k() -> None:
    """Draws of B points are independent; those of K samples share their point."""
    settings = SETTINGS.but(draws=1500)
    noise = linear_noise.variances(settings, problem_of(settings))
    assert len(linear_noise.summary(noise)) == 2 * 3 * 4
    slopes = linear_noise.slopes(noise).set_index(["place", "estimator", "factor"])
    for name in SETTINGS.estimators:  # at the start tails are heavy and more draws were needed
        batch, samples = (slopes.loc[("optimum", name, factor)] for factor in linear_noise.FACTORS)
        assert batch["slope"] == pytest.approx(-1, abs=0.1)
        assert -1.1 < samples["slope"] < 0
    assert 0 < slopes.loc[("optimum", "pathwise", "samples"), "share"] < 1


def test_the_iwaes_noise_is_about_its_own_mean_by_brute_force() -> None:
    """Away from the optimum its mean is not the ELBO's gradient; the variance is known to 10%."""
    problem, estimator = problem_of(SETTINGS), estimator_of("iwae", 1, 8)
    parameters = initial_parameters(problem, (0,), 0.8)
    generator = torch.Generator().manual_seed(5)
    copies = Parameters(*(t.repeat(20_000, *[1] * (t.dim() - 1)) for t in parameters.tensors()))
    drawn = sampled_gradient(problem.model, copies, problem.points, estimator, generator).flat()
    exact = problem.model.gradient(parameters, problem.moments).flat()
    brute = float(drawn.var(0).sum())
    assert float((drawn - exact).square().sum(1).mean()) > 1.1 * brute
    measured = gradient_noise(problem, parameters, estimator, 20_000, generator)
    assert float(measured[0]) == pytest.approx(brute, rel=0.1)


def test_a_ratio_of_noises_is_over_pathwise_of_the_same_size() -> None:
    rows = [
        {"place": "start", "estimator": name, "batch": 1, "samples": k, "seed": seed}
        | {"variance": (1 + seed) * factor / k}
        for name, factor in (("pathwise", 2.0), ("score", 30.0))
        for k in (1, 4)
        for seed in range(5)
    ]
    table = linear_noise.summary(pd.DataFrame(rows))
    score = table[table["estimator"] == "score"]
    ratios = score[["over_pathwise", "over_pathwise_low", "over_pathwise_high"]]
    np.testing.assert_allclose(ratios, 15)  # paired: what runs share cancels


def test_leave_one_out_is_not_measured_at_one_sample() -> None:
    settings = SETTINGS.but(sample_counts=(1, 2, 4), draws=2)
    noise = linear_noise.variances(settings, problem_of(settings))
    counts = noise.groupby("estimator")["samples"].unique()
    assert list(counts["pathwise"]) == [1, 2, 4]
    assert list(counts["score-leave-one-out"]) == [2, 4]


def test_data_has_the_stated_covariance() -> None:
    """Of 200,000 samples, to 2%: eigenvalues noise, noise + signal."""
    settings = SETTINGS.data.model_copy(update={"samples": 200_000})
    values = np.linalg.eigvalsh(np.cov(gaussian_data(settings).T))
    np.testing.assert_allclose(values, [1, 1, 1, 3, 5], rtol=0.02)


def test_diagnostic_steps() -> None:
    assert diagnostic_steps(100) == [0, 1, 4, 16, 64, 100]
    assert diagnostic_steps(64) == [0, 1, 4, 16, 64]


def test_variants_have_names_of_their_own() -> None:
    variants = SETTINGS.variants()
    assert len({variant.name for variant in variants}) == len(variants) == 2 + 2 + 3 + 2 + 1
    assert Variant("beta", "pathwise", 0.5, 0.5, 4, 4, 10).name == "beta-0.5"
