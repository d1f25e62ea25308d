"""Measures of X1, X2 and X3 on exact power laws, known orders and outputs made by hand."""

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
from vaentk.experiments.ntk.least_width.measure import by_seed, least_widths, slopes
from vaentk.experiments.ntk.variants import measure_variants
from vaentk.kernels.flow import gradient_flow, residuals
from vaentk.kernels.limit import limit_kernels


def members(distances: dict[int, float], samples: int = 16, sigma0: float = 0.5) -> pd.DataFrame:
    """Two seeds a tenth below and above a distance, by width."""
    rows = [
        {"samples": samples, "sigma0": sigma0, "width": width, "seed": seed, "lambda_0": 0.1}
        | {"flow_distance": factor * value}
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


def test_every_number_of_samples_and_sigma0_has_its_least_width() -> None:
    made = {(16, 0.5): 100.0, (32, 0.5): 300.0, (16, 1.0): 700.0}
    table = pd.concat(
        members({m: 0.1 * (m / least) ** -0.5 for m in (64, 256, 1024)}, *case)
        for case, least in made.items()
    )
    widths = least_widths(by_seed(table, 0.1)).set_index(["samples", "sigma0"])["least_width"]
    assert widths.to_dict() == pytest.approx({key: 0.99 * width for key, width in made.items()})


def planted(powers: dict[float, float], seeds: dict[int, float]) -> pd.DataFrame:
    """Least widths ``level * n^power`` for every sigma0; a seed adds to the power."""
    rows = [
        {"samples": n, "sigma0": sigma0, "seed": seed} | {"least_width": 10 / sigma0 * n**power}
        for sigma0, base in powers.items()
        for seed, more in seeds.items()
        for power in [base + more]
        for n in (16, 32, 64)
    ]
    return pd.DataFrame(rows)


def test_powers_of_n_are_recovered_for_each_sigma0() -> None:
    powers = {0.25: 1.5, 1.0: 0.5}
    table = slopes(planted(powers, {0: 0.0, 1: 0.0})).set_index("sigma0")
    assert list(table.index) == ["0.25", "1.0", "all"]
    assert set(table["claimed"]) == {5.0}
    for sigma0, power in powers.items():
        assert table.loc[str(sigma0), "slope"] == pytest.approx(power)
    assert table.loc["all", "slope"] == pytest.approx(1.0), "the mean of the two powers"
    assert table.loc["all", "high"] == pytest.approx(1.0), "that they differ is no noise"


def test_an_interval_of_the_power_of_n_is_that_of_the_seeds() -> None:
    """Powers 0.5 and 0.7: mean 0.6, se 0.1, t(1) = 12.7062."""
    row = slopes(planted({0.5: 0.6}, {0: -0.1, 1: 0.1})).set_index("sigma0").loc["all"]
    assert row["slope"] == pytest.approx(0.6)
    assert row["high"] == pytest.approx(0.6 + 1.27062, rel=1e-5)
    assert row["freedom"] == 1


def test_levels_of_sigma0_do_not_disturb_the_common_power() -> None:
    """Unbalanced on purpose: one line through all points would take the levels for a power."""
    rows = [(n, 0.25, 3.0 * n**0.8) for n in (16, 32)] + [(n, 1.0, 90.0 * n**0.8) for n in (32, 64)]
    widths = pd.DataFrame(rows, columns=["samples", "sigma0", "least_width"]).assign(seed=0)
    table = slopes(widths).set_index("sigma0")
    assert table.loc["all", "slope"] == pytest.approx(0.8)
    assert np.isnan(table.loc["all", "low"]), "one seed has no interval"


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
    of_run = inputs_of(mnist.arrays, settings.inputs)
    few, all_of_them = (
        variant_inputs(of_run, settings.variants()[f"n{n}-sigma0.5"].inputs, settings.inputs)
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
