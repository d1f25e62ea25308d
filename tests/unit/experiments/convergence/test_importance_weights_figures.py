"""Figures of importance-weighted gradients: the same twice, every estimator, numbers in words."""

import xml.etree.ElementTree as ElementTree
from itertools import product

import pandas as pd
import pytest

from vaentk.experiments.convergence.importance_weights import figures
from vaentk.experiments.convergence.importance_weights.measure import exponents, summary
from vaentk.experiments.declaration import Runs
from vaentk.figures.style import Drawing

RUNS = Runs({}, {"one": "Gaussian data (drawn), d = 8, N = 500"})
KINDS = (("iwae", 0.0), ("iwae-dreg", 0.0), ("vr-iwae", 0.2), ("vr-iwae", 0.5))


def ratios(drowned: bool = False) -> pd.DataFrame:
    rows = []
    for wide, (kind, alpha), part, k, seed in product(
        (1.0, 8.0), KINDS, ("phi", "theta"), (4, 16, 64), (0, 1)
    ):
        power = -0.5 if (kind, part) == ("iwae", "phi") else 0.5
        known = {"widening": wide, "estimator": kind, "alpha": alpha, "part": part}
        value = (1 + seed) * k**power if wide == 1 or not drowned else float("nan")
        rows.append(known | {"samples": k, "seed": seed, "ratio": value, "effective": k / wide})
    return pd.DataFrame(rows)


def both(table: pd.DataFrame) -> list[Drawing]:
    averages = {"one": summary(table)}
    fitted = {"one": exponents(table, averages["one"], (16, 64))}
    return [
        figures.importance_weights(averages, fitted, runs=RUNS),
        figures.importance_weights_exponents(fitted, runs=RUNS),
    ]


@pytest.mark.parametrize("drowned", [False, True])
def test_figures_are_drawn_twice_the_same(drowned: bool) -> None:
    for first, second in zip(both(ratios(drowned)), both(ratios(drowned)), strict=True):
        ElementTree.fromstring(first.svg)
        assert first == second


def test_words_have_the_powers_and_the_codes_that_count() -> None:
    ratios_drawn, _ = both(ratios())
    assert "encoder, 64 of 64 codes count, IWAE: −0.5 [−0.5, −0.5]" in ratios_drawn.alt
    assert "encoder, 8 of 64 codes count, VR-IWAE, alpha = 0.2: 0.5 [0.5" in ratios_drawn.alt
