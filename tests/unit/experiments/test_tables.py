"""Tables of the report: stacked by run, ordered for reading, nothing invented."""

import pandas as pd
import pytest
from vaentk.tables import convergence, overparameterised, representations

from vaentk.experiments import stacking
from vaentk.experiments.latents.disentanglement.measure import METRICS, trends


def test_stack_names_the_run_first() -> None:
    stacked = stacking.stack({"a": pd.DataFrame({"x": [1]}), "b": pd.DataFrame({"x": [2]})})
    assert stacked.to_dict("list") == {"run": ["a", "b"], "x": [1, 2]}


def test_activations_come_by_lambda_0_with_their_condition_and_slowest_rate() -> None:
    columns = ["descent_distance", "empirical_distance", "rate"]
    columns += [f"{name}_{end}" for name in columns for end in ("low", "high")]
    rows = [
        {"activation": name, "width": width, "samples": 8, "lambda_0": least, "lambda_max": 6.0}
        | {"rate_flow": 0.3}
        | dict.fromkeys(columns, 0.1)
        for width in (256, 64)
        for name, least in (("relu", 0.5), ("erf", 2.0))
    ]
    members = pd.DataFrame({"activation": ["relu", "erf"], "meets_assumptions": [False, True]})
    table = overparameterised.activations({"a": members}, {"a": pd.DataFrame(rows)})
    assert list(table["activation"]) == ["erf", "erf", "relu", "relu"]
    assert list(table["width"]) == [64, 256, 64, 256]
    assert list(table["condition"]) == [3.0, 3.0, 12.0, 12.0]
    assert list(table["rate_tight"]) == [0.5, 0.5, 0.125, 0.125]
    assert list(table["meets_assumptions"]) == [True, True, False, False]


def test_frozen_sigma_averages_seeds_and_keeps_the_largest_ratio() -> None:
    difference = pd.DataFrame({"width": [64, 64, 256], "seed": [0, 1, 0]})
    difference = difference.assign(difference=[1.0, 3.0, 5.0], distance=8.0, ratio=[0.1, 0.3, 0.6])
    summary = pd.DataFrame({"variant": ["trained", "frozen"] * 2, "width": [64, 64, 256, 256]})
    summary = summary.assign(lambda_0=[0.5, 0.25] * 2, rate=[1.0, 2.0, 3.0, 4.0])
    table = overparameterised.frozen_sigma({"a": summary}, {"a": difference})
    assert list(table["width"]) == [64, 256]
    assert list(table["sigma_difference"]) == [2.0, 5.0]
    assert table["sigma_difference_low"].isna().tolist() == [False, True]
    assert list(table["ratio_max"]) == [0.3, 0.6]
    assert list(table["lambda_0_trained"]) == [0.5, 0.5]
    assert list(table["rate_frozen"]) == [2.0, 4.0]


NETWORKS = ("untrained", "random", "trained")


