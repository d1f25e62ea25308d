"""Claims: every way to a verdict on planted measures, every mistake, and the real rows."""

import re
from io import StringIO
from math import inf, nan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from vaentk.claims import evaluation as claims
from vaentk.claims.evaluation import VERDICTS, assumptions, decide, evaluate, remarks, summary
from vaentk.claims.ledger import Expectation, parse_assumptions, parse_claims, parse_remarks
from vaentk.config import load
from vaentk.errors import UserError

CONFIG = Path(__file__).parents[3] / "config"

FORMS = {
    r"activations/[a-z0-9-]+/agreement\.csv": (
        "width activations rank_correlation rank_correlation_flow rank_rate_with_flow"
    ),
    r"activations/[a-z0-9-]+/curves\.csv": (
        "width seed step time loss bound flow_loss flow_distance descent_loss "
        "descent_distance empirical_loss empirical_distance variant"
    ),
    r"activations/[a-z0-9-]+/members\.csv": (
        "variant activation samples sigma0 train_sigma width seed lambda_0 lambda_max "
        "meets_assumptions descent_distance empirical_distance flow_distance rate "
        "rate_flow loss_left"
    ),
    r"activations/[a-z0-9-]+/summary\.csv": (
        "variant activation samples sigma0 train_sigma width lambda_0 lambda_max "
        "loss_left descent_distance descent_distance_low descent_distance_high "
        "empirical_distance empirical_distance_low empirical_distance_high rate rate_low "
        "rate_high rate_flow"
    ),
    r"disentanglement/[a-z0-9-]+/trends\.csv": (
        "beta quantity effect low high statistic p_value points"
    ),
    r"discovery/[a-z0-9-]+/counts\.csv": "group value low high seeds images official",
    r"deep_vae/[a-z0-9-]+/ends\.csv": (
        "sweep value epoch negative_elbo negative_elbo_low negative_elbo_high "
        "held_out_negative_elbo held_out_negative_elbo_low held_out_negative_elbo_high loss "
        "loss_low loss_high negative_bound negative_bound_low negative_bound_high kl kl_low "
        "kl_high gradient_slope seeds comparable authors authors_slope why_not"
    ),
    r"deep_vae/[a-z0-9-]+/slopes\.csv": (
        "sweep value variant quantity slope low high points step_min step_max data epochs"
    ),
    r"deep_vae/[a-z0-9-]+/trends\.csv": (
        "sweep quantity threshold effect low high statistic p_value levels seeds claimed said "
        "data epochs"
    ),
    r"gradient_noise/[a-z0-9-]+/exponents\.csv": (
        "state estimator images part ratio along at slope low high points claimed effective missing"
    ),
    r"frozen_sigma/[a-z0-9-]+/curves\.csv": (
        "width seed step time loss bound flow_loss flow_distance descent_loss "
        "descent_distance empirical_loss empirical_distance variant"
    ),
    r"frozen_sigma/[a-z0-9-]+/difference\.csv": ("width seed difference distance ratio"),
    r"frozen_sigma/[a-z0-9-]+/members\.csv": (
        "variant activation samples sigma0 train_sigma width seed lambda_0 lambda_max "
        "meets_assumptions descent_distance empirical_distance flow_distance rate "
        "rate_flow loss_left"
    ),
    r"frozen_sigma/[a-z0-9-]+/summary\.csv": (
        "variant activation samples sigma0 train_sigma width lambda_0 lambda_max "
        "loss_left descent_distance descent_distance_low descent_distance_high "
        "empirical_distance empirical_distance_low empirical_distance_high rate rate_low "
        "rate_high rate_flow"
    ),
    r"least_width/[a-z0-9-]+/curves\.csv": (
        "width seed step time loss bound flow_loss flow_distance descent_loss "
        "descent_distance empirical_loss empirical_distance variant"
    ),
    r"least_width/[a-z0-9-]+/least_width\.csv": (
        "samples sigma0 least_width extrapolated distance_widest"
    ),
    r"least_width/[a-z0-9-]+/members\.csv": (
        "variant activation samples sigma0 train_sigma width seed lambda_0 lambda_max "
        "meets_assumptions descent_distance empirical_distance flow_distance rate "
        "rate_flow loss_left"
    ),
    r"least_width/[a-z0-9-]+/slopes\.csv": ("sigma0 claimed slope low high points"),
    r"least_width/[a-z0-9-]+/summary\.csv": (
        "variant activation samples sigma0 train_sigma width lambda_0 lambda_max "
        "loss_left descent_distance descent_distance_low descent_distance_high "
        "empirical_distance empirical_distance_low empirical_distance_high rate rate_low "
        "rate_high rate_flow"
    ),
    r"limit_kernels/[a-z0-9-]+/eigenvalues\.csv": (
        "activation sigma0 lambda_0 lambda_max lambda_0_mu lambda_0_sigma lambda_0_d "
        "series_error meets_assumptions"
    ),
    r"limit_kernels/[a-z0-9-]+/variance\.csv": (
        "inputs sigma0 eq2_mean eq2_least negative_share eq3"
    ),
    r"linear_vae/[a-z0-9-]+/beta_trends\.csv": "optimiser quantity slope low high points",
    r"linear_vae/[a-z0-9-]+/constants\.csv": (
        "optimiser variant role estimator power beta batch samples scale step gap "
        "curvature noise measured bound looseness"
    ),
    r"linear_vae/[a-z0-9-]+/noise_slopes\.csv": (
        "place estimator factor claimed slope low high points share"
    ),
    r"linear_vae/[a-z0-9-]+/slopes\.csv": (
        "optimiser variant role estimator power beta batch samples quantity claimed "
        "slope low high points step_min step_max"
    ),
    r"linear_rate/[a-z0-9-]+/curves\.csv": (
        "width seed step time loss bound flow_loss flow_distance descent_loss "
        "descent_distance empirical_loss empirical_distance"
    ),
    r"linear_rate/[a-z0-9-]+/members\.csv": (
        "width seed flow_distance descent_distance empirical_distance lemma4_bound row_mu "
        "row_sigma row_d over_bound_mu over_bound_sigma over_bound_d"
    ),
    r"linear_rate/[a-z0-9-]+/slopes\.csv": (
        "quantity claimed slope low high points width_min width_max"
    ),
    r"linear_rate/[a-z0-9-]+/summary\.csv": (
        "width lambda_0 learning_rate steps margin margin_time flow_distance "
        "flow_distance_low flow_distance_high descent_distance descent_distance_low "
        "descent_distance_high empirical_distance empirical_distance_low "
        "empirical_distance_high rate rate_low rate_high rate_flow rate_claimed "
        "rate_tight loss_final bound_final"
    ),
    r"ridge/[a-z0-9-]+/displacements\.csv": (
        "beta change_mu kl_ratio width change_over_smaller largest_change_over_smaller "
        "condition participation directions"
    ),
    r"ridge/[a-z0-9-]+/error_term\.csv": (
        "width seed beta initial_worst error_worst kernel_norm bound over_bound"
    ),
    r"ridge/[a-z0-9-]+/errors\.csv": (
        "width seed beta initial reading ridge with_initial error error_worst "
        "initial_worst change_mu kl_ratio"
    ),
    r"ridge/[a-z0-9-]+/path\.csv": ("width seed step time beta initial distance moved"),
    r"ridge/[a-z0-9-]+/slopes\.csv": (
        "quantity initial with_initial beta reading slope low high points claimed "
        "width_min width_max"
    ),
    r"ridge/[a-z0-9-]+/summary\.csv": (
        "initial with_initial beta width reading error error_low error_high error_without "
        "over_without nearest"
    ),
    r"sensitivity/[a-z0-9-]+/slopes\.csv": (
        "variant layer claimed slope low high points base difference largest_change "
        "narrow_change narrow_over_base loss_left width_min width_max"
    ),
    r"sensitivity/[a-z0-9-]+/worst\.csv": (
        "variant layer difference absolute_difference absolute_from_claim"
    ),
    r"tangent_kernels/[a-z0-9-]+/initial\.csv": (
        "width seed outputs lambda_min lambda_min_error lambda_max norm norm_error "
        "norm_mu norm_sigma norm_d products between_mu between_sigma between_d within_mu "
        "within_sigma within_d initial_error initial_output slope_measured slope_derived "
        "slope_printed lambda_0 lambda_min_over norm_over marchenko_pastur "
        "initial_output_limit"
    ),
    r"tangent_kernels/[a-z0-9-]+/lemma2_width\.csv": (
        "outputs lambda_0 width norm width_measured width_printed width_derived "
        "derived_over_printed"
    ),
    r"tangent_kernels/[a-z0-9-]+/slopes\.csv": (
        "quantity claimed slope low high points width_min width_max"
    ),
    r"tangent_kernels/[a-z0-9-]+/training\.csv": (
        "width seed fraction time drift norm lambda_min norm_over lambda_min_over"
    ),
    r"weight_change/[a-z0-9-]+/changes\.csv": ("width seed layer fraction time change"),
    r"weight_change/[a-z0-9-]+/local_slopes\.csv": (
        "layer outputs width width_over_outputs slope low high points"
    ),
    r"weight_change/[a-z0-9-]+/slopes\.csv": (
        "layer fraction time claimed slope low high points width_min width_max outputs "
        "width_over_outputs"
    ),
    r"weight_change/[a-z0-9-]+/stability\.csv": (
        "width limit learning_rate paper_learning_rate steps paper_steps time "
        "reconstruction_initial reconstruction_final kl_final latent_std_max"
    ),
}
"""Measures and the columns a claim may rely on."""

