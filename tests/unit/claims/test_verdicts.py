"""Every way to a verdict on planted measures, and every mistake in a claim."""

from io import StringIO
from math import inf, nan
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vaentk.claims.ledger import Claim, Expectation, Test, parse
from vaentk.claims.readings import read
from vaentk.claims.verdicts import COLUMNS, decide, evaluate
from vaentk.errors import UserError
from vaentk.statistics.intervals import mean

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
    """A test of the planted measure, exact where it names no interval."""
    interval = {} if {"low", "across"} & set(parts) else {"exact": True}
    return {"measure": "weight_change/run/slopes.csv"} | interval | parts


def verdict_on(row: dict[str, Any], measure: pd.DataFrame) -> "pd.Series[str]":
    table = evaluate([row], {"weight_change/run/slopes.csv": measure}, "quick", {})
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
        (-0.58, None, None, HALF, "reproduced", "value -0.58 (exact) lies within -0.5 ± 0.1"),
        (-0.62, None, None, HALF, "not reproduced", "value -0.62 (exact) lies outside"),
        (nan, -0.55, -0.45, HALF, "inconclusive", "value is not a number"),
        (nan, None, None, HALF, "inconclusive", "value is not a number"),
        (-0.5, nan, nan, HALF, "inconclusive", "has no interval: one seed gives none"),
        (-0.5, -0.55, nan, HALF, "inconclusive", "has no interval"),
        (-1, -2, 0, MOST, "reproduced", "value -1 in [-2, 0] is at most 0"),
        (1, 0.5, 2, MOST, "not reproduced", "is not at most 0"),
        (-1, -2, 1, MOST, "inconclusive", "leaves open whether it is at most 0"),
        (0, None, None, MOST, "reproduced", "value 0 (exact) is at most 0"),
        (1e-9, None, None, MOST, "not reproduced", "value 1e-09 (exact) is not at most 0"),
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
    decided, why, _ = decide(value, low, high, expectation)
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
    assert tuple(row.index) == COLUMNS
    assert row.to_dict() == {
        "id": "W4-planted",
        "paper": "Wang & Huang 2024",
        "origin": "paper",
        "where": "Figure 2",
        "statement": "A planted statement.",
        "expected": "-0.5 ± 0.1",
        "direction": "two-sided",
        "measured": "-0.5123",
        "interval": "[-0.55, -0.45]",
        "margin": "1.8",
        "verdict": "reproduced",
        "reason": "slope -0.5123 in [-0.55, -0.45] lies within -0.5 ± 0.1",
        "premise": "",
        "certain": "",
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
        ("dec", -0.5, "inconclusive", "slope -0.4 has no interval: one seed gives none"),
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
    assert row["reason"] == "at width 512, layer hid: change 0.07 (exact) is at most 0.1"


def test_the_tested_column_s_own_extreme_comes_last() -> None:
    """The largest change of all is at width 64."""
    where = {"layer": "enc", "change": "max", "width": "max"}
    test = reading(where=where, column="change")
    row = verdict_on(claim(expect={"at_most": 0.1}, test=test), frame(CHANGES))
    assert (row["measured"], row["verdict"]) == ("0.05", "reproduced")


def test_a_mean_across_seeds_has_students_interval() -> None:
    """By hand: each seed's largest is 0.04 and 0.07; mean 0.055, se 0.015, t(1) = 12.7062."""
    where = {"width": "max", "layer": ["enc", "hid"], "change": "max"}
    test = reading(where=where, column="change", across="seed")
    row = verdict_on(claim(expect={"at_most": 0.1}, test=test), frame(CHANGES))
    assert (row["measured"], row["interval"]) == ("0.055", "[-0.1356, 0.2456]")
    assert row["verdict"] == "inconclusive"
    assert row["source"].endswith("width max, layer enc or hid, change max, mean over each seed")
    test |= {"log": True}
    row = verdict_on(claim(expect={"at_most": 0.1}, test=test), frame(CHANGES))
    assert row["measured"] == "0.05292", "sqrt(0.04 * 0.07)"
    assert row["interval"].startswith("[0.001512, "), "no length is negative"
    assert "geometric mean over each seed" in row["source"]


def test_seeds_are_not_left_with_two_rows() -> None:
    test = reading(where={"width": 512, "layer": ["enc", "hid"]}, column="change", across="seed")
    with pytest.raises(UserError, match=r"selects 2 rows of .* and must select one of each seed"):
        verdict_on(claim(test=test), frame(CHANGES))


EVERY = """quantity,slope,low,high,freedom
first,-0.5,-0.55,-0.45,2
second,-0.6,-0.62,-0.58,2
third,-0.9,{low},{high},2
"""


@pytest.mark.parametrize(
    ("ends", "expected", "verdict", "reason"),
    [
        ((-0.92, -0.88), -0.3, "reproduced", "3 of 3 meet it, intervals taken together; at quant"),
        (
            (-2.0, 0.2),
            -0.3,
            "inconclusive",
            "2 of 3 meet it, intervals taken together; at quantity ",
        ),
        ((-0.92, -0.88), -0.7, "not reproduced", "1 of 3 meet it, intervals taken together; at"),
    ],
)
def test_every_row_must_meet_it_and_a_wide_one_leaves_it_open(
    ends: tuple[float, float], expected: float, verdict: str, reason: str
) -> None:
    """The flattest row has a short interval: the one that decides need not be the extreme."""
    table = frame(EVERY.format(low=ends[0], high=ends[1]))
    test = reading(where={}, column="slope", low="low", high="high", every=["quantity"])
    row = verdict_on(claim(expect={"at_most": expected}, test=test), table)
    assert (row["verdict"], row["reason"][: len(reason)]) == (verdict, reason)
    deciding = {"reproduced": "first", "inconclusive": "third", "not reproduced": "second"}[verdict]
    assert f"at quantity {deciding}: " in row["reason"], "the one with the least margin"
    if deciding == "first":
        # t(2) at 1 - .025/3 is 7.648867, 1.777710 times that at .975.
        assert row["interval"] == f"[{-0.5 - 0.0888855:.4g}, {-0.5 + 0.0888855:.4g}]"
    assert row["source"].endswith("where every quantity")


def test_intervals_taken_together_cover_all_rows() -> None:
    """500 draws of five seeds of eight rows: all of them at once in 95% or more, as planted."""
    generator = np.random.default_rng(0)
    names = [f"row-{place}" for place in range(8)]
    test = Test.model_validate(
        reading(where={}, column="value", across="seed", every=["name"], exact=False)
    )
    covered = alone = 0
    for _ in range(500):
        noise = generator.standard_normal((8, 5)) + 0.5 * generator.standard_normal((1, 5))
        table = pd.DataFrame(noise, names, range(5)).stack().rename("value").reset_index()
        table.columns = pd.Index(["name", "seed", "value"])
        readings = read({test.measure: table}, test, "quick")
        covered += all(r.low <= 0 <= r.high for r in readings)
        alone += all(e.low <= 0 <= e.high for e in map(mean, noise))
    assert 0.93 <= covered / 500 <= 0.99, "Bonferroni's, and the rows share a part"
    assert alone / 500 < 0.85, "each by itself would not"


CHOICES = {"choices": ["images-1", "images-2"], "every": ["run"]}


@pytest.mark.parametrize(
    ("slopes", "verdict", "reason"),
    [
        (
            {"run": -0.5, "images-1": -0.52, "images-2": -0.48},
            "reproduced",
            "3 of 3 choices of images; 3 of 3 meet it, intervals taken together; at run images-",
        ),
        (
            {"run": -0.5, "images-1": -0.52, "images-2": -0.9},
            "not reproduced",
            "3 of 3 choices of images; 2 of 3 meet it, intervals taken together; at run images-2:",
        ),
        (
            {"run": -0.5, "images-2": -0.52},
            "reproduced",
            "2 of 3 choices of images; 2 of 2 meet it, intervals taken together; at run images-2:",
        ),
        ({"run": -0.5}, "reproduced", "1 of 3 choices of images; at run run: slope -0.5 in [-0.55"),
        ({"run": -0.5, "other": -0.9}, "reproduced", "1 of 3 choices of images; at run run: "),
        ({"images-1": -0.5}, "not run", "the configuration quick has no run weight_change.run;"),
    ],
)
def test_a_statement_holds_for_every_choice_of_images_that_was_run(
    slopes: dict[str, float], verdict: str, reason: str
) -> None:
    """Each slope plus or minus 0.05 with two degrees of freedom: 0.089 for three at once."""
    measures = {
        f"weight_change/{run}/slopes.csv": pd.DataFrame(
            [{"layer": "enc", "slope": value, "low": value - 0.05, "high": value + 0.05}]
        ).assign(freedom=2)
        for run, value in slopes.items()
    }
    test = reading(where={"layer": "enc"}, column="slope", low="low", high="high", **CHOICES)
    expect = {"value": -0.5, "within": 0.12}
    row = evaluate([claim(expect=expect, test=test)], measures, "quick", {}).iloc[0]
    assert (row["verdict"], row["reason"][: len(reason)]) == (verdict, reason)
    assert row["source"].endswith("where layer enc, every run, and in images-1, and in images-2")
    if len(slopes) == 3 and verdict == "reproduced":
        assert "in [-0.6089, -0.4311]" in row["reason"], "t(2), three comparisons"


def test_a_choice_of_images_without_the_row_is_not_counted() -> None:
    measures = {
        "weight_change/run/slopes.csv": frame(SLOPES),
        "weight_change/images-1/slopes.csv": frame(SLOPES).query("layer != 'enc'"),
    }
    row = evaluate([claim(test=slope_of("enc") | CHOICES)], measures, "quick", {}).iloc[0]
    assert row["reason"].startswith("1 of 3 choices of images; at run run: ")


LEMMA = {
    "says": "the width is at least the lemma's own",
    "test": {"measure": "weight_change/run/slopes.csv", "where": {"width": "max"}}
    | {"column": "width", "over": "rate_flow", "exact": True},
    "expect": {"at_least": 1e6},
}


def test_a_failed_premise_is_neither_for_nor_against() -> None:
    beyond = {"shows": "at that width", "test": reading(where={"width": 64}, column="rate")}
    for at_least in (1, 5):
        test = reading(where={"width": "max"}, column="rate")
        given = claim(expect={"at_least": at_least}, test=test, premise=[LEMMA])
        row = verdict_on(given, frame(RATES))
        assert row["verdict"] == "premise not met"
        assert row["measured"] == "2.1", "the number is shown all the same"
        assert row["reason"] == (
            "the width is at least the lemma's own: width / rate_flow is 2048 "
            "and not at least 1e+06"
        )
        assert row["premise"] == LEMMA["says"]
    row = verdict_on(given | {"premise": [LEMMA | {"beyond": beyond}]}, frame(RATES))
    assert row["reason"].endswith("; at that width: 1")
    held = claim(
        expect={"at_least": 1}, test=test, premise=[LEMMA | {"expect": {"at_least": 1000}}]
    )
    assert verdict_on(held, frame(RATES))["verdict"] == "reproduced"


def test_a_reduced_experiment_says_so_at_its_verdict() -> None:
    """Where the measure says what is less, judged or not; an empty text is read as missing."""
    table = frame(RATES).assign(reduced="16x16 pixels")
    given = claim(expect={"at_least": 1}, test=reading(where={"width": "max"}, column="rate"))
    said = "a reduced experiment, 16x16 pixels: "
    assert verdict_on(given, table)["reason"].startswith(f"{said}at width 4096")
    row = verdict_on(given | {"premise": [LEMMA]}, table)
    assert row["reason"].startswith(f"{said}the width is at least")
    assert verdict_on(given, table.assign(reduced=float("nan")))["reason"].startswith("at width")


def test_a_premise_that_was_not_measured_is_not_run() -> None:
    absent = LEMMA | {"test": LEMMA["test"] | {"measure": "limit_kernels/other/eigenvalues.csv"}}
    row = verdict_on(claim(premise=[absent]), frame(SLOPES))
    assert (row["verdict"], row["measured"]) == ("not run", "")


@pytest.mark.parametrize(
    ("value", "low", "high", "expectation", "margin"),
    [
        (-0.5, -0.55, -0.45, HALF, 2.0),
        (-0.62, -0.63, -0.61, HALF, -2.0),
        (-0.58, -0.62, -0.54, HALF, 0.5),
        (0.42, 0.26, 0.58, Expectation(at_most=5), 28.625),
        (0.5, None, None, LEAST, nan),
        (0.5, 0.5, 0.5, LEAST, nan),
    ],
)
def test_the_margin_is_in_half_lengths_of_the_interval(
    value: float, low: float | None, high: float | None, expectation: Expectation, margin: float
) -> None:
    assert decide(value, low, high, expectation).margin == pytest.approx(margin, nan_ok=True)


def test_a_whole_number_stays_one_among_columns_of_numbers() -> None:
    test = reading(where={"width": "max"}, column="rate")
    row = verdict_on(claim(expect={"at_least": 1}, test=test), frame(RATES))
    assert row["reason"] == "at width 4096: rate 2.1 (exact) is at least 1"


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
        (
            reading(where={"layer": "hid"}, column="layer", over="low"),
            "layer is 'hid' where a number",
        ),
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
    row = evaluate([planned], {}, "quick", {}).iloc[0]
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
    test = {"measure": measure, "where": {"layer": "enc"}, "column": "slope", "exact": True}
    row = claim(test=test)
    others = {"limit_kernels/other.csv": frame(SLOPES), "linear_rate/a/slopes.csv": frame(SLOPES)}
    table = evaluate([row], others, configuration, {})
    assert (table["verdict"][0], table["reason"][0]) == ("not run", reason)


def test_a_mistyped_measure_is_not_an_absent_run() -> None:
    typed = "weight_change/run/slops.csv"
    row = claim(test=slope_of("enc") | {"measure": typed})
    with pytest.raises(UserError, match=f"W4-planted: there is no measure {typed}, though there"):
        verdict_on(row, frame(SLOPES))


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
        (
            claim(test=reading(column="slope", where={}, exact=False)),
            "W4-planted: the row has a test wi",
        ),
        (claim(test=slope_of("enc") | {"exact": True}), "W4-planted: test takes one of low and"),
        (claim(test=slope_of("enc") | {"log": True}), "W4-planted: test has log, which needs"),
        (claim(test=slope_of("enc") | CHOICES | {"every": []}), "W4-planted: test has choices: "),
        (
            claim(test=slope_of("enc") | CHOICES | {"where": {"width": "max"}}),
            "W4-planted: test has choices: every must name run, and where no other extreme",
        ),
        (
            claim(test=slope_of("enc") | CHOICES | {"choices": ["A*"]}),
            "W4-planted: test.choices.0 is 'A*'",
        ),
        (claim(premise=[LEMMA | {"says": None}]), "W4-planted: premise.0.says is None"),
        (claim(test=slope_of("enc") | {"measure": "/a/b.csv"}), "W4-planted: test.measure is"),
        (claim(test=slope_of("enc") | {"measure": "a/../b.csv"}), "W4-planted: test.measure is"),
        ("text", "row 1: the row is 'text'"),
    ],
)
def test_mistakes_in_rows_name_row_and_key(row: Any, message: str) -> None:
    with pytest.raises(UserError) as raised:
        parse([row], Claim)
    assert str(raised.value).startswith(f"config/claims.yaml: {message}")
    assert "\n" not in str(raised.value)


def test_rows_are_a_list_with_distinct_ids() -> None:
    with pytest.raises(UserError, match=r"config/claims\.yaml: W4-planted: the id is used twice"):
        parse([claim(), claim()], Claim)
    with pytest.raises(UserError, match=r"config/claims\.yaml must hold a list of rows"):
        evaluate({"claims": []}, {}, "quick", {})
