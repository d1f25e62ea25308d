"""A number and its interval against what is expected, as a drawing one line high."""

import re
from math import inf, isfinite
from typing import Final

from markupsafe import Markup

NUMBER: Final = r"(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
WIDTH, HEIGHT, MARGIN = 160, 16, 6
"""Of a strip, in CSS pixels."""


def band_of(expected: str) -> tuple[float, float] | None:
    """Read what is expected as the table of claims writes it; None where it is no number."""
    if found := re.fullmatch(rf"{NUMBER} ± {NUMBER}", expected):
        middle, within = map(float, found.groups())
        return middle - within, middle + within
    if found := re.fullmatch(rf"(at most|at least) {NUMBER}", expected):
        edge = float(found[2])
        return (-inf, edge) if found[1] == "at most" else (edge, inf)
    return None


def strip(expected: str, measured: str, interval: str) -> Markup:
    """Draw the expected band, the interval and the value on one axis; empty without numbers.

    All three are texts of the table of claims. The drawing says nothing that the row does not say
    in words, so it has no words of its own.
    """
    band, ends = band_of(expected), re.fullmatch(rf"\[{NUMBER}, {NUMBER}\]", interval)
    if band is None or not re.fullmatch(NUMBER, measured):
        return Markup("")
    value = float(measured)
    low, high = map(float, ends.groups()) if ends else (value, value)
    shown = [x for x in (*band, low, high, value) if isfinite(x)]
    start, end = min(shown), max(shown)
    room = 0.15 * (end - start or abs(end) or 1.0)
    start, end = start - room, end + room

    def at(x: float) -> float:
        part = (min(max(x, start), end) - start) / (end - start)
        return round(MARGIN + part * (WIDTH - 2 * MARGIN), 1)

    left, middle = at(band[0]), HEIGHT // 2
    wide = round(max(at(band[1]) - left, 1), 1)
    return Markup(  # numbers alone are put in
        f'<svg class="strip" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'aria-hidden="true"><rect class="band" x="{left}" y="1" width="{wide}" '
        f'height="{HEIGHT - 2}"/><line x1="{at(low)}" x2="{at(high)}" y1="{middle}" y2="{middle}"/>'
        f'<circle cx="{at(value)}" cy="{middle}" r="3.5"/></svg>'
    )