HALF = Expectation(value=-0.5, within=0.1)
MOST = Expectation(at_most=0)
LEAST = Expectation(at_least=1)

SLOPES = """layer,fraction,slope,low,high
enc,0.5,-0.7,-0.71,-0.69
enc,1.0,-0.5123456,-0.55,-0.45
hid,1.0,-0.4401,-0.45,-0.43
mu,1.0,-0.93,-1.05,-0.81
dec,1.0,-0.4,,
"""
CHANGES = """width,seed,layer,fraction,change
64,0,enc,1.0,0.5
64,1,enc,1.0,0.6
512,0,enc,1.0,0.04
512,1,enc,1.0,0.05
512,0,hid,1.0,0.02
512,1,hid,1.0,0.07
512,0,sigma,1.0,0.9
"""
RATES = """width,rate,rate_low,rate_high,rate_flow,none,minus
64,1.0,0.5,1.5,2.0,0.0,-2.0
4096,2.1,2.05,2.15,2.0,0.0,-2.0
"""


def frame(text: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(text))


def claim(**changed: Any) -> dict[str, Any]:
    """One row as YAML gives it, with keys changed, or left out where None."""
    row = {
        "id": "W4-planted",
        "paper": "Wang & Huang 2024",
        "where": "Figure 2",
        "statement": "A planted statement.",
        "expect": {"value": -0.5, "within": 0.1},
        "test": slope_of("enc"),
        "figure": "figures/weight_change.svg",
    } | changed
    return {key: value for key, value in row.items() if value is not None}


