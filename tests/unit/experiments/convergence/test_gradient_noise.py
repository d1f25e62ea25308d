"""S5's exponents: on tables that have them, with scatter, and their coverage."""

from itertools import product
from math import nan

import numpy as np
import pandas as pd
import pytest

from vaentk.experiments.convergence.gradient_noise import measure as gradient_noise

BATCHES, SAMPLES, SEEDS = (4, 16, 64), (1, 4, 16), (0, 1)


def table(
    batch: float = 0.5, samples: float = -0.5, scatter: float = 0.0, seed: int = 0
) -> pd.DataFrame:
    """Ratios ``c_seed B^batch K^samples`` of one part, with logarithmic scatter."""
    generator = np.random.default_rng(seed)
    rows = [
        {
            **{"state": "end", "estimator": "iwae", "images": "fixed", "part": "phi"},
            **{"seed": member, "batch": b, "samples": k},
            "ratio": 0.1 * (1 + member) * b**batch * k**samples * np.exp(scatter * noise),
        }
        for (member, b, k), noise in zip(
            product(SEEDS, BATCHES, SAMPLES), generator.standard_normal(18), strict=True
        )
    ]
    return pd.DataFrame(rows)


CODES = gradient_noise.effective_codes(
    {("end", k): np.array([[k / 2, k / 2 + 1], [k / 2, k / 2 + 1]]) for k in SAMPLES}
)


def found(frame: pd.DataFrame, along: str, at: str = "all") -> pd.Series:
    rows = gradient_noise.exponents(frame, CODES)
    chosen = rows[(rows["along"] == along) & (rows["at"] == at)]
    assert len(chosen) == 1
    return chosen.iloc[0]


@pytest.mark.parametrize(
    ("along", "at", "expected", "points"),
    [
        ("batch", "all", 0.5, 18),
        ("samples", "all", -0.5, 18),
        ("batch", "16", 0.5, 6),
        ("samples", "64", -0.5, 6),
        ("budget", "all", -1.0, 14),
    ],
)
def test_exact_powers(along: str, at: str, expected: float, points: int) -> None:
    """To rounding, though every seed has a level of its own.

    Budgets 16, 64 and 256 have 2, 3 and 2 cells a seed.
    """
    row = found(table(), along, at)
    assert row["slope"] == pytest.approx(expected, abs=1e-12)
    assert row["low"] == pytest.approx(row["high"], abs=1e-10)
    assert (row["points"], row["claimed"], row["missing"]) == (points, expected, 0)
    assert (row["effective"], row["largest"]) == (8.5, 16)


def test_codes_that_count_are_averaged_over_images_of_all_seeds() -> None:
    """Four of 8, 9, 8, 9: mean 8.5, deviation 1/sqrt(3), Student's 3.1824 with 3 degrees."""
    row = CODES.set_index("samples").loc[16]
    half = 3.182446 / np.sqrt(3) / 2
    assert row["images"] == 4
    assert row["effective_low"] == pytest.approx(8.5 - half, abs=1e-6)
    assert row["effective_high"] == pytest.approx(8.5 + half, abs=1e-6)


def test_the_iwaes_encoder_has_the_signal_of_the_doubly_reparametrised_gradient() -> None:
    """Signal 0.5 * 2 = 1 over the own noise 4, and the error in proportion; all else stays."""
    known = {"state": "end", "images": "fixed", "batch": 2, "samples": 4, "seed": 0}
    rows = [
        known | {"estimator": estimator, "part": part, "square": square, "square_error": error}
        | {"noise": noise}
        for estimator, part, square, error, noise in (
            ("iwae", "theta", 0.3, 0.03, 3.0),
            ("iwae", "phi", -0.1, 0.2, 4.0),
            ("iwae-dreg", "theta", 0.3, 0.03, 3.0),
            ("iwae-dreg", "phi", 0.5, 0.04, 2.0),
        )
    ]  # fmt: skip
    found = gradient_noise.with_clearer_signal(pd.DataFrame(rows))
    assert found["square"].tolist() == pytest.approx([0.3, 0.25, 0.3, 0.5])
    assert found["square_error"].tolist() == pytest.approx([0.03, 0.02, 0.03, 0.04])
    alone = pd.DataFrame(rows[:2])
    assert gradient_noise.with_clearer_signal(alone).equals(alone)