def disentanglement(seeds: int = 2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of seeds 0 and 1: 0.1 and 0.3 at latent 50, twice that at 10; a metric a tenth."""
    rows = [
        {"latent": latent, "seed": seed, "beta": beta, "network": network, "metric": metric}
        | {"score": (0.1 + 0.2 * seed) * (2 if latent == 10 else 1) + place / 10}
        for beta in (4.0, 1.0)
        for latent in (50, 10)
        for network in NETWORKS
        for place, metric in enumerate(METRICS)
        for seed in range(seeds)
    ]
    units = [
        {"latent": latent, "seed": seed, "beta": beta, "active_units": latent / 5 + seed}
        for beta in (4.0, 1.0)
        for latent in (50, 10)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows), pd.DataFrame(units)


def test_disentanglement_has_a_column_a_metric_and_the_nulls_beneath_the_trained() -> None:
    scores, summary = disentanglement()
    table = representations.disentanglement(
        {"b": scores, "a": scores}, {"b": summary, "a": summary}
    )
    first = ["run", "beta", "latent", "network", "seeds", "beta_vae", "beta_vae_low"]
    assert list(table.columns[: len(first)]) == first
    assert list(table["run"]) == ["b"] * 12 + ["a"] * 12
    assert list(table["beta"][:12]) == [1.0] * 6 + [4.0] * 6
    assert list(table["latent"][:6]) == [10] * 3 + [50] * 3
    assert list(table["network"][:3]) == ["trained", "untrained network", "random code"]
    half = 12.7062 * 0.1  # Student's with one degree of freedom, times the error of the mean
    found = table.loc[3, ["mig", "mig_low", "mig_high", "seeds"]].tolist()
    assert found == pytest.approx([0.4, 0.4 - half, 0.4 + half, 2], abs=1e-4)
    assert table.loc[0, ["beta_vae", "sap"]].tolist() == pytest.approx([0.4, 0.7])
    assert table["active_units"][:4].tolist() == pytest.approx(
        [2.5, float("nan"), float("nan"), 10.5], nan_ok=True
    )


def test_one_seed_has_no_interval_in_the_table_of_scores() -> None:
    scores, summary = disentanglement(seeds=1)
    table = representations.disentanglement({"a": scores}, {"a": summary})
    assert table["sap_low"].isna().all()
    assert table["sap"].notna().all()


def test_trends_are_named_in_words_and_keep_their_order() -> None:
    measured = trends(*disentanglement())
    table = representations.disentanglement_trends({"a": measured, "b": measured})
    columns = ["run", "beta", "quantity", "effect", "low", "high", "statistic", "p_value", "points"]
    assert list(table.columns) == columns
    assert table["quantity"].notna().all()
    assert list(table["run"].unique()) == ["a", "b"]
    names = list(table["quantity"])
    assert names[:5] == ["BetaVAE", "FactorVAE", "MIG", "SAP", "BetaVAE minus untrained network"]
    assert names[8] == "BetaVAE minus random code"
    assert names[12] == "active units"
    assert list(table["effect"])[: len(measured)] == pytest.approx(measured["effect"].tolist())


def test_attributes_of_the_large_latent_space_alone_come_first() -> None:
    rows = [
        (latent, seed, attribute, auc + 0.1 * seed, probe, 30)
        for latent, attribute, auc, probe in (
            (10, "Smiling", 0.5, 0.7),
            (10, "Bald", 0.8, 0.9),
            (256, "Smiling", 0.7, 0.9),
            (256, "Bald", 0.75, 0.95),
        )
        for seed in (0, 1)
    ]
    columns = ["latent", "seed", "attribute", "auc", "probe", "positives"]
    attributes = pd.DataFrame(rows, columns=columns)
    compared = pd.DataFrame(
        {
            "attribute": ["Bald", "Smiling"],
            "group": ["hair", "emotion"],
            "seeds": [2, 2],
            "narrow": [2, 0],
            "wide": [2, 2],
            "wide_only": [0, 2],
            "agreed": ["both", "wide only"],
        }
    )
    table = representations.discovery({"a": attributes}, {"a": compared})
    assert list(table["attribute"]) == ["Smiling", "Bald"]
    first = table.iloc[0]
    assert (first["run"], first["group"], first["positives"], first["seeds"]) == (
        "a",
        "emotion",
        30,
        2,
    )
    areas = ["narrow_auc", "wide_auc", "narrow_probe", "wide_probe"]
    assert first[areas].tolist() == pytest.approx([0.55, 0.75, 0.7, 0.9])


def test_linear_vae_tables_name_what_was_fitted() -> None:
    fit = {"slope": -0.7, "low": -0.8, "high": -0.6, "points": 128}
    known = {"optimiser": "sgd", "estimator": "pathwise", "power": 0.5, "claimed": -0.4}
    known |= {"step_min": 100, "step_max": 1000}
    rows = [known | fit | {"role": role, "quantity": "ratio"} for role in ("rate", "noise")]
    table = convergence.linear_vae_slopes({"a": pd.DataFrame(rows)})
    assert table["quantity"].tolist() == ["E_R|grad L(theta_R)|^2 over log n/sqrt(n)"]
    noise = {"place": "start", "estimator": "score", "factor": "batch", "share": 0.25, **fit}
    reached = {"optimiser": "adam", "quantity": "gap", "factor": "samples", **fit}
    both = convergence.linear_vae_noise(
        {"a": pd.DataFrame([noise])}, {"a": pd.DataFrame([reached])}
    )
    assert both["quantity"].tolist() == ["noise, score, start", "gap to the optimum, adam"]
    assert both["share"].isna().tolist() == [False, True]


def test_linear_vae_betas_have_a_column_each_and_the_trend() -> None:
    keys = {"optimiser": "sgd", "quantity": "time_gap"}
    values = pd.DataFrame(
        [keys | {"beta": 0.5, "value": 40.0}, keys | {"beta": 2.0, "value": 10.0}]
    )
    trend = pd.DataFrame([keys | {"slope": -1.0, "low": -1.5, "high": -0.5, "points": 2}])
    (row,) = convergence.linear_vae_betas({"a": values}, {"a": trend}).to_dict("records")
    assert (row["beta 0.5"], row["beta 2"], row["slope"]) == (40, 10, -1)
    assert row["quantity"] == "iterations until the gap is at the threshold"