def slope_of(layer: str) -> dict[str, Any]:
    where = {"layer": layer, "fraction": 1.0}
    return reading(where=where, column="slope", low="low", high="high")


def reading(**parts: Any) -> dict[str, Any]:
    return {"measure": "weight_change/run/slopes.csv"} | parts


def verdict_on(row: dict[str, Any], measure: pd.DataFrame) -> "pd.Series[str]":
    table = evaluate([row], {"weight_change/run/slopes.csv": measure}, "quick")
    return table.iloc[0]


@pytest.mark.parametrize(
    ("value", "low", "high", "expectation", "verdict", "reason"),
    [
        (-0.5, -0.55, -0.45, HALF, "reproduced", "in [-0.55, -0.45] lies within -0.5 ± 0.1"),
        (-0.5, -0.6, -0.4, HALF, "reproduced", "lies within"),
        (-0.44, -0.45, -0.43, Expectation(value=-1, within=0.1), "not reproduced", "outside -1 ±"),
        (-0.8, -0.9, -0.7, HALF, "not reproduced", "lies outside -0.5 ± 0.1"),
        (-0.5, -0.61, -0.45, HALF, "inconclusive", "straddles an edge of -0.5 ± 0.1"),
        (-0.5, -0.55, -0.39, HALF, "inconclusive", "straddles an edge"),
        (-0.7, -0.8, -0.55, HALF, "inconclusive", "straddles an edge"),
        (-0.5, -inf, inf, HALF, "inconclusive", "straddles an edge"),
        (-0.58, None, None, HALF, "reproduced", "value -0.58 (no interval) lies within -0.5 ± 0.1"),
        (-0.62, None, None, HALF, "not reproduced", "value -0.62 (no interval) lies outside"),
        (nan, -0.55, -0.45, HALF, "inconclusive", "value is not a number"),
        (nan, None, None, HALF, "inconclusive", "value is not a number"),
        (-0.5, nan, nan, HALF, "inconclusive", "interval that is not a number"),
        (-0.5, -0.55, nan, HALF, "inconclusive", "interval that is not a number"),
        (-1, -2, 0, MOST, "reproduced", "value -1 in [-2, 0] is at most 0"),
        (1, 0.5, 2, MOST, "not reproduced", "is not at most 0"),
        (-1, -2, 1, MOST, "inconclusive", "leaves open whether it is at most 0"),
        (0, None, None, MOST, "reproduced", "value 0 (no interval) is at most 0"),
        (1e-9, None, None, MOST, "not reproduced", "value 1e-09 (no interval) is not at most 0"),
        (-inf, None, None, MOST, "reproduced", "value -inf"),
        (inf, None, None, MOST, "not reproduced", "value inf"),
        (2, 1, 3, LEAST, "reproduced", "is at least 1"),
        (0.5, 0.4, 0.6, LEAST, "not reproduced", "is not at least 1"),
        (2, 0.9, 3, LEAST, "inconclusive", "leaves open whether it is at least 1"),
        ("n beta", None, None, Expectation(equal="n beta"), "reproduced", "value is n beta"),
        ("beta", None, None, Expectation(equal="n beta"), "not reproduced", "beta and not n beta"),
    ],
)
def test_decide(
    value: Any,
    low: float | None,
    high: float | None,
    expectation: Expectation,
    verdict: str,
    reason: str,
) -> None:
    decided, why = decide(value, low, high, expectation)
    assert decided == verdict
    assert reason in why


