"""How the report writes values and the mathematics of its sentences."""

import math
import re
from numbers import Real

import numpy as np
import pandas as pd
from markupsafe import Markup, escape

MISSING = "–"

GREEK_NAMES = "alpha beta gamma delta epsilon zeta kappa lambda mu rho sigma tau phi psi theta xi"
GREEK = dict(zip(GREEK_NAMES.split(), "αβγδεζκλμρστφψθξ", strict=True))
GREEK |= {"Theta": "Θ", "Delta": "Δ", "Phi": "Φ"}
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SIGNS = {
    " - ": " − ",
    "&gt;=": "≥",
    "&lt;=": "≤",
    " +- ": "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}",
    "sqrt(": "√(",
}
BY_TEN = "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10"

DECIMAL = re.compile(r"(?<![\w.])-?\d+(?:\.\d+(?:e[+-]?\d+)?|e[+-]?\d+)(?![\w.]*\w)")
GROUP_FROM = 10_000
"""Whole numbers from here on have their thousands separated."""


def number(value: object, spec: str | None = None) -> str:
    """Write a value as text: four significant digits, a real minus sign, yes and no.

    A value is a number, a truth value, text, a list of these, or nothing (None, NaN, empty);
    ``spec`` is a Python format for a number that is to have a set number of digits.
    """
    if isinstance(value, (list, tuple)):
        whole = all(isinstance(item, int) for item in value)  # no thousands among the commas
        return ", ".join(str(item) if whole else number(item, spec) for item in value) or MISSING
    if isinstance(value, str):
        return {"True": "yes", "False": "no", "": MISSING}.get(value, value)
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if not isinstance(value, Real):
        return MISSING if value is None or value is pd.NA else str(value)
    real = float(value)
    if math.isnan(real):
        return MISSING
    if math.isinf(real):
        return "∞" if real > 0 else "−∞"
    if real.is_integer() and abs(real) < 1e9 and not spec:
        spec = ",.0f" if abs(real) >= GROUP_FROM else ".0f"
    mantissa, _, exponent = format(real, spec or ".4g").partition("e")
    power = f"{BY_TEN}{str(int(exponent)).translate(SUPERSCRIPT)}" if exponent else ""
    return mantissa.replace("-", "−") + power


def quantity(value: object) -> str:
    """Write a value, or a text with decimal numbers in it ("[-0.512345, -0.49]"), as `number` does.

    Numbers that are short already keep their digits, and what is not a number stays as it is.
    """

    def shorten(found: re.Match[str]) -> str:
        text = found[0]
        if "e" not in text and sum(map(str.isdigit, text)) <= 5:
            return text.replace("-", "−")
        return number(float(text))

    return number(DECIMAL.sub(shorten, value) if isinstance(value, str) else value)


def rounded(text: str) -> str:
    """Write a text with decimal numbers in it with three significant digits of each."""
    return DECIMAL.sub(lambda found: number(float(found[0]), ".3g"), text)


def plain(value: object) -> str:
    """Return the full number that a cell is sorted by, empty where it holds none."""
    try:
        real = float(str(value))
    except ValueError:
        return ""
    return "" if math.isnan(real) else repr(real)


def typeset(value: object) -> Markup:
    """Set the plain-text mathematics of a sentence: Greek letters, sub- and superscripts, signs.

    ``lambda_0 >= m^(-1/2)`` comes out as in print; what stands between backticks is code and stays
    as it is; everything is escaped.
    """
    parts = re.split(r"`([^`]*)`", str(escape(value)))
    return Markup(  # every part is escaped, and only tags are added
        "".join(
            f"<code>{part}</code>" if place % 2 else _mathematics(part)
            for place, part in enumerate(parts)
        )
    )


def _mathematics(text: str) -> str:
    """Set escaped text."""

    def superscript(found: re.Match[str]) -> str:
        return f"<sup>{(found[1] or found[2]).replace('-', '−')}</sup>"

    names = "|".join(GREEK)
    text = re.sub(rf"(?<![A-Za-z])({names})(?![A-Za-z])", lambda found: GREEK[found[1]], text)
    text = re.sub(r"(?<=_)inf\b", "∞", text)
    text = re.sub(
        r"((?<![A-Za-z_])[A-Za-zΑ-ω]|\b(?:max|min|sup)|\|)_(\w+|∞)", r"\1<sub>\2</sub>", text
    )
    text = re.sub(r"([α-ω])(\d)\b", r"\1<sub>\2</sub>", text)
    text = re.sub(r"\^(?:\(([^()]*)\)|(-?\w+|\+))", superscript, text)
    text = re.sub(r"(?<![\w)\]./-])-(?=\.?\d)|(?<=[(\[])-(?=\S)", "−", text)
    text = re.sub(r"(?<![-\w])(\d+)x(?=\d)", r"\1×", text)
    for plain, sign in SIGNS.items():
        text = text.replace(plain, sign)
    return text
