"""Curves, powers, trends and end values of deep VAEs, on curves that are known."""

from math import isnan, log, log2, nan, sqrt

import numpy as np
import pandas as pd
import pytest

from vaentk.data.facts import Facts
from vaentk.data.stored import Stored
from vaentk.experiments.convergence.deep_vae import EXPERIMENT, DeepVAE
from vaentk.experiments.convergence.deep_vae.curves import (
    curves,
    late,
    slope,
    slopes,
    thresholds,
    time_to,
    uniform_mean,
)
from vaentk.experiments.convergence.deep_vae.ends import differences, ends
from vaentk.experiments.convergence.deep_vae.measure import measure
from vaentk.experiments.convergence.deep_vae.trends import trends

STEPS = (0, 1, 2, 4, 8, 16, 32, 64, 100)
SETTINGS = DeepVAE.from_plain(
    {
        "seeds": [0, 1, 2],
        "activations": ["soft-1", "soft-10", "relu", "gelu"],
        "betas": [0.5, 2.0],
        "samples": [4, 16],
    }
)
REAL = Facts("celeba_whole", "celeba", "real", "", (3, 64, 64), 202_599)


def record(power: float, seeds: int = 3, level: float = 1.0, bound: float = 100.0) -> pd.DataFrame:
    """Squared norms ``level (n + 1)^power``, a third of it phi; a loss that halves its excess."""
    rows = []
    for seed in range(seeds):
        for step in STEPS:
            gradient = level * (1 + seed) * (step + 1.0) ** power
            loss = bound + seed + 64 / (step + 1)
            rows.append(
                {
                    "seed": seed,
                    "step": step,
                    "epoch": step / 8,
                    "gradient_phi": gradient / 3,
                    "gradient_theta": 2 * gradient / 3,
                    "gradient_phi_error": 0.3,
                    "gradient_theta_error": 0.4,
                    "loss": loss,
                    "kl": 7.0,
                }
                | dict.fromkeys(["negative_elbo", "held_out_negative_elbo"], loss)
                | {"negative_bound": loss - 1}
            )
    return pd.DataFrame(rows)


def records() -> dict[str, pd.DataFrame]:
    """Smoother falls faster; larger beta starts a hundred times higher; K lowers bounds by 3."""
    powers = {"base": -0.5, "soft-1": -1.5, "soft-10": -1.0, "gelu": 5.0}
    powers |= {"beta-0.5": -1.0, "beta-2": -0.4, "iwae-4": -0.5, "iwae-16": -0.5}
    levels = {"beta-2": 100.0}
    bounds = {"iwae-4": 94.0, "iwae-16": 88.0}
    return {
        variant: record(power, level=levels.get(variant, 1.0), bound=bounds.get(variant, 100.0))
        for variant, power in powers.items()
    }


def test_the_mean_over_updates_is_the_sum_of_a_line_between_measurements() -> None:
    """Exact for a line; of a convex curve too much, by less than its fall between two times."""
    assert uniform_mean([0, 2, 5], [0.0, 4.0, 10.0]) == pytest.approx([0, 2, 5])
    curve = 1 / (np.arange(101) + 1.0)
    found = uniform_mean(STEPS, curve[list(STEPS)])
    exact = np.cumsum(curve)[list(STEPS)] / (np.array(STEPS) + 1)
    assert (found >= exact - 1e-12).all()
    assert found == pytest.approx(exact, rel=0.15)


def test_curves_hold_what_follows_from_the_measurements() -> None:
    table = curves({"base": record(-0.5)})
    own = table[table["seed"] == 1]
    assert own["gradient"].tolist() == pytest.approx([2 / sqrt(n + 1) for n in STEPS])
    assert own["gradient_error"].tolist() == pytest.approx([0.5] * len(STEPS))
    assert own["relative_gradient"].tolist() == pytest.approx([1 / sqrt(n + 1) for n in STEPS])
    assert own["excess"].iloc[0] == 1
    assert own["excess"].iloc[-1] == 0
    assert own["uniform_ratio"].isna().tolist() == [True, True] + [False] * 7
    last = own.iloc[-1]
    assert last["uniform_ratio"] == pytest.approx(last["uniform"] * sqrt(100) / log(100))


def test_slopes_are_the_powers_whatever_the_level_of_a_seed() -> None:
    """Of n + 1 and not n: off by less than 2% over 32 to 100."""
    part = late(curves({"base": record(-0.5)}))
    assert sorted(part["step"].unique()) == [32, 64, 100]
    fit = slope(part, "gradient")
    assert fit.value == pytest.approx(-0.5, rel=0.02)
    assert fit.low < fit.value < fit.high
    assert fit.points == 9


def test_a_squared_norm_that_is_not_positive_has_no_slope() -> None:
    table = curves({"base": record(-0.5)})
    table.loc[table.index[-1], "gradient"] = -1.0
    assert isnan(slope(late(table), "gradient").value)


def test_the_table_of_slopes_has_the_base_in_every_sweep() -> None:
    table = slopes(curves(records()), SETTINGS).set_index(["sweep", "value", "quantity"])
    assert table.loc[("activation", "soft-1", "gradient"), "slope"] == pytest.approx(-1.5, rel=0.02)
    for key in (("activation", "relu"), ("beta", "1"), ("samples", "1")):
        assert table.loc[(*key, "gradient"), "variant"] == "base"
    # A constant gradient of order n^(-1/2) has a mean of that order: the ratio falls as 1/log n.
    assert -0.5 < table.loc[("beta", "1", "uniform_ratio"), "slope"] < 0