def test_decide_refuses_what_is_no_measurement() -> None:
    with pytest.raises(UserError, match="slope is 'steep' where a number is expected"):
        decide("steep", None, None, HALF, "slope")
    with pytest.raises(UserError, match="slope is True where a number is expected"):
        decide(True, None, None, HALF, "slope")
    with pytest.raises(UserError, match=r"\[-0.4, -0.6\] of slope has its ends exchanged"):
        decide(-0.5, -0.4, -0.6, HALF, "slope")


def test_evaluate_fills_every_column() -> None:
    row = verdict_on(claim(), frame(SLOPES))
    assert tuple(row.index) == claims.COLUMNS
    assert row.to_dict() == {
        "id": "W4-planted",
        "paper": "Wang & Huang 2024",
        "where": "Figure 2",
        "statement": "A planted statement.",
        "expected": "-0.5 ± 0.1",
        "measured": "-0.5123",
        "interval": "[-0.55, -0.45]",
        "verdict": "reproduced",
        "reason": "slope -0.5123 in [-0.55, -0.45] lies within -0.5 ± 0.1",
        "figure": "figures/weight_change.svg",
        "source": "measure/weight_change/run/slopes.csv: slope [low, high] "
        "where layer enc, fraction 1",
        "headline": "",
    }


def test_a_source_is_what_a_reader_looks_up() -> None:
    where = {"layer": ["enc", "dec"], "final": True, "m": "max"}
    test = reading(where=where, column="rate", over="claimed")
    row = verdict_on(
        claim(test=test, headline=True),
        frame(SLOPES).assign(final=True, m=1, rate=1.0, claimed=2.0).iloc[:1],
    )
    assert row["source"] == (
        "measure/weight_change/run/slopes.csv: rate / claimed "
        "where layer enc or dec, final yes, m max"
    )
    assert row["headline"] == "yes"


@pytest.mark.parametrize(
    ("layer", "expected", "verdict", "reason"),
    [
        ("hid", -1, "not reproduced", "slope -0.4401 in [-0.45, -0.43] lies outside -1 ± 0.1"),
        ("mu", -1, "inconclusive", "slope -0.93 in [-1.05, -0.81] straddles an edge of -1 ± 0.1"),
        ("dec", -0.5, "inconclusive", "slope -0.4 has an interval that is not a number"),
    ],
)
def test_verdicts_on_planted_slopes(layer: str, expected: float, verdict: str, reason: str) -> None:
    expect = {"value": expected, "within": 0.1}
    row = verdict_on(claim(expect=expect, test=slope_of(layer)), frame(SLOPES))
    assert (row["verdict"], row["reason"]) == (verdict, reason)


