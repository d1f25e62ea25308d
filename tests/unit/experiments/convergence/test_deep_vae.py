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
    """Squared norms with means ``level n^power`` since the step before, a third of it phi.

    A batch's are twice as large; the scatter is 9 an update; the loss halves its excess.
    """
    rows = []
    for seed in range(seeds):
        total = 0.0
        for before, step in zip((0, *STEPS), STEPS, strict=False):
            total += (step - before) * level * (1 + seed) * max(step, 1.0) ** power
            loss = bound + seed + 64 / (step + 1)
            rows.append(
                {
                    "seed": seed,
                    "step": step,
                    "epoch": step / 8,
                    "sum_phi": total / 3,
                    "sum_theta": 2 * total / 3,
                    "sum_batch": 2 * total,
                    "scatter_phi": 4.0 * step,
                    "scatter_theta": 5.0 * step,
                    "scatter_batch": 0.0,
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


def test_curves_hold_what_follows_from_the_sums() -> None:
    table = curves({"base": record(-0.5)})
    own = table[table["seed"] == 1]
    later = own[own["step"] > 0]
    expected = [2 / sqrt(n) for n in STEPS[1:]]
    assert later["gradient"].tolist() == pytest.approx(expected)
    assert later["gradient_phi"].tolist() == pytest.approx([g / 3 for g in expected])
    assert later["batch_square"].tolist() == pytest.approx([2 * g for g in expected])
    since = np.diff(STEPS)
    assert later["gradient_error"].tolist() == pytest.approx(3 / np.sqrt(since))
    assert later["uniform"].tolist() == pytest.approx(np.cumsum(since * expected) / STEPS[1:])
    assert later["uniform_error"].tolist() == pytest.approx([3 / sqrt(n) for n in STEPS[1:]])
    assert later["relative_gradient"].tolist() == pytest.approx([g / 2 for g in expected])
    assert own.iloc[0][["gradient", "uniform", "relative_gradient"]].isna().all()
    assert own["excess"].iloc[0] == 1
    assert own["excess"].iloc[-1] == 0
    assert own["uniform_ratio"].isna().tolist() == [True, True] + [False] * 7
    last = own.iloc[-1]
    assert last["uniform_ratio"] == pytest.approx(last["uniform"] * sqrt(100) / log(100))


def test_slopes_are_the_mean_of_each_seeds_power() -> None:
    """Whatever the level of a seed; Student's interval over seeds, from powers that are given."""
    part = late(curves({"base": record(-0.5)}))
    assert sorted(part["step"].unique()) == [32, 64, 100]
    fit = slope(part, "gradient")
    assert (fit.value, fit.low, fit.high) == pytest.approx((-0.5, -0.5, -0.5))
    assert fit.points == 9
    powers = (-0.7, -0.5, -0.4)
    other = part.assign(gradient=part["step"] ** part["seed"].map(dict(enumerate(powers))))
    fit = slope(other, "gradient")
    half = 4.302652729749464 * np.std(powers, ddof=1) / sqrt(3)  # Student's with 2 degrees
    expected = [np.mean(powers), np.mean(powers) - half, np.mean(powers) + half]
    assert [fit.value, fit.low, fit.high] == pytest.approx(expected)


def test_the_rate_is_fitted_over_two_decades_and_says_whether_they_are_past_the_transient() -> None:
    made = record(-0.5)
    table = slopes(curves({**records(), "base": made}), SETTINGS)
    row = table.set_index(["sweep", "value", "quantity"]).loc[("samples", "1", "uniform_ratio")]
    assert (row["step_min"], row["step_max"]) == (2, 100)
    # The excess is 64/(n + 1) above that at the end: more than a tenth of its fall up to n = 8.
    assert row["past_transient"] == pytest.approx(2 / 8)
    slow = made.assign(loss=made["loss"].where(made["step"] > 0, 1e6))
    table = slopes(curves({**records(), "base": slow}), SETTINGS)
    row = table.set_index(["sweep", "value", "quantity"]).loc[("samples", "1", "uniform_ratio")]
    assert row["past_transient"] == 2, "the loss falls with the first update"


def test_a_squared_norm_that_is_not_positive_has_no_slope() -> None:
    table = curves({"base": record(-0.5)})
    table.loc[table.index[-1], "gradient"] = -1.0
    assert isnan(slope(late(table), "gradient").value)


def test_the_table_of_slopes_has_the_base_in_every_sweep() -> None:
    table = slopes(curves(records()), SETTINGS).set_index(["sweep", "value", "quantity"])
    assert table.loc[("activation", "soft-1", "gradient"), "slope"] == pytest.approx(-1.5)
    for key in (("activation", "relu"), ("beta", "1"), ("samples", "1")):
        assert table.loc[(*key, "gradient"), "variant"] == "base"
    # A gradient of order n^(-1/2) has a mean of that order: the ratio falls as 1/log n.
    assert -0.7 < table.loc[("beta", "1", "uniform_ratio"), "slope"] < 0


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
    assert row["effect"] == pytest.approx(0.5)
    assert found.loc[("activation", "batch_slope"), "effect"] == pytest.approx(0.5)
    assert row["levels"] == 3
    assert row["claimed"] == "rises"
    assert row["said"] == "rises over 3 seeds"
    # All three seeds rise, in one of 3! orders each.
    assert row["p_value"] == pytest.approx(1 / 6**3)
    row = found.loc[("beta", "steps_to_gradient")]
    # n^p = threshold: beta 0.5, 1, 2 take t^(1/p) updates, the level has no part. Between steps a
    # curve is taken for a power of n + 1: right within some percent.
    times = [log2(row["threshold"] ** (1 / p)) for p in (-1.0, -0.5, -0.4)]
    assert row["threshold"] == 0.3
    assert row["effect"] == pytest.approx((times[2] - times[0]) / 2, rel=0.1)
    assert found.loc[("samples", "steps_to_gradient"), "effect"] == pytest.approx(0, abs=1e-9)
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
    assert row["batch_slope"] == pytest.approx(-0.5)
    assert found.loc[("samples", "4", 12), "why_not"] == "their value for K > 1 is not the bound"
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
        assert set(measures[name]["reduced"]) == {""}
    comparable = measures["ends"]["comparable"]
    assert list(measures["ends"][comparable]["value"].unique()) == ["relu"]


def test_the_authors_settings_differ_in_nothing() -> None:
    assert differences(SETTINGS, REAL) == []
    cifar = DeepVAE.from_plain({"network": {"dataset": "cifar", "side": 32}})
    facts = Facts("cifar100", "cifar100", "real", "", (3, 32, 32), 60_000)
    assert differences(cifar, facts) == []
    ten = Facts("cifar10", "cifar10", "real", "", (3, 32, 32), 60_000)
    assert differences(cifar, ten) == ["real images of cifar10"]


def test_what_is_less_than_the_authors_is_said() -> None:
    assert SETTINGS.reduced == ""
    small = SETTINGS.but(
        epochs=3, network={"side": 16, "model": "dense", "layers": [9], "images": 7}
    )
    said = "16x16 pixels, fully connected layers of 9 units, 7 images, 3 of 100 epochs"
    assert small.reduced == said
    narrow = SETTINGS.but(network={"widths": [4, 4, 4, 4], "hidden": 5})
    assert narrow.reduced == "a narrower network"
    ten = Facts("cifar10", "cifar10", "real", "", (3, 32, 32), 60_000)
    given = {"records": records(), "published": PUBLISHED}
    cifar = SETTINGS.but(network={"dataset": "cifar", "side": 32})
    found = measure(cifar, images=Stored({}, ten.text()), **given)["trends"]["reduced"]
    assert set(found) == {"CIFAR-10 in place of CIFAR-100"}