def test_a_ratio_is_the_root_of_its_square_with_students_interval() -> None:
    """Square 0.25, error 0.1, 7 degrees of freedom: 0.25 -+ 2.364624 * 0.1."""
    found = gradient_noise.ratio_of(0.25, 0.1)
    assert found["ratio"] == 0.5
    assert found["ratio_low"] ** 2 == pytest.approx(0.25 - 0.2364624, abs=1e-6)
    assert found["ratio_high"] ** 2 == pytest.approx(0.25 + 0.2364624, abs=1e-6)
    drowned = gradient_noise.ratio_of(-0.01, 0.1)
    assert np.isnan(drowned["ratio"])
    assert (drowned["ratio_low"], drowned["ratio_high"] > 0) == (0, True)


def test_least_squares_with_a_level_each_is_a_regression_with_dummies() -> None:
    """Slope and interval as statsmodels' formula for OLS with indicator columns gives them."""
    frame = table(scatter=0.2)
    groups = pd.get_dummies(frame["seed"] * 100 + frame["samples"]).to_numpy(float)
    design = np.column_stack([np.log(frame["batch"]), groups])
    target = np.log(frame["ratio"])
    solution, *_ = np.linalg.lstsq(design, target, rcond=None)
    residual = target - design @ solution
    freedom = len(frame) - design.shape[1]
    covariance = np.linalg.inv(design.T @ design) * (residual @ residual) / freedom
    row = found(frame, "batch")
    assert row["slope"] == pytest.approx(solution[0], rel=1e-10)
    student = 2.200985  # 97.5% quantile at 18 - 7 = 11 degrees of freedom, from a printed table
    assert freedom == 11
    assert (row["high"] - row["low"]) / 2 == pytest.approx(
        student * np.sqrt(covariance[0, 0]), rel=1e-5
    )


def test_intervals_cover_the_truth() -> None:
    """In 95% of 60 tables with scatter, to three standard errors of that share: 52 or more."""
    frames = [table(scatter=0.3, seed=seed) for seed in range(60)]
    fits = [gradient_noise._power(frame, "samples", "batch")[0] for frame in frames]
    assert 52 <= sum(fit.low <= -0.5 <= fit.high for fit in fits) < 60


def test_drowned_cells_are_left_out_and_counted() -> None:
    frame = table()
    frame.loc[frame["samples"] == 16, "ratio"] = nan
    row = found(frame, "samples")
    assert row["slope"] == pytest.approx(-0.5, abs=1e-12)
    assert (row["points"], row["missing"]) == (12, 6)
    frame["ratio"] = nan
    assert np.isnan(found(frame, "batch")["slope"])


def test_best_codes_at_a_budget() -> None:
    """sqrt(B/K) at B K = 64: K = 1 is 16 times as good as K = 16; sqrt(B K) has no best K."""
    rows = gradient_noise.at_budget(table()).set_index("budget")
    assert list(rows.index) == [16, 64, 256]
    assert rows["best"].tolist() == [1, 1, 4]
    assert rows["gain"].tolist() == pytest.approx([4, 16, 4])
    level = gradient_noise.at_budget(table(samples=0.5))
    assert level["gain"].tolist() == pytest.approx([1, 1, 1])


def test_every_estimator_and_part_has_a_claim() -> None:
    """At a budget, the exponent in K less that in B: B = budget / K."""
    assert len(gradient_noise.CLAIMED) == 6
    for claimed in gradient_noise.CLAIMED.values():
        assert claimed["budget"] == claimed["samples"] - claimed["batch"]