def test_extremes_are_taken_in_the_order_written_among_what_is_listed() -> None:
    where = {"fraction": 1.0, "width": "max", "change": "max", "layer": ["enc", "hid"]}
    test = reading(where=where, column="change")
    row = verdict_on(claim(expect={"at_most": 0.1}, test=test), frame(CHANGES))
    assert (row["measured"], row["interval"], row["verdict"]) == ("0.07", "", "reproduced")
    assert row["reason"] == "at width 512, layer hid: change 0.07 (no interval) is at most 0.1"
    where = {"layer": "enc", "change": "max", "width": "max"}  # The largest change is at width 64.
    test = reading(where=where, column="change")
    row = verdict_on(claim(expect={"at_most": 0.1}, test=test), frame(CHANGES))
    assert (row["measured"], row["verdict"]) == ("0.6", "not reproduced")


def test_a_whole_number_stays_one_among_columns_of_numbers() -> None:
    test = reading(where={"width": "max"}, column="rate")
    row = verdict_on(claim(expect={"at_least": 1}, test=test), frame(RATES))
    assert row["reason"] == "at width 4096: rate 2.1 (no interval) is at least 1"


def test_value_and_interval_are_divided() -> None:
    parts = {"column": "rate", "low": "rate_low", "high": "rate_high"}
    test = reading(where={"width": 4096}, over="rate_flow", **parts)
    row = verdict_on(claim(expect={"value": 1, "within": 0.1}, test=test), frame(RATES))
    assert (row["measured"], row["interval"]) == ("1.05", "[1.025, 1.075]")
    assert row["reason"].startswith("rate / rate_flow 1.05 in [1.025, 1.075] lies within 1 ± 0.1")
    row = verdict_on(claim(expect={"at_most": 0}, test=test | {"over": "minus"}), frame(RATES))
    assert (row["interval"], row["verdict"]) == ("[-1.075, -1.025]", "reproduced")
    row = verdict_on(claim(expect={"at_most": 0}, test=test | {"over": "none"}), frame(RATES))
    assert row["verdict"] == "inconclusive"


def test_nan_is_not_passed_by_when_an_extreme_is_sought() -> None:
    table = frame("width,margin\n64,-1\n128,\n256,\n512,-2\n")
    test = reading(where={"margin": "max"}, column="margin")
    row = verdict_on(claim(expect={"at_most": 0}, test=test), table)
    assert (row["verdict"], row["reason"]) == ("inconclusive", "margin is not a number")


