"""Measures of X1, X2 and X3 on exact power laws, known orders and outputs made by hand."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from vaentk.activations import ACTIVATIONS
from vaentk.data.stored import Stored
from vaentk.experiments.ntk.activations import Activations
from vaentk.experiments.ntk.activations.measure import rank_agreement
from vaentk.experiments.ntk.frozen_sigma.measure import compare
from vaentk.experiments.ntk.inputs import inputs_of, variant_inputs
from vaentk.experiments.ntk.least_width import LeastWidth
from vaentk.experiments.ntk.least_width.measure import (
    by_seed,
    inflations,
    least_widths,
    measure,
    slopes,
)
from vaentk.experiments.ntk.variants import measure_variants
from vaentk.kernels.flow import gradient_flow, residuals
from vaentk.kernels.limit import limit_kernels


def members(
    distances: dict[int, float], samples: int = 16, sigma0: float = 0.5, outputs: int = 49
) -> pd.DataFrame:
    """Two seeds a tenth below and above a distance, by width."""
    rows = [
        {"samples": samples, "outputs": outputs, "sigma0": sigma0, "width": width, "seed": seed}
        | {"lambda_0": 0.1, "flow_distance": factor * value}
        for width, value in distances.items()
        for seed, factor in enumerate((0.9, 1.1))
    ]
    return pd.DataFrame(rows)


def only(table: pd.DataFrame) -> dict:
    (row,) = table.to_dict("records")
    return row


def both_seeds(distances: dict[int, float]) -> dict:
    """The one row of both seeds' least widths: theirs lie around that of the distances."""
    return only(least_widths(by_seed(members(distances), 0.1)))


@pytest.mark.parametrize(
    ("widths", "extrapolated"),
    [((64, 256, 4096), False), ((64, 256), True), ((2048, 4096, 8192), True)],
)
def test_the_least_width_of_a_power_law_is_exact(
    widths: tuple[int, ...], extrapolated: bool
) -> None:
    """3.2 m^(-1/2) is a tenth at m = 1024, within, above and below the widths."""
    own = by_seed(members({width: 3.2 * width**-0.5 for width in widths}), 0.1)
    assert own["least_width"].to_numpy() == pytest.approx([1024 * 0.9**2, 1024 * 1.1**2])
    assert set(own["extrapolated"]) == {extrapolated}
    row = only(least_widths(own))
    assert row["least_width"] == pytest.approx(1024 * 0.99), "a geometric mean"
    assert row["extrapolated"] is extrapolated
    assert row["distance_widest"] == pytest.approx(3.2 * widths[-1] ** -0.5)


def test_the_least_width_lies_between_its_neighbours() -> None:
    """From 0.2 to 0.05 as m^(-1): half way in logarithms; the flat part before does not matter."""
    row = both_seeds({16: 0.21, 64: 0.2, 256: 0.05, 1024: 0.049})
    assert row["least_width"] == pytest.approx(128 * 0.99**0.5)
    assert not row["extrapolated"]


def test_a_distance_that_comes_back_counts_from_the_last_crossing() -> None:
    row = both_seeds({16: 0.2, 64: 0.05, 256: 0.2, 1024: 0.05})
    assert row["least_width"] == pytest.approx(512 * 0.99**0.5)


def test_beyond_the_widths_the_last_two_give_the_power() -> None:
    """0.4 to 0.2 as m^(-1/2) after a steeper start: a tenth at 4 x 256, not sooner."""
    row = both_seeds({16: 3.0, 64: 0.4, 256: 0.2})
    assert row["least_width"] == pytest.approx(1024 * 0.99)
    assert row["extrapolated"]


def test_every_case_has_its_least_width() -> None:
    made = {(16, 0.5, 49): 100.0, (32, 0.5, 49): 300.0, (16, 1.0, 49): 700.0, (16, 0.5, 196): 900.0}
    table = pd.concat(
        members({m: 0.1 * (m / least) ** -0.5 for m in (64, 256, 1024)}, *case)
        for case, least in made.items()
    )
    table = least_widths(by_seed(table, 0.1)).set_index(["samples", "sigma0", "outputs"])
    widths = table["least_width"].to_dict()
    assert widths == pytest.approx({key: 0.99 * width for key, width in made.items()})


