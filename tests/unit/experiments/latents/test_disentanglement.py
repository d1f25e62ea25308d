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
    assert fitted["effect"]["beta_vae_minus_least_other"] == pytest.approx(-0.01)
    assert fitted["high"]["beta_vae_minus_least_other"] < 0
    assert (fitted["points"] == 10).all()
    quantities = [*METRICS, *(f"{m}_minus_{n}" for n in NULLS for m in METRICS), "active_units"]
    quantities += ["beta_vae_rank", "beta_vae_minus_least_other"]
    assert list(fitted.index) == quantities


def test_the_effect_is_scipys_line_with_students_interval() -> None:
    scores, summary = frames(noise=0.05, seeds=3)
    fitted = trends(scores, summary).set_index("quantity")
    trained = scores[(scores["network"] == "trained") & (scores["metric"] == "mig")]
    line = stats.linregress(np.log2(trained["latent"]), trained["score"])
    half = stats.t.ppf(0.975, 13) * line.stderr
    expected = [line.slope, line.slope - half, line.slope + half]
    np.testing.assert_allclose(fitted.loc["mig", ["effect", "low", "high"]].tolist(), expected)
    units = stats.linregress(np.log2(summary["latent"]), summary["active_units"])
    assert fitted["effect"]["active_units"] == pytest.approx(units.slope)


def test_differences_are_paired_so_that_what_is_shared_has_no_part_in_the_interval() -> None:
    scores, summary = frames()
    shared = np.random.default_rng(1).standard_normal(1000)
    places = scores["latent"] + scores["seed"]
    fitted = trends(scores.assign(score=scores["score"] + shared[places]), summary)
    fitted = fitted.set_index("quantity")
    assert (fitted["high"] - fitted["low"])["mig"] > 0.1
    for quantity in ("mig_minus_untrained", "mig_minus_random", "beta_vae_minus_least_other"):
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
    lost = (scores["latent"] == 50) & (scores["seed"] == 1) & (scores["network"] == "random")
    fitted = trends(scores[~lost], summary).set_index("quantity")
    assert np.isnan(fitted["p_value"]["mig_minus_random"]), "one seed is left that has all sizes"


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
    assert len(table) == 2 * (5 * 3 + 3)
    assert table["effect"][1.0, "beta_vae_rank"] == 1
    assert table["effect"][4.0, "beta_vae_rank"] == 4
    assert table["effect"][4.0, "beta_vae_minus_least_other"] == pytest.approx(0.11 - 0.02)


def test_one_seed_of_three_sizes_has_a_wide_interval_and_of_two_none() -> None:
    three = trends(*frames(latents=(10, 50, 200), seeds=1, noise=0.01)).set_index("quantity")
    assert three["points"]["mig"] == 3
    assert np.isfinite(three.loc["mig", ["low", "high"]].to_numpy(float)).all()
    two = trends(*frames(latents=(10, 50), seeds=1)).set_index("quantity")
    assert two["effect"]["mig"] == pytest.approx(0.03)
    assert two.loc["mig", ["low", "high"]].isna().all()
    one = trends(*frames(latents=(10,))).set_index("quantity")
    assert one["effect"].isna().all()
    assert one["p_value"].isna().all()


def test_a_run_without_its_null_is_left_out_of_the_difference() -> None:
    scores, summary = frames()
    lost = (scores["network"] == "random") & (scores["latent"] == 200) & (scores["seed"] == 1)
    points = trends(scores[~lost], summary).set_index("quantity")["points"]
    assert (points["mig"], points["mig_minus_random"], points["mig_minus_untrained"]) == (10, 9, 10)


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