def test_truth_values_and_texts_are_selected_and_compared() -> None:
    table = frame("activation,smooth,nearest,lambda_0\nerf,True,n beta,0.2\nrelu,False,beta,0.1\n")
    test = reading(where={"smooth": True, "lambda_0": "min"}, column="lambda_0")
    row = verdict_on(claim(expect={"at_least": 0.15}, test=test), table)
    assert row["verdict"] == "reproduced"
    test = reading(where={"activation": "relu"}, column="nearest")
    row = verdict_on(claim(expect={"equal": "n beta"}, test=test), table)
    assert (row["measured"], row["verdict"]) == ("beta", "not reproduced")


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (
            reading(where={"layer": "enc"}, column="slope"),
            r"W4-planted: where \{layer: enc\} selects 2 rows of weight_change/run/slopes.csv and",
        ),
        (reading(where={"fraction": "max"}, column="slope"), "selects 4 rows"),
        (reading(where={"layer": "max"}, column="slope"), "layer holds no numbers and has no max"),
        (reading(where={"layr": "enc"}, column="slope"), "no column layr; it has layer, fraction"),
        (reading(where={"layer": "hid"}, column="slop"), "has no column slop; it has"),
        (reading(where={"layer": "hid"}, column="layer"), "layer is 'hid' where a number is"),
        (reading(where={"layer": "hid"}, column="slope", over="m"), "has no column m; it has"),
        (reading(where={"layer": "hid"}, column="layer", over="low"), "divides 'hid', which is no"),
        (reading(where={"layer": "hid"}, column="slope", low="high", high="low"), "exchanged"),
    ],
)
def test_tests_that_do_not_find_one_number(test: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        verdict_on(claim(test=test), frame(SLOPES))
    assert str(raised.value).startswith("config/claims.yaml: W4-planted: ")


@pytest.mark.parametrize("where", [{"layer": "enc", "fraction": 0.9}, {"layer": 1}])
def test_a_row_that_the_configuration_left_out_is_the_reason(where: dict[str, Any]) -> None:
    row = verdict_on(claim(test=reading(where=where, column="slope")), frame(SLOPES))
    terms = ", ".join(f"{key}: {value}" for key, value in where.items())
    assert row["verdict"] == "not run"
    assert f"measures no row {{{terms}}} of weight_change/run/slopes.csv" in row["reason"]


def test_a_claim_without_a_test_is_not_run() -> None:
    planned = claim(expect=None, expected="a rising trend", test=None, figure=None)
    row = evaluate([planned], {}, "quick").iloc[0]
    assert (row["verdict"], row["reason"]) == ("not run", "not implemented yet")
    assert (row["expected"], row["measured"], row["figure"]) == ("a rising trend", "", "")


@pytest.mark.parametrize(
    ("measure", "configuration", "reason"),
    [
        (
            "weight_change/mnist-28x28/slopes.csv",
            "quick",
            "the configuration quick has no run weight_change.mnist-28x28; config/paper.yaml has",
        ),
        (
            "limit_kernels/mnist-28x28/eigenvalues.csv",
            "tiny",
            "the configuration tiny has no run limit_kernels.mnist-28x28; config/paper.yaml has",
        ),
        (
            "weight_change/mnist-28x28/slopes.csv",
            "paper",
            "the configuration paper has no run weight_change.mnist-28x28",
        ),
    ],
)
def test_an_absent_run_is_the_reason(measure: str, configuration: str, reason: str) -> None:
    row = claim(test={"measure": measure, "where": {"layer": "enc"}, "column": "slope"})
    others = {"limit_kernels/other.csv": frame(SLOPES), "linear_rate/a/slopes.csv": frame(SLOPES)}
    table = evaluate([row], others, configuration)
    assert (table["verdict"][0], table["reason"][0]) == ("not run", reason)


def test_a_mistyped_measure_is_not_an_absent_run() -> None:
    typed = "weight_change/run/slops.csv"
    row = claim(test=slope_of("enc") | {"measure": typed})
    with pytest.raises(UserError, match=f"W4-planted: there is no measure {typed}, though there"):
        verdict_on(row, frame(SLOPES))


def test_summary_counts_every_verdict() -> None:
    rows = [claim(), claim(id="W4-b", test=slope_of("hid")), claim(id="W4-c", test=None)]
    table = evaluate(rows, {"weight_change/run/slopes.csv": frame(SLOPES)}, "quick")
    counts = {"reproduced": 2, "not reproduced": 0, "inconclusive": 0, "not run": 1}
    assert summary(table) == counts
    assert list(summary(table)) == list(VERDICTS)
    assert list(table["id"]) == ["W4-planted", "W4-b", "W4-c"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (claim(expcet={}), "W4-planted: unknown key expcet"),
        (claim(verdict="reproduced"), "W4-planted: unknown key verdict"),
        (claim(statement=None), "W4-planted: statement is missing"),
        (claim(statement=""), "W4-planted: statement is '': string should have at least 1"),
        (claim(id=None), "row 1: id is missing"),
        (claim(id="W7-a"), "W7-a: id is 'W7-a': string should match"),
        (claim(id="W4"), "W4: id is 'W4'"),
        (claim(paper="Wang"), "W4-planted: paper is 'Wang': input should be"),
        (claim(figure="weight_change.svg"), "W4-planted: figure is 'weight_change.svg'"),
        (claim(expect={"value": 1}), "W4-planted: expect takes value and within, or one of"),
        (claim(expect={"at_most": 1, "at_least": 0}), "W4-planted: expect takes"),
        (claim(expect={"value": 1, "within": "a"}), "W4-planted: expect.within is 'a'"),
        (claim(expect={"value": 1, "within": 0}), "W4-planted: expect.within is 0"),
        (claim(expect={"at_most": "1e-3"}), "W4-planted: expect.at_most is '1e-3'"),
        (claim(expect={"at_most": inf}), "W4-planted: expect.at_most is inf"),
        (claim(expected="both"), "W4-planted: the row needs either expect or expected"),
        (claim(expect=None), "W4-planted: the row needs either expect or expected"),
        (claim(expect=None, expected="text"), "W4-planted: the row has a test, which needs expect"),
        (claim(test=slope_of("enc") | {"row": 1}), "W4-planted: unknown key test.row"),
        (claim(test=reading(column="slope")), "W4-planted: test.where is missing"),
        (claim(test=slope_of("enc") | {"high": None}), "W4-planted: test names one end of an"),
        (claim(test=slope_of("enc") | {"measure": "/a/b.csv"}), "W4-planted: test.measure is"),
        (claim(test=slope_of("enc") | {"measure": "a/../b.csv"}), "W4-planted: test.measure is"),
        ("text", "row 1: the row is 'text'"),
    ],
)
def test_mistakes_in_rows_name_row_and_key(row: Any, message: str) -> None:
    with pytest.raises(UserError) as raised:
        parse_claims([row])
    assert str(raised.value).startswith(f"config/claims.yaml: {message}")
    assert "\n" not in str(raised.value)


