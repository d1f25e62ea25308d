"""Strips: where band, interval and value are drawn, from the texts of the table of claims."""

import re
from math import inf

import pytest

from vaentk.report.strips import MARGIN, WIDTH, band_of, strip


@pytest.mark.parametrize(
    ("expected", "band"),
    [
        ("-0.5 ± 0.1", (-0.6, -0.4)),
        ("at most -0.35", (-inf, -0.35)),
        ("at least 1e-06", (1e-6, inf)),
        ("a text", None),
        ("", None),
    ],
)
def test_what_is_expected_is_read(expected: str, band: tuple[float, float] | None) -> None:
    assert band_of(expected) == (band if band is None else pytest.approx(band))


def places(svg: str) -> dict[str, float]:
    """Where a strip has its band's ends, its interval's ends and its value."""
    found = {name: float(x) for name, x in re.findall(r'\b(x|x1|x2|cx|width)="([\d.]+)"', svg)[1:]}
    return found | {"right": found["x"] + found["width"]}


def test_a_value_inside_the_band_is_drawn_inside() -> None:
    drawn = places(strip("-0.5 ± 0.1", "-0.52", "[-0.55, -0.49]"))
    assert drawn["x"] < drawn["x1"] < drawn["cx"] < drawn["x2"] < drawn["right"]
    whole = drawn["right"] - drawn["x"]
    assert (drawn["cx"] - drawn["x"]) / whole == pytest.approx(0.4, abs=0.01)


def test_a_bound_goes_on_to_the_edge() -> None:
    below = places(strip("at most 0", "4.69", "[4.4, 4.98]"))
    assert below["x"] == MARGIN
    assert below["right"] < below["x1"] < below["cx"] < below["x2"]
    above = places(strip("at least 0", "-1.5", "[-2, -1]"))
    assert above["right"] == WIDTH - MARGIN
    assert above["cx"] < above["x2"] < above["x"]


def test_an_exact_value_has_no_interval() -> None:
    drawn = places(strip("at least 1e-06", "0.0129", ""))
    assert drawn["x1"] == drawn["x2"] == drawn["cx"]


@pytest.mark.parametrize("texts", [("erf", "erf", ""), ("at most 1", "", ""), ("", "1", "")])
def test_what_is_no_number_is_not_drawn(texts: tuple[str, str, str]) -> None:
    assert strip(*texts) == ""
