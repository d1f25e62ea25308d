"""Tables of the report: stacked by run, ordered for reading, nothing invented."""

import pandas as pd
import pytest
from vaentk.tables import convergence, overparameterised, representations

from vaentk.experiments import stacking
from vaentk.experiments.latents.disentanglement.measure import METRICS, trends


def test_stack_names_the_run_first() -> None:
    stacked = stacking.stack({"a": pd.DataFrame({"x": [1]}), "b": pd.DataFrame({"x": [2]})})
    assert stacked.to_dict("list") == {"run": ["a", "b"], "x": [1, 2]}


def test_slopes_are_read_layer_by_layer_from_the_final_time_back() -> None:
    rows = [
        {"layer": layer, "fraction": fraction, "outputs": outputs, "width_over_outputs": 2.0}
        | {"claimed": -1, "slope": -0.9, "low": -1, "high": -0.8, "points": 6}
        | {"width_min": 64, "width_max": 256}
        for outputs in (196, 49)
        for layer in ("dec", "enc", "sigma", "hid", "mu")
        for fraction in (0.0625, 0.125, 0.25, 0.5, 1.0)
    ]
    frame = pd.DataFrame(rows)
    runs = {f"d{d}": frame[frame["outputs"] == d] for d in (196, 49)}
    table = overparameterised.weight_change_slopes(runs)
    assert list(table["layer"].unique()) == ["enc", "hid", "mu", "sigma", "dec"]
    assert list(table["fraction"])[:3] == [1.0, 0.25, 0.0625]
    assert list(table["outputs"].unique()) == [49, 196]
    assert len(table) == 2 * 5 * 3


def test_tangent_kernels_average_seeds_and_keep_the_largest_error() -> None:
    frame = pd.DataFrame({"width": [64, 64, 256], "seed": [0, 1, 0], "outputs": 49})
    columns = ["lambda_0", "lambda_min", "lambda_min_over", "lambda_max", "norm", "norm_over"]
    columns += ["marchenko_pastur", "initial_error", "initial_output", "initial_output_limit"]
    columns += ["slope_measured", "slope_derived", "slope_printed"]
    columns += ["lambda_min_error", "norm_error"]
    for column in columns:
        frame[column] = [1.0, 3.0, 7.0]
    table = overparameterised.tangent_kernels({"b": frame, "a": frame})
    assert list(table["run"]) == ["b", "b", "a", "a"]
    assert list(table["width"]) == [64, 256, 64, 256]
    assert list(table["norm"][:2]) == list(table["initial_error"][:2]) == [2.0, 7.0]
    assert list(table["norm_error"][:2]) == list(table["lambda_min_error"][:2]) == [3.0, 7.0]


def test_lemma4_stands_layer_by_layer_for_the_layers_that_are_trained() -> None:
    frame = pd.DataFrame({"width": [64, 64], "seed": [0, 1], "lemma4_bound": [10.0, 30.0]})
    frame = frame.assign(row_d=[1.0, 2.0], row_mu=4.0, over_bound_mu=0.1, over_bound_d=[0.2, 0.4])
    table = overparameterised.linear_rate_lemma4({"a": frame})
    names = ["run", "width", "lemma4_bound", "row_mu", "over_bound_mu", "row_d", "over_bound_d"]
    assert list(table.columns) == names
    row = table.iloc[0]
    assert row[["lemma4_bound", "row_d"]].tolist() == [20.0, 1.5]
    assert row["over_bound_d"] == pytest.approx(0.3)


def test_the_three_ridges_stand_side_by_side_with_the_nearest() -> None:
    rows = [
        {"initial": initial, "with_initial": kept, "beta": 0.1, "width": width, "reading": reading}
        | {"error": error / width, "error_low": 0.0, "error_high": 1.0, "nearest": "n beta"}
        for initial in ("standard", "antisymmetric")
        for kept in (True, False)
        for width in (2, 4)
        for reading, error in (("beta", 8.0), ("n beta", 2.0), ("2 n beta", 4.0))
    ]
    table = overparameterised.ridge({"pca": pd.DataFrame(rows)})
    assert len(table) == 6, "without f_0 the antisymmetric network is not told twice"
    assert table.iloc[1].to_dict() == {
        "run": "pca",
        "initial": "standard",
        "with_initial": True,
        "beta": 0.1,
        "width": 4,
        "error_beta": 2.0,
        "error_n_beta": 0.5,
        "error_2_n_beta": 1.0,
        "nearest": "n beta",
    }


def test_the_condition_of_the_inputs_is_not_that_of_a_kernel() -> None:
    frame = pd.DataFrame({"beta": [0.1], "condition": [9.0], "largest_change_over_smaller": [0.5]})
    table = overparameterised.ridge_displacements({"a": frame})
    assert table.to_dict("list") == {"run": ["a"], "beta": [0.1], "input_condition": [9.0]}


def test_the_error_term_is_averaged_over_seeds() -> None:
    frame = pd.DataFrame({"width": 64, "seed": [0, 1], "beta": 0.1, "bound": [2.0, 4.0]})
    for column in ("initial_worst", "kernel_norm", "error_worst", "over_bound"):
        frame[column] = 1.0
    table = overparameterised.ridge_error_term({"a": frame})
    assert table[["run", "beta", "width", "bound"]].to_numpy().tolist() == [["a", 0.1, 64, 3.0]]


def test_sensitivity_is_a_row_a_variant_in_the_order_of_the_runs_settings() -> None:
    rows = [
        {"variant": variant, "layer": layer, "slope": place, "low": place - 1, "high": place + 1}
        | {"largest_change": 10 + place, "narrow_change": 20 + place, "loss_left": 0.5}
        for variant in ("base", "erf", "deterministic")
        for place, layer in enumerate(("enc", "hid", "mu", "dec", "sigma"))
        if (variant, layer) != ("deterministic", "sigma")
    ]
    worst = pd.DataFrame({"variant": ["base", "erf"], "layer": ["dec", "mu"], "difference": -0.2})
    table = overparameterised.sensitivity({"a": pd.DataFrame(rows)}, {"a": worst})
    assert list(table["variant"]) == ["base", "erf", "deterministic"]
    first = ["run", "variant", "slope_enc", "slope_enc_low", "slope_enc_high"]
    assert list(table.columns[: len(first)]) == first
    erf = table.iloc[1]
    assert (erf["slope_dec_low"], erf["slope_dec"], erf["slope_dec_high"]) == (2, 3, 4)
    assert (erf["sigma_change_narrow"], erf["sigma_change"], erf["loss_left"]) == (24, 14, 0.5)
    assert (erf["largest_difference"], erf["largest_difference_layer"]) == (-0.2, "mu")
    assert table["largest_difference"].isna().tolist() == [True, False, True]
    assert table["sigma_change"].isna().tolist() == [False, False, True]


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
