"""Measures of X1, X2 and X3 on exact power laws, known orders and outputs made by hand."""

import numpy as np
import pandas as pd
import pytest

from vaentk.experiments.ntk import variants


def members(distances: dict[int, float], samples: int = 16, sigma0: float = 0.5) -> pd.DataFrame:
    """Two seeds a tenth below and above a distance, by width."""
    rows = [
        {"samples": samples, "sigma0": sigma0, "width": width, "descent_distance": factor * value}
        for width, value in distances.items()
        for factor in (0.9, 1.1)
    ]
    return pd.DataFrame(rows)


def only(table: pd.DataFrame) -> dict:
    (row,) = table.to_dict("records")
    return row


@pytest.mark.parametrize(
    ("widths", "extrapolated"),
    [((64, 256, 4096), False), ((64, 256), True), ((2048, 4096, 8192), True)],
)
def test_the_least_width_of_a_power_law_is_exact(
    widths: tuple[int, ...], extrapolated: bool
) -> None:
    """3.2 m^(-1/2) is a tenth at m = 1024, within, above and below the widths."""
    table = members({width: 3.2 * width**-0.5 for width in widths})
    row = only(variants.least_width(table, 0.1))
    assert row["least_width"] == pytest.approx(1024)
    assert row["extrapolated"] is extrapolated
    assert row["distance_widest"] == pytest.approx(3.2 * widths[-1] ** -0.5)


def test_the_least_width_lies_between_its_neighbours() -> None:
    """From 0.2 to 0.05 as m^(-1): half way in logarithms; the flat part before does not matter."""
    row = only(variants.least_width(members({16: 0.21, 64: 0.2, 256: 0.05, 1024: 0.049}), 0.1))
    assert row["least_width"] == pytest.approx(128)
    assert not row["extrapolated"]


def test_a_distance_that_comes_back_counts_from_the_last_crossing() -> None:
    row = only(variants.least_width(members({16: 0.2, 64: 0.05, 256: 0.2, 1024: 0.05}), 0.1))
    assert row["least_width"] == pytest.approx(512)


def test_beyond_the_widths_the_last_two_give_the_power() -> None:
    """0.4 to 0.2 as m^(-1/2) after a steeper start: a tenth at 4 x 256, not sooner."""
    row = only(variants.least_width(members({16: 3.0, 64: 0.4, 256: 0.2}), 0.1))
    assert row["least_width"] == pytest.approx(1024)
    assert row["extrapolated"]


def test_every_number_of_samples_and_sigma0_has_its_least_width() -> None:
    known = {(16, 0.5): 100.0, (32, 0.5): 300.0, (16, 1.0): 700.0}
    table = pd.concat(
        members({m: 0.1 * (m / least) ** -0.5 for m in (64, 256, 1024)}, *case)
        for case, least in known.items()
    )
    found = variants.least_width(table, 0.1).set_index(["samples", "sigma0"])["least_width"]
    assert found.to_dict() == pytest.approx(known)


def test_powers_of_n_are_recovered_for_each_sigma0() -> None:
    powers = {0.25: 1.5, 1.0: 0.5}
    widths = pd.DataFrame(
        [
            {"samples": n, "sigma0": sigma0, "least_width": (10 / sigma0) * n**power}
            for sigma0, power in powers.items()
            for n in (16, 32, 64)
        ]
    )
    table = variants.least_width_slopes(widths).set_index("sigma0")
    assert list(table.index) == ["0.25", "1.0", "all"]
    assert set(table["claimed"]) == {5.0}
    for sigma0, power in powers.items():
        assert table.loc[str(sigma0), "slope"] == pytest.approx(power)
    assert table.loc["all", "slope"] == pytest.approx(1.0), "the mean of the two powers"
    assert table.loc["all", "points"] == 6


def test_levels_of_sigma0_do_not_disturb_the_common_power() -> None:
    """Unbalanced on purpose: one line through all points would take the levels for a power."""
    rows = [(n, 0.25, 3.0 * n**0.8) for n in (16, 32)] + [(n, 1.0, 90.0 * n**0.8) for n in (32, 64)]
    widths = pd.DataFrame(rows, columns=["samples", "sigma0", "least_width"])
    table = variants.least_width_slopes(widths).set_index("sigma0")
    assert table.loc["all", "slope"] == pytest.approx(0.8)
    assert np.isnan(table.loc["0.25", "low"]), "two points have no interval"


def rates(rate: list[float], flow: list[float]) -> pd.DataFrame:
    """Three activations with lambda_0 = 1, 2, 3, two seeds; a narrower width in reverse order."""
    rows = []
    for index, name in enumerate(("erf", "tanh", "relu")):
        for seed in (-1, 1):
            row = {"activation": name, "lambda_0": index + 1.0}
            rows.append(row | {"width": 64, "rate": -rate[index], "rate_flow": -flow[index]})
            shifted = {"rate": rate[index] + 10 * seed, "rate_flow": flow[index] + 10 * seed}
            rows.append(row | {"width": 256} | shifted)
    return pd.DataFrame(rows)


def test_rank_agreement_of_known_orders_at_the_widest() -> None:
    row = only(variants.rank_agreement(rates([1.0, 4.0, 9.0], [3.0, 2.0, 1.0])))
    assert row["width"] == 256
    assert row["activations"] == 3
    assert row["rank_correlation"] == pytest.approx(1.0)
    assert row["rank_correlation_flow"] == pytest.approx(-1.0)
    assert row["rank_rate_with_flow"] == pytest.approx(-1.0)


def test_one_exchanged_pair_of_three_is_a_rank_correlation_of_a_half() -> None:
    """Spearman: 1 - 6 (1 + 1) / (3 (9 - 1)) = 1/2."""
    row = only(variants.rank_agreement(rates([2.0, 1.0, 3.0], [2.0, 1.0, 3.0])))
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
            {"variant": variant, "width": 64, "seed": seed, "descent_distance": distance}
            for variant, distance in (("trained", 7.0), ("frozen", 0.25))
            for seed in (0, 1)
        ]
    )
    found = variants.frozen_sigma(table, outputs, records)
    assert found.to_dict("list") == {
        "width": [64, 64],
        "seed": [0, 1],
        "difference": pytest.approx([0.5, 0.0]),
        "distance": [0.25, 0.25],
        "ratio": pytest.approx([2.0, 0.0]),
    }
