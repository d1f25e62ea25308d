"""Figure 3's trends: known effects, scipy's line, pairing with the nulls, BetaVAE's exception."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from vaentk.experiments.latents.disentanglement.labels import METRICS, NULLS
from vaentk.experiments.latents.disentanglement.measure import extremes, trends

LATENTS = (10, 20, 50, 100, 200)
PER_DOUBLING = {"beta_vae": 0.01, "factor_vae": 0.02, "mig": 0.03, "sap": 0.04, "dci": 0.001}
UNTRAINED = 0.005
"""Change of an untrained network's score per doubling; a random code's is 0."""


def frames(
    latents: tuple[int, ...] = LATENTS,
    seeds: int = 2,
    betas: tuple[float, ...] = (4.0,),
    noise: float = 0.0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores that change by a known amount per doubling, and active units that stay or double."""
    generator = np.random.default_rng(0)
    rows, units = [], []
    for beta in betas:
        for latent in latents:
            for seed in range(seeds):
                key = {"latent": latent, "seed": seed, "beta": beta}
                doublings = np.log2(latent / latents[0])
                for metric, growth in PER_DOUBLING.items():
                    levels = {"trained": growth, "untrained": UNTRAINED, "random": 0.0}
                    for network, slope in levels.items():
                        score = 0.2 + slope * doublings + noise * generator.standard_normal()
                        rows.append(key | {"network": network, "metric": metric, "score": score})
                units.append(key | {"active_units": latent // 10, "reconstruction": 1, "kl": 2})
    shuffled = generator.permutation(len(rows))
    return pd.DataFrame(rows).iloc[shuffled], pd.DataFrame(units)


def test_known_effects_are_found_with_their_differences_from_the_nulls() -> None:
    table = trends(*frames())
    assert (table["beta"] == 4.0).all()
    fitted = table.set_index("quantity")
    for metric, growth in PER_DOUBLING.items():
        found = fitted["effect"][[metric, f"{metric}_minus_untrained", f"{metric}_minus_random"]]
        np.testing.assert_allclose(found, [growth, growth - UNTRAINED, growth], atol=1e-12)
    assert fitted["effect"]["beta_vae_rank"] == 1
    for metric in ("factor_vae", "mig", "sap"):
        behind = fitted.loc[f"beta_vae_minus_{metric}"]
        assert behind["effect"] == pytest.approx(0.01 - PER_DOUBLING[metric])
        assert behind["high"] < 0
    middle = np.log2(np.array(LATENTS) / LATENTS[0]).mean()
    assert fitted["level"]["mig_untrained"] == pytest.approx(0.2 + UNTRAINED * middle)
    assert fitted["level"]["mig_minus_random"] == pytest.approx(0.03 * middle)
    quantities = [*METRICS, *(f"{m}_untrained" for m in METRICS)]
    quantities += [f"{m}_minus_{n}" for n in NULLS for m in METRICS]
    quantities += [f"beta_vae_minus_{m}" for m in ("factor_vae", "mig", "sap")]
    assert list(fitted.index) == [*quantities, "active_units", "beta_vae_rank"]
    assert (fitted["points"].drop("beta_vae_rank") == 10).all()


def test_the_effect_is_the_mean_of_each_seeds_line() -> None:
    """Against scipy, a line per seed and Student's interval of their mean; and so is the level."""
    scores, summary = frames(noise=0.05, seeds=3)
    fitted = trends(scores, summary).set_index("quantity")
    trained = scores[(scores["network"] == "trained") & (scores["metric"] == "mig")]
    seeds = [part for _, part in trained.groupby("seed")]
    slopes = [stats.linregress(np.log2(part["latent"]), part["score"]).slope for part in seeds]
    for values, columns in (
        (slopes, ["effect", "low", "high"]),
        ([part["score"].mean() for part in seeds], ["level", "level_low", "level_high"]),
    ):
        half = stats.t.ppf(0.975, 2) * stats.sem(values)
        centre = np.mean(values)
        expected = [centre, centre - half, centre + half]
        np.testing.assert_allclose(fitted.loc["mig", columns].tolist(), expected)
    assert fitted["freedom"]["mig"] == 2


def test_a_seeds_own_level_does_not_widen_the_interval() -> None:
    scores, summary = frames(seeds=3)
    fitted = trends(scores.assign(score=scores["score"] + scores["seed"]), summary)
    mig = fitted.set_index("quantity").loc["mig"]
    assert mig["high"] - mig["low"] < 1e-9


def test_differences_are_paired_so_that_what_is_shared_has_no_part_in_the_interval() -> None:
    scores, summary = frames()
    shared = np.random.default_rng(1).standard_normal(1000)
    places = scores["latent"] + scores["seed"]
    fitted = trends(scores.assign(score=scores["score"] + shared[places]), summary)
    fitted = fitted.set_index("quantity")
    assert (fitted["high"] - fitted["low"])["mig"] > 0.1
    for quantity in ("mig_minus_untrained", "mig_minus_random", "beta_vae_minus_mig"):
        assert (fitted["high"] - fitted["low"])[quantity] < 1e-6


def test_a_rise_is_tested_over_all_orders_of_every_seed() -> None:
    """Two seeds, three latents: of 36 pairs of orders only the perfect one has L = 28."""
    scores, summary = frames(latents=(10, 50, 200), noise=1e-4)
    fitted = trends(scores, summary).set_index("quantity")
    assert fitted["statistic"]["mig"] == 28
    assert fitted["p_value"]["mig"] == pytest.approx(1 / 36)
    mig = scores["metric"] == "mig"
    falling = scores["score"].where(~mig, -scores["score"])
    fitted = trends(scores.assign(score=falling), summary).set_index("quantity")
    assert fitted.loc["mig", ["statistic", "p_value"]].tolist() == [20, 1.0]


def test_equal_differences_stay_equal_after_rounding() -> None:
    """0.3 - 0.1 and 0.2 - 0 differ in their last bit and are a tie."""
    scores, summary = frames(latents=(10, 20, 40))
    score = {("trained", 10): 0.3, ("random", 10): 0.1, ("trained", 20): 0.2, ("trained", 40): 0.2}
    scores["score"] = [
        score.get((network, latent), 0.0)
        for network, latent in zip(scores["network"], scores["latent"], strict=True)
    ]
    fitted = trends(scores, summary).set_index("quantity")
    assert fitted["statistic"]["mig_minus_random"] == 24, "three ranks of 2 in either seed"


def test_a_metric_beside_the_papers_four_takes_no_part_in_its_claims(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scores, summary = frames(noise=0.05)
    before = trends(scores, summary).set_index("quantity")
    added = scores[scores["metric"] == "beta_vae"].assign(metric="other")
    added["score"] = 1 - added["score"] * 10  # falls, and is the best and the worst of all
    monkeypatch.setitem(METRICS, "other", "Other")
    after = trends(pd.concat([scores, added]), summary).set_index("quantity")
    assert after["effect"]["other"] < before["effect"].min()
    pd.testing.assert_frame_equal(after.loc[before.index], before)
    assert extremes(pd.concat([scores, added])) == extremes(scores)


def test_every_beta_has_its_own_rows() -> None:
    scores, summary = frames(betas=(1.0, 4.0))
    steep = (scores["beta"] == 4.0) & (scores["network"] == "trained")
    raised = scores["score"] + 0.1 * np.log2(scores["latent"]) * (scores["metric"] == "beta_vae")
    scores["score"] = scores["score"].where(~steep, raised)
    table = trends(scores, summary).set_index(["beta", "quantity"])
    assert len(table) == 2 * (5 * 4 + 3 + 2)
    assert table["effect"][1.0, "beta_vae_rank"] == 1
    assert table["effect"][4.0, "beta_vae_rank"] == 4
    assert table["effect"][4.0, "beta_vae_minus_factor_vae"] == pytest.approx(0.11 - 0.02)


def test_one_seed_has_no_interval_and_one_size_no_effect() -> None:
    alone = trends(*frames(latents=(10, 50, 200), seeds=1, noise=0.01)).set_index("quantity")
    assert alone["points"]["mig"] == 3
    assert alone.loc["mig", ["low", "high", "level_low"]].isna().all()
    two = trends(*frames(latents=(10, 50), seeds=2)).set_index("quantity")
    assert two["effect"]["mig"] == pytest.approx(0.03)
    assert two["p_value"].isna().all()


def test_without_dci_the_other_metrics_stay_as_they_are() -> None:
    scores, summary = frames(noise=0.05)
    whole = trends(scores, summary).set_index("quantity")
    without = trends(scores[scores["metric"] != "dci"], summary).set_index("quantity")
    pd.testing.assert_frame_equal(without, whole.loc[without.index])
    assert not without.index.str.contains("dci").any()


def test_the_best_and_the_worst_network_are_trained_ones() -> None:
    rows = [
        {"latent": latent, "seed": seed, "beta": 4.0, "network": network, "metric": metric}
        | {"score": latent / 100 + seed / 50 + (metric == "mig") / 10 + 2 * (network == "random")}
        for latent in (10, 50)
        for seed in (0, 1)
        for network in ("trained", "random")
        for metric in ("mig", "sap")
    ]
    found = extremes(pd.DataFrame(rows))
    assert found["best"] == pytest.approx((50, 1, 4.0, 0.57))
    assert found["worst"] == pytest.approx((10, 0, 4.0, 0.15))