def test_the_printed_width_lies_orders_of_magnitude_above() -> None:
    """By hand: 16^5 x 49^3 / 0.1^4 = 1.23364e15 over 1024 x 0.9^2 and 1024 x 1.1^2.

    Their orders are 12.17240 and 11.99810: mean 12.08525, standard error 0.08715, t(1) = 12.7062.
    """
    row = both_seeds({width: 3.2 * width**-0.5 for width in (64, 256, 4096)})
    assert row["width_printed"] == pytest.approx(16**5 * 49**3 * 1e4)
    assert row["over_printed"] == pytest.approx(12.08525, abs=1e-5)
    assert row["over_printed_high"] == pytest.approx(12.08525 + 12.7062 * 0.08715, abs=2e-4)
    assert row["freedom"] == 1


POWERS = {"samples": 0.7, "outputs": 1.2, "lambda_0": -0.3}


def planted(seeds: dict[int, float], **cases: tuple[float, ...]) -> pd.DataFrame:
    """Least widths that follow `POWERS`; a seed adds to the power of n.

    lambda_0 falls with n, rises with d and falls with sigma0, as that of images does.
    """
    cases = {"samples": (16, 32, 64), "outputs": (49, 196), "sigma0": (0.25, 1.0)} | cases
    rows = []
    for n, d, sigma0, seed in product(*cases.values(), seeds):
        lambda_0 = 3 * n**-1.6 * d**0.8 / (0.1 + sigma0)
        least = 5 * n ** (0.7 + seeds[seed]) * d**1.2 * lambda_0**-0.3
        row = {"samples": n, "outputs": d, "sigma0": sigma0, "seed": seed, "lambda_0": lambda_0}
        row |= {"least_width": least, "extrapolated": n == 64}
        rows.append(row | {"width_printed": float(n) ** 5 * float(d) ** 3 / lambda_0**4})
    return pd.DataFrame(rows)


def test_powers_of_n_d_and_lambda_0_are_recovered_beside_each_other() -> None:
    """With lambda_0 left to follow, by hand: 0.7 + 0.3 x 1.6 of n and 1.2 - 0.3 x 0.8 of d."""
    table = slopes(planted({0: 0.0, 1: 0.0})).set_index(["power", "held"])
    assert len(table) == 6
    together = table[table["together"] == 3]
    assert together["slope"].to_dict() == pytest.approx(
        {(name, "nothing"): power for name, power in POWERS.items()}
    )
    assert list(together["claimed"]) == pytest.approx([5, 3, -4]), "as Theorem 1 prints them"
    alone = {
        ("samples", "outputs, sigma0"): (0.7 + 0.3 * 1.6, 5 + 4 * 1.6),
        ("outputs", "samples, sigma0"): (1.2 - 0.3 * 0.8, 3 - 4 * 0.8),
        ("lambda_0", "samples, outputs"): (-0.3, -4),
    }
    for key, (power, claimed) in alone.items():
        assert table.loc[key, "slope"] == pytest.approx(power)
        assert table.loc[key, "claimed"] == pytest.approx(claimed)
        assert table.loc[key, "inflation"] == pytest.approx(1)
        assert table.loc[key, "high"] == pytest.approx(power), "the cases' levels are no noise"
    np.testing.assert_allclose(table["inside"], 2 / 3)


def test_intervals_of_powers_are_those_of_the_seeds_however_many_cases() -> None:
    """Powers that a seed shifts by -0.1 and 0.1: se 0.1, t(1) = 12.7062, in every fit of n."""
    for cases in ({}, {"samples": (16, 24, 32, 48, 64)}):
        table = slopes(planted({0: -0.1, 1: 0.1}, **cases))
        of_n = table[table["power"] == "samples"]
        assert len(of_n) == 2
        np.testing.assert_allclose(of_n["high"] - of_n["slope"], 1.27062, rtol=1e-5)
        assert set(table["freedom"]) == {1}