def test_rows_are_a_list_with_distinct_ids() -> None:
    with pytest.raises(UserError, match=r"config/claims\.yaml: W4-planted: the id is used twice"):
        parse_claims([claim(), claim()])
    with pytest.raises(UserError, match=r"config/claims\.yaml must hold a list of rows"):
        evaluate({"claims": []}, {}, "quick")
    with pytest.raises(UserError, match=r"config/assumptions\.yaml must hold a list of rows"):
        assumptions(None, {})


def assumption(choice: str = "None.", **changed: Any) -> dict[str, Any]:
    texts = {"paper": "beyond", "where": "Eq. 4", "open": "beta", "tried": "nothing else yet"}
    return {"id": "A9", "choice": choice} | texts | changed


SETTINGS = {
    "name": "quick",
    "runs": {
        "a": {"beta": 0.01, "seeds": [0, 1], "inputs": {"n": 128}, "on": True},
        "b": {"beta": 0.01, "seeds": [0, 1, 2], "inputs": {"n": 64}, "on": True},
    },
    "none": {},
}


@pytest.mark.parametrize(
    ("choice", "filled"),
    [
        ("is {name}.", "is quick."),
        ("{runs.*.beta} everywhere", "0.01 everywhere"),
        ("{runs.*.seeds}", "a: [0, 1], b: [0, 1, 2]"),
        ("{runs.*.inputs.n} of {name}", "a: 128, b: 64 of quick"),
        ("{runs.a.on}", "True"),
        ("{none.*.beta}", "(no such run in this configuration)"),
        ("no setting", "no setting"),
    ],
)
def test_settings_are_filled_in(choice: str, filled: str) -> None:
    table = assumptions([assumption(choice, tried=choice)], SETTINGS)
    assert tuple(table.columns) == claims.ASSUMPTION_COLUMNS
    assert table["choice"][0] == filled
    assert table["tried"][0] == filled


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (assumption("{runs.*.beat}"), "A9: the configuration has no key runs.*.beat"),
        (assumption(tried="{nmae}"), "A9: the configuration has no key nmae"),
        (assumption("{name.*}"), "A9: the configuration has no key name.*"),
        (assumption("{}"), "A9: the configuration has no key "),
        (assumption(id="B1"), "B1: id is 'B1'"),
        (assumption(id="A01"), "A01: id is 'A01'"),
        (assumption(choise="x"), "A9: unknown key choise"),
    ],
)
def test_mistakes_in_assumptions(row: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as raised:
        assumptions([row], SETTINGS)
    assert str(raised.value).startswith(f"config/assumptions.yaml: {message}")


def read(name: str) -> Any:
    return yaml.safe_load((CONFIG / name).read_text(encoding="utf-8"))


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Lay one configuration over another, key by key, as Snakemake does."""
    nested = {
        key: merged(below[key], value)
        for key, value in above.items()
        if isinstance(value, dict) and isinstance(below.get(key), dict)
    }
    return below | above | nested


def test_the_real_claims_cover_every_protocol() -> None:
    rows = parse_claims(read("claims.yaml"))
    assert len(rows) >= 45
    labels = [
        f"{letter}{number}"
        for letter, n in (("W", 6), ("S", 5), ("X", 6))
        for number in range(1, n + 1)
    ]
    assert {row.id.split("-")[0] for row in rows} == set(labels)
    order = [labels.index(row.id.split("-")[0]) for row in rows]
    assert order == sorted(order)
    assert len({(row.where, row.statement) for row in rows}) == len(rows)


def test_the_real_tests_ask_for_what_measures_hold() -> None:
    for row in parse_claims(read("claims.yaml")):
        if row.test is None:
            continue
        columns = [form for path, form in FORMS.items() if re.fullmatch(path, row.test.measure)]
        assert len(columns) == 1, row.id
        asked = {row.test.column, row.test.low, row.test.high, row.test.over, *row.test.where}
        assert asked - {None} <= set(columns[0].split()), row.id


def test_the_real_remarks_ask_for_what_measures_hold() -> None:
    paper = load(merged(read("config.yaml"), read("paper.yaml"))).experiments
    rows = parse_remarks(read("remarks.yaml"))
    assert [row.id for row in rows] == [f"R{number}" for number in range(1, len(rows) + 1)]
    for row in rows:
        for item in row.evidence:
            path, test = item.test.measure, item.test
            columns = [form for form_path, form in FORMS.items() if re.fullmatch(form_path, path)]
            assert len(columns) == 1, (row.id, path)
            asked = {test.column, test.low, test.high, test.over, *test.where}
            assert asked - {None} <= set(columns[0].split()), (row.id, path)
            kind, run, _ = path.split("/")
            assert run in getattr(paper, kind), row.id


REMARK = """
- id: R1
  paper: beyond
  where: Eq. 1
  printed: this
  found: that
  evidence:
    - shows: the slope
      test:
        measure: weight_change/run/slopes.csv
        where: {layer: enc, fraction: 1.0}
        column: slope
        low: low
        high: high
    - shows: the other
      test: {measure: weight_change/run/slopes.csv, where: {layer: none}, column: slope}
    - shows: the last
      test: {measure: weight_change/none/slopes.csv, where: {layer: enc}, column: slope}
  figure: figures/change.svg
"""


def test_a_remark_has_its_numbers_or_says_why_not() -> None:
    measures = {"weight_change/run/slopes.csv": pd.read_csv(StringIO(SLOPES))}
    table = remarks(yaml.safe_load(REMARK), measures, "quick")
    lines = table["evidence"].item().split("\n")
    assert lines[0] == "the slope: -0.5123 [-0.55, -0.45]"
    assert lines[1].startswith("the other: not run (the configuration quick measures no row")
    assert lines[2].startswith("the last: not run (the configuration quick has no run")


def test_the_runs_that_the_real_tests_name_exist() -> None:
    """A reason says that config/paper.yaml has the run: so it must."""
    paper = load(merged(read("config.yaml"), read("paper.yaml"))).experiments
    for row in parse_claims(read("claims.yaml")):
        if row.test is not None:
            kind, run, _ = row.test.measure.split("/")
            assert run in getattr(paper, kind), row.id


@pytest.mark.parametrize("name", ["claims.yaml", "assumptions.yaml", "remarks.yaml"])
def test_no_verdict_is_typed(name: str) -> None:
    texts = yaml.safe_dump(read(name)).lower()
    assert not [verdict for verdict in VERDICTS if verdict in texts]


def test_the_real_assumptions_fill_from_the_default_configuration() -> None:
    rows = read("assumptions.yaml")
    ids = [row.id for row in parse_assumptions(rows)]
    assert ids == [f"A{number}" for number in range(1, len(ids) + 1)]
    assert len(ids) >= 10
    table = assumptions(rows, load(read("config.yaml")).model_dump(mode="json"))
    assert not table["choice"].str.contains("[{}]").any()
    assert table.set_index("id")["choice"]["A9"] == "beta of the Figure 2 runs: 0.01."