@pytest.mark.parametrize(
    ("values", "threshold", "time"),
    [
        ([8.0, 4.0, 2.0, 1.0], 2.0, 3),
        ([8.0, 4.0, 2.0, 1.0], sqrt(8), sqrt(8) - 1),
        ([8.0, 1.0, 4.0, 1.0], 2.0, sqrt(32) - 1),
        ([8.0, 4.0, 2.0, 2.1], 2.0, nan),
        ([1.0, 0.5, 0.2, 0.1], 2.0, 0),
        ([8.0, 4.0, -1.0, 1.0], 2.0, 3),
    ],
)
def test_times_to_thresholds_are_those_after_which_a_curve_stays_below(
    values: list[float], threshold: float, time: float
) -> None:
    """At steps 0, 1, 3, 7, where step + 1 doubles: powers by hand."""
    assert time_to([0, 1, 3, 7], values, threshold) == pytest.approx(time, nan_ok=True)


def test_trends_follow_the_claims_where_the_curves_do() -> None:
    table = curves(records())
    found = trends(table, thresholds(table), SETTINGS).set_index(["sweep", "quantity"])
    row = found.loc[("activation", "gradient_slope")]
    # -1.5, -1, -0.5 from soft-1 to ReLU; gelu has no place.
    assert row["effect"] == pytest.approx(0.5, rel=0.02)
    assert row["levels"] == 3
    assert row["claimed"] == "rises"
    assert row["said"] == "rises over 3 seeds"
    # All three seeds rise, in one of 3! orders each.
    assert row["p_value"] == pytest.approx(1 / 6**3)
    row = found.loc[("beta", "steps_to_gradient")]
    # (n + 1)^p = threshold: beta 0.5, 1, 2 take log2(t^(1/p) - 1) updates, the level has no part.
    times = [log2(row["threshold"] ** (1 / p) - 1) for p in (-1.0, -0.5, -0.4)]
    assert row["threshold"] == 0.3
    assert row["effect"] == pytest.approx((times[2] - times[0]) / 2, rel=1e-3)
    for when in ("early", "end"):
        row = found.loc[("samples", f"{when}_loss")]
        # 100, 94, 88 at K = 1, 4, 16: 3 nats a doubling.
        assert row["effect"] == pytest.approx(-3)
        assert row["said"] == "falls over 3 seeds"


def test_one_seed_has_no_interval_and_says_so() -> None:
    table = curves({variant: frame[frame["seed"] == 0] for variant, frame in records().items()})
    found = trends(table, thresholds(table), SETTINGS).set_index(["sweep", "quantity"])
    row = found.loc[("samples", "end_loss")]
    assert row[["low", "statistic", "p_value"]].isna().all()
    assert row["said"] == "falls in the one seed there is; how seeds differ is not known"


def test_what_is_not_reached_is_not_told() -> None:
    made = records()
    made["beta-2"] = record(0.0)
    table = curves(made)
    found = trends(table, thresholds(table), SETTINGS).set_index(["sweep", "quantity"])
    row = found.loc[("beta", "steps_to_gradient")]
    assert isnan(row["effect"])
    assert row["said"].startswith("cannot be told")


PUBLISHED = pd.DataFrame(
    [
        ("celeba", "activation", "relu", 12, "negative_elbo", 101.5),
        ("celeba", "activation", "relu", 12, "slope", -0.4),
    ],
    columns=["dataset", "sweep", "value", "epoch", "quantity", "number"],
)


def test_the_authors_values_stand_beside_ours_only_where_all_is_theirs() -> None:
    table = curves(records())
    keys = ["sweep", "value", "epoch"]
    found = ends(table, SETTINGS, REAL, PUBLISHED).set_index(keys)
    row = found.loc[("activation", "relu", 12)]
    assert (row["authors"], row["authors_slope"], row["why_not"]) == (101.5, -0.4, "")
    assert row["negative_elbo"] == pytest.approx(101 + 64 / 101)
    assert row["gradient_slope"] == pytest.approx(-0.5, rel=0.02)
    assert found.loc[("beta", "2", 12), "why_not"] == "the authors give no such value"
    other = SETTINGS.but(epochs=3, network={"likelihood": "gaussian", "images": 9})
    drawn = Facts("faces", "celeba", "stand-in", "", (3, 64, 64), 100)
    row = ends(table, other, drawn, PUBLISHED).set_index(keys).loc[("activation", "relu", 12)]
    assert isnan(row["authors"])
    assert not row["comparable"]
    assert row["why_not"] == (
        "stand-in images of celeba; 9 training images; a gaussian loss; 3 epochs"
    )


def test_all_declared_measures_say_what_they_are_of() -> None:
    images = Stored({}, REAL.text())
    measures = measure(SETTINGS, images=images, records=records(), published=PUBLISHED)
    assert tuple(measures) == EXPERIMENT.measures
    assert set(measures["curves"]["variant"]) == set(SETTINGS.variants())
    for name in ("slopes", "trends"):
        assert set(measures[name]["data"]) == {"real"}
        assert set(measures[name]["epochs"]) == {SETTINGS.epochs}
    comparable = measures["ends"]["comparable"]
    assert list(measures["ends"][comparable]["value"].unique()) == ["relu"]


def test_the_authors_settings_differ_in_nothing() -> None:
    assert differences(SETTINGS, REAL) == []
    cifar = DeepVAE.from_plain({"network": {"dataset": "cifar", "side": 32}})
    facts = Facts("cifar100", "cifar100", "real", "", (3, 32, 32), 60_000)
    assert differences(cifar, facts) == []
    ten = Facts("cifar10", "cifar10", "real", "", (3, 32, 32), 60_000)
    assert differences(cifar, ten) == ["real images of cifar10"]
