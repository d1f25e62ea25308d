"""Tables of S1: what was fitted in words, and one column per beta."""

import pandas as pd

from vaentk.experiments.convergence.linear_vae import tables


def test_linear_vae_tables_name_what_was_fitted() -> None:
    fit = {"slope": -0.7, "low": -0.8, "high": -0.6, "points": 128}
    fitted = {"optimiser": "sgd", "estimator": "pathwise", "power": 0.5, "claimed": -0.4}
    fitted |= {"step_min": 100, "step_max": 1000}
    fitted |= {"batch": 4, "samples": 4, "drift": 0.1, "drift_low": 0.0, "drift_high": 0.2}
    row = fitted | fit | {"role": "rate", "quantity": "ratio"}
    table = tables.linear_vae_slopes({"a": pd.DataFrame([row])})
    assert table["quantity"].tolist() == ["E_R|grad L(theta_R)|^2 over log n/sqrt(n)"]
    assert table["drift"].tolist() == [0.1]
    noise = {"place": "start", "estimator": "score", "factor": "batch", "share": 0.25, **fit}
    own = tables.linear_vae_noise({"a": pd.DataFrame([noise])})
    assert own[["place", "estimator", "share"]].iloc[0].tolist() == ["start", "score", 0.25]


def test_linear_vae_betas_have_a_column_each_and_the_trend() -> None:
    keys = {"optimiser": "sgd", "quantity": "time_gap"}
    values = pd.DataFrame(
        [
            keys | {"beta": 0.5, "value": 40.0, "units": 2},
            keys | {"beta": 2.0, "value": 10.0, "units": 1},
        ]
    )
    trend = pd.DataFrame([keys | {"slope": -1.0, "low": -1.5, "high": -0.5, "points": 2}])
    used, row = tables.linear_vae_betas({"a": values}, {"a": trend}).to_dict("records")
    assert (row["beta 0.5"], row["beta 2"], row["slope"]) == (40, 10, -1)
    assert row["quantity"] == "iterations until the gap is at the threshold"
    assert (used["beta 0.5"], used["beta 2"]) == (2, 1)


def test_linear_vae_codes_stand_beside_their_ratio() -> None:
    keys = {"optimiser": "sgd", "quantity": "time_likelihood_gap"}
    ends = {"low": 1.0, "high": 9.0, "runs": 8}
    codes = pd.DataFrame([keys | ends | {"samples": k, "value": 8.0 / k} for k in (1, 4)])
    pair = keys | {"smaller": 1, "samples": 4, "ratio": 0.25, "ratio_low": 0.2, "ratio_high": 0.3}
    table = tables.linear_vae_codes({"a": codes}, {"a": pd.DataFrame([pair])})
    assert table["value"].tolist() == [8, 2]
    assert table["ratio"].isna().tolist() == [True, False]
