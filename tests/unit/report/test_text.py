"""Known words for known values."""

import numpy as np
import pandas as pd
import pytest

from vaentk.report.text import number, quantity, rounded, typeset


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.498765, "−0.4988"),
        (0.5, "0.5"),
        (64.0, "64"),
        (np.int64(131072), "131,072"),
        (4096, "4096"),
        (3.2e-07, "3.2\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10⁻⁷"),
        (-1.23456e12, "−1.235\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10¹²"),
        (True, "yes"),
        (np.False_, "no"),
        ("False", "no"),
        (float("nan"), "–"),
        (None, "–"),
        (pd.NA, "–"),
        ("", "–"),
        (float("-inf"), "−∞"),
        ([64, 16384], "64, 16384"),
        ([0.1, 1.0], "0.1, 1"),
        ([], "–"),
        ("mnist-7x7", "mnist-7x7"),
    ],
)
def test_number(value: object, text: str) -> None:
    assert number(value) == text


def test_number_with_a_format() -> None:
    assert number(-0.5, ".3f") == "−0.500"
    assert number(1234.56, ",.1f") == "1,234.6"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("[-0.5123456, -0.49]", "[−0.5123, −0.49]"),
        ("-0.50", "−0.50"),
        ("1.23456e-05 of 128", "1.235\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10⁻⁵ of 128"),
        ("below -0.123456", "below −0.1235"),
        (0.0171234, "0.01712"),
        ("version 2.14.1 of mnist-7x7", "version 2.14.1 of mnist-7x7"),
    ],
)
def test_quantity(value: object, text: str) -> None:
    assert quantity(value) == text


@pytest.mark.parametrize(
    ("plain", "html"),
    [
        ("lambda_0 > 0", "λ<sub>0</sub> &gt; 0"),
        ("m^(-1/2) and 2^17", "m<sup>−1/2</sup> and 2<sup>17</sup>"),
        ("|Theta(0) - Theta_inf|_2", "|Θ(0) − Θ<sub>∞</sub>|<sub>2</sub>"),
        ("L <= exp(-(lambda_0/n) t)", "L ≤ exp(−(λ<sub>0</sub>/n) t)"),
        ("W_mu, sigma0 = .5", "W<sub>μ</sub>, σ<sub>0</sub> = .5"),
        ("slope -0.5 at 7x7", "slope −0.5 at 7×7"),
        ("-1 +- 0.1", "−1\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.1"),
        ("mnist-7x7 and W4-1", "mnist-7x7 and W4-1"),
        ("betting on flow_distance", "betting on flow_distance"),
        ("`sigma0 <x>` beta", "<code>sigma0 &lt;x&gt;</code> β"),
        ("a lone ` tick", "a lone ` tick"),
        ("<b>&", "&lt;b&gt;&amp;"),
    ],
)
def test_typeset(plain: str, html: str) -> None:
    assert str(typeset(plain)) == html


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-0.498765", "−0.499"),
        ("[-0.512345, 0.4]", "[−0.512, 0.4]"),
        ("5.39123e-05", "5.39\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10⁻⁵"),
        ("n beta", "n beta"),
        ("", ""),
    ],
)
def test_rounded(text: str, said: str) -> None:
    assert rounded(text) == said