def test_variance_inflation_is_that_of_simulated_estimates() -> None:
    """Variances of 4,000 least-squares fits with unit noise, over those of orthogonal columns."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((12, 3)) @ np.array([[1, 0.9, 0], [0, 0.4, 0.5], [0, 0, 1]])
    x -= x.mean(axis=0)
    fits = np.linalg.lstsq(x, generator.standard_normal((12, 4000)))[0]
    np.testing.assert_allclose(fits.var(axis=1) * np.square(x).sum(axis=0), inflations(x), rtol=0.1)
    assert np.isnan(inflations(np.array([[1.0, 2.0], [-1.0, -2.0], [0.0, 0.0]]))).all()


def test_powers_that_cases_cannot_tell_apart_have_no_row_or_no_number() -> None:
    """With one resolution and one sigma0 the planted lambda_0 is a power of n."""
    table = slopes(planted({0: 0.0, 1: 0.0}, outputs=(49,), sigma0=(0.5,)))
    assert list(table["power"]) == ["samples", "samples", "lambda_0"]
    joint = table[table["together"] == 2]
    assert joint[["slope", "inflation"]].isna().all(axis=None)
    both = slopes(planted({0: 0.0, 1: 0.0}, outputs=(49,))).set_index("power")
    assert "outputs" not in both.index
    assert both[both["together"] == 2]["slope"].to_dict() == pytest.approx(
        {name: POWERS[name] for name in ("samples", "lambda_0")}
    )


def test_one_least_width_that_is_no_number_leaves_its_fits_without_one() -> None:
    own = planted({0: 0.0, 1: 0.0})
    own.loc[3, "least_width"] = np.nan
    assert slopes(own)["slope"].isna().all()


def rates(rate: list[float], flow: list[float]) -> pd.DataFrame:
    """Three activations with lambda_0 = 1, 2, 3, two seeds; a narrower width in reverse order."""
    rows = []
    for index, name in enumerate(("erf", "tanh", "relu")):
        for seed in (-1, 1):
            row = {"activation": name, "lambda_0": index + 1.0, "seed": seed}
            rows.append(row | {"width": 64, "rate": -rate[index], "rate_flow": -flow[index]})
            shifted = {"rate": rate[index] + 10 * seed, "rate_flow": flow[index] + 10 * seed}
            rows.append(row | {"width": 256} | shifted)
    return pd.DataFrame(rows)


def test_rank_agreement_of_known_orders_at_the_widest() -> None:
    table = rank_agreement(rates([1.0, 4.0, 9.0], [3.0, 2.0, 1.0]))
    assert list(table["seed"]) == [-1, 1]
    for _, row in table.iterrows():
        assert row["width"] == 256
        assert row["activations"] == 3
        assert row["rank_correlation"] == pytest.approx(1.0)
        assert row["rank_correlation_flow"] == pytest.approx(-1.0)
        assert row["rank_less_flow"] == pytest.approx(2.0)
        assert row["rank_rate_with_flow"] == pytest.approx(-1.0)


def test_one_exchanged_pair_of_three_is_a_rank_correlation_of_a_half() -> None:
    """Spearman: 1 - 6 (1 + 1) / (3 (9 - 1)) = 1/2."""
    row = rank_agreement(rates([2.0, 1.0, 3.0], [2.0, 1.0, 3.0])).iloc[0]
    assert row["rank_correlation"] == pytest.approx(0.5)
    assert row["rank_rate_with_flow"] == pytest.approx(1.0)


def test_frozen_sigma_compares_the_last_outputs() -> None:
    """By hand: L(0) = 4 for n = 2, so |f(0) - X|_F = 4; outputs differ by 2: a half."""
    cases = [(variant, seed) for variant in ("trained", "frozen") for seed in (0, 1)]
    records = pd.DataFrame(
        [
            {"variant": variant, "width": 64, "seed": seed, "step": step, "loss": 4.0 / (1 + step)}
            for variant, seed in cases
            for step in (0, 3)
        ]
    )
    outputs = {f"64/{variant}/{seed}/0": np.full((2, 1), 9.0) for variant, seed in cases}
    outputs |= {f"64/{variant}/{seed}/3": np.array([[1.0], [0.0]]) for variant, seed in cases}
    outputs["64/trained/0/3"] = np.array([[1.0], [2.0]])
    table = pd.DataFrame(
        [
            {"variant": variant, "width": 64, "seed": seed, "flow_distance": distance}
            for variant, distance in (("trained", 7.0), ("frozen", 0.25))
            for seed in (0, 1)
        ]
    )
    difference = compare(table, {64: records}, {64: Stored(outputs)})
    assert difference.to_dict("list") == {
        "width": [64, 64],
        "seed": [0, 1],
        "difference": pytest.approx([0.5, 0.0]),
        "distance": [0.25, 0.25],
        "ratio": pytest.approx([2.0, 0.0]),
    }


@pytest.fixture
def mnist() -> Stored:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (60, 28, 28), dtype=np.uint8)
    return Stored({"images": images, "labels": np.arange(60, dtype=np.uint8) % 10})


def test_a_variant_with_fewer_samples_has_a_balanced_part_of_the_runs_images(mnist: Stored) -> None:
    settings = LeastWidth.from_plain(
        {"widths": [8, 16], "inputs": {"samples": 40, "resolution": 7}, "samples": [20, 40]}
    )
    assert len({*settings.variants()}) == 6
    of_run = inputs_of(mnist.arrays, settings.inputs)
    few, all_of_them = (
        variant_inputs(of_run, settings.variants()[f"n{n}-d49-sigma0.5"].inputs, settings.inputs)
        for n in (20, 40)
    )
    np.testing.assert_array_equal(all_of_them, of_run["x"])
    places = [int(np.flatnonzero((of_run["x"] == row).all(axis=1)).item()) for row in few]
    assert places == sorted(places)
    assert np.bincount(of_run["labels"][places]).tolist() == [2] * 10


def test_a_variant_is_compared_with_the_kernels_of_its_own_activation(mnist: Stored) -> None:
    """Outputs that follow gradient flow on each limit kernel have no distance to it."""
    settings = Activations.from_plain(
        {"widths": [8, 16], "seeds": [3], "inputs": {"samples": 10, "resolution": 7}}
        | {"activations": ["erf", "relu"]}
    )
    x = inputs_of(mnist.arrays, settings.inputs)["x"]
    steps, rate = np.array([0, 5, 10]), 0.1
    start = np.random.default_rng(1).normal(size=x.shape)
    filter_ = gradient_flow(steps * rate, len(x))
    records, outputs = [], {}
    for name in settings.activations:
        kernel = limit_kernels(ACTIVATIONS[name], settings.sigma0, x).total
        left = residuals(kernel, start, filter_)
        for step, gap in zip(steps, left, strict=True):
            loss = float(np.square(gap).sum() / (2 * len(x)))
            records.append({"variant": name, "seed": 3, "step": step, "time": step * rate})
            records[-1] |= {"loss": loss, "gradients": step}
            outputs |= {f"{width}/{name}/3/{step}": x + gap for width in settings.widths}
    table = pd.concat(pd.DataFrame(records).assign(width=width) for width in settings.widths)
    (part,) = settings.width_jobs
    measures = measure_variants(settings, mnist, {part: table}, {part: Stored(outputs)})
    of_members = measures["members"]
    order = [("erf", 8), ("relu", 8), ("erf", 16), ("relu", 16)]
    assert list(of_members[["variant", "width"]].itertuples(index=False, name=None)) == order
    np.testing.assert_allclose(of_members["flow_distance"], 0, atol=1e-12)
    assert (of_members["empirical_distance"] > 1e-3).all(), "Theta(0) of so narrow a network"
    assert of_members["meets_assumptions"].tolist() == [True, False] * 2
    ends = [row["loss"] for row in records if row["step"] == steps[-1]]
    np.testing.assert_allclose(of_members["loss_over_zero"], np.tile(ends, 2) / 0.5)
    curves = measures["curves"]
    np.testing.assert_allclose(curves["flow_loss"], curves["loss"])
    assert len(curves) == 4 * len(steps)
    assert list(measures["summary"]["variant"]) == list(of_members["variant"])


def test_the_cases_of_a_run_have_their_own_outputs_and_kernels(mnist: Stored) -> None:
    """Outputs that miss the flow by 3.2 m^(-1/2) of its start after it: a tenth at m = 1024."""
    settings = LeastWidth.from_plain(
        {"widths": [64, 256], "seeds": [0, 1], "inputs": {"samples": 20, "resolution": 14}}
        | {"samples": [10, 20], "resolutions": [7, 14], "deviations": [0.5]}
    )
    of_run = inputs_of(mnist.arrays, settings.inputs)
    generator = np.random.default_rng(1)
    records, outputs, least = [], {}, {}
    for name, case in settings.variants().items():
        x = variant_inputs(of_run, case.inputs, settings.inputs)
        kernel = limit_kernels(ACTIVATIONS["erf"], 0.5, x).total
        least[case.inputs.samples, case.inputs.outputs] = np.linalg.eigvalsh(kernel)[0]
        start = generator.normal(size=x.shape)
        (_, end) = residuals(kernel, start, gradient_flow(np.array([0.0, 1.0]), len(x)))
        for width, seed in product(settings.widths, settings.seeds):
            off = start * 3.2 * width**-0.5
            for step, gap in ((0, start), (1, end + off)):
                loss = float(np.square(gap).sum() / (2 * len(x)))
                record = {"variant": name, "width": width, "seed": seed, "step": step}
                records.append(record | {"time": float(step), "loss": loss, "gradients": step})
                outputs[f"{width}/{name}/{seed}/{step}"] = x + gap
    (part,) = settings.width_jobs
    saved = {"records": {part: pd.DataFrame(records)}, "outputs": {part: Stored(outputs)}}
    table = measure(settings, mnist=mnist, **saved)["least_width"]
    assert table.set_index(["samples", "outputs"])["lambda_0"].to_dict() == pytest.approx(least)
    assert {outputs for _, outputs in least} == {49, 196}
    np.testing.assert_allclose(table["least_width"], 1024, rtol=1e-6)
    assert table["extrapolated"].all()
