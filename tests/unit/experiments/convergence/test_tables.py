"""Tables of S1: what was fitted in words, and a column a beta."""

import pandas as pd

from vaentk.experiments.convergence.linear_vae import tables


def test_linear_vae_tables_name_what_was_fitted() -> None:
    fit = {"slope": -0.7, "low": -0.8, "high": -0.6, "points": 128}
    fitted = {"optimiser": "sgd", "estimator": "pathwise", "power": 0.5, "claimed": -0.4}
    fitted |= {"step_min": 100, "step_max": 1000}
    rows = [fitted | fit | {"role": role, "quantity": "ratio"} for role in ("rate", "noise")]
    table = tables.linear_vae_slopes({"a": pd.DataFrame(rows)})
    assert table["quantity"].tolist() == ["E_R|grad L(theta_R)|^2 over log n/sqrt(n)"]
    noise = {"place": "start", "estimator": "score", "factor": "batch", "share": 0.25, **fit}
    reached = {"optimiser": "adam", "quantity": "gap", "factor": "samples", **fit}
    both = tables.linear_vae_noise({"a": pd.DataFrame([noise])}, {"a": pd.DataFrame([reached])})
    assert both["quantity"].tolist() == ["noise, score, start", "gap to the optimum, adam"]
    assert both["share"].isna().tolist() == [False, True]


def test_linear_vae_betas_have_a_column_each_and_the_trend() -> None:
    keys = {"optimiser": "sgd", "quantity": "time_gap"}
    values = pd.DataFrame(
        [keys | {"beta": 0.5, "value": 40.0}, keys | {"beta": 2.0, "value": 10.0}]
    )
    trend = pd.DataFrame([keys | {"slope": -1.0, "low": -1.5, "high": -0.5, "points": 2}])
    (row,) = tables.linear_vae_betas({"a": values}, {"a": trend}).to_dict("records")
    assert (row["beta 0.5"], row["beta 2"], row["slope"]) == (40, 10, -1)
    assert row["quantity"] == "iterations until the gap is at the threshold"
