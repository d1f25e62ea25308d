"""Tables of the kernel experiments: ordered for reading, nothing invented."""

import pandas as pd
import pytest

from vaentk.experiments.ntk.linear_rate import tables as linear_rate
from vaentk.experiments.ntk.ridge import tables as ridge
from vaentk.experiments.ntk.sensitivity import tables as sensitivity
from vaentk.experiments.ntk.tangent_kernels import tables as tangent_kernels
from vaentk.experiments.ntk.weight_change import tables as weight_change


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
    table = weight_change.weight_change_slopes(runs)
    assert list(table["layer"].unique()) == ["enc", "hid", "mu", "sigma", "dec"]
    assert list(table["fraction"])[:3] == [1.0, 0.25, 0.0625]
    assert list(table["outputs"].unique()) == [49, 196]
    assert len(table) == 2 * 5 * 3


def test_tangent_kernels_average_seeds_and_keep_the_largest_error() -> None:
    frame = pd.DataFrame({"width": [64, 64, 256], "seed": [0, 1, 0], "outputs": 49})
    columns = ["lambda_0", "lambda_min", "lambda_min_over", "lambda_max", "norm", "norm_over"]
    columns += ["wishart_norm", "initial_error", "initial_output", "initial_output_limit"]
    columns += ["slope_measured", "slope_derived", "slope_printed"]
    columns += ["flow_distance", "flow_distance_time", "rate_over_limit"]
    columns += ["lambda_min_error", "norm_error"]
    for column in columns:
        frame[column] = [1.0, 3.0, 7.0]
    table = tangent_kernels.tangent_kernels({"b": frame, "a": frame})
    assert list(table["run"]) == ["b", "b", "a", "a"]
    assert list(table["width"]) == [64, 256, 64, 256]
    assert list(table["norm"][:2]) == list(table["initial_error"][:2]) == [2.0, 7.0]
    assert list(table["norm_error"][:2]) == list(table["lambda_min_error"][:2]) == [3.0, 7.0]


def test_lemma4_stands_layer_by_layer_for_the_layers_that_are_trained() -> None:
    frame = pd.DataFrame({"width": [64, 64], "seed": [0, 1], "lemma4_bound": [10.0, 30.0]})
    frame = frame.assign(row_d=[1.0, 2.0], row_mu=4.0, over_bound_mu=0.1, over_bound_d=[0.2, 0.4])
    table = linear_rate.linear_rate_lemma4({"a": frame})
    names = ["run", "width", "lemma4_bound", "row_mu", "over_bound_mu", "row_d", "over_bound_d"]
    assert list(table.columns) == names
    row = table.iloc[0]
    assert row[["lemma4_bound", "row_d"]].tolist() == [20.0, 1.5]
    assert row["over_bound_d"] == pytest.approx(0.3)


def test_the_three_ridges_stand_side_by_side_with_the_nearest() -> None:
    rows = [
        {"initial": initial, "with_initial": with_initial, "beta": 0.1, "width": width}
        | {
            "reading": reading,
            "error": error / width,
            "error_low": 0.0,
            "error_high": 1.0,
            "nearest": "n beta",
        }
        for initial in ("standard", "antisymmetric")
        for with_initial in (True, False)
        for width in (2, 4)
        for reading, error in (("beta", 8.0), ("n beta", 2.0), ("2 n beta", 4.0))
    ]
    table = ridge.ridge({"pca": pd.DataFrame(rows)})
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
    frame = pd.DataFrame({"beta": [0.1], "condition": [9.0]})
    table = ridge.ridge_displacements({"a": frame})
    assert table.to_dict("list") == {"run": ["a"], "beta": [0.1], "input_condition": [9.0]}


def test_the_error_term_is_averaged_over_seeds() -> None:
    frame = pd.DataFrame({"width": 64, "seed": [0, 1], "beta": 0.1, "bound": [2.0, 4.0]})
    frame["initial"] = "standard"
    for column in ("initial_worst", "kernel_norm", "error_worst", "over_bound"):
        frame[column] = 1.0
    table = ridge.ridge_error_term({"a": frame})
    assert table[["run", "beta", "width", "bound"]].to_numpy().tolist() == [["a", 0.1, 64, 3.0]]


def test_sensitivity_is_a_row_a_variant_in_the_order_of_the_runs_settings() -> None:
    differences = {"mu": -0.2, "dec": 0.1, "sigma": 9}
    rows = [
        {"variant": variant, "layer": layer, "slope": place, "low": place - 1, "high": place + 1}
        | {"largest_change": 10 + place, "narrow_change": 20 + place, "loss_left": 0.5}
        | {"difference": differences.get(layer, 0) if variant == "erf" else 0}
        for variant in ("base", "erf", "deterministic")
        for place, layer in enumerate(("enc", "hid", "mu", "dec", "sigma"))
        if (variant, layer) != ("deterministic", "sigma")
    ]
    table = sensitivity.sensitivity({"a": pd.DataFrame(rows)})
    assert list(table["variant"]) == ["base", "erf", "deterministic"]
    first = ["run", "variant", "slope_enc", "slope_enc_low", "slope_enc_high"]
    assert list(table.columns[: len(first)]) == first
    erf = table.iloc[1]
    assert (erf["slope_dec_low"], erf["slope_dec"], erf["slope_dec_high"]) == (2, 3, 4)
    assert (erf["sigma_change_narrow"], erf["sigma_change"], erf["loss_left"]) == (24, 14, 0.5)
    assert (erf["largest_difference"], erf["largest_difference_layer"]) == (-0.2, "mu")
    assert table["largest_difference"].isna().tolist() == [True, False, False]
    assert table["sigma_change"].isna().tolist() == [False, False, True]
