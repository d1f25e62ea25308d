"""S5's figures: one panel per part and kind of noise, numbers and powers in words."""

import xml.etree.ElementTree as ElementTree
from itertools import product
from math import nan

import numpy as np
import pandas as pd
import pytest

from vaentk.experiments.convergence.gradient_noise import tables
from vaentk.experiments.convergence.gradient_noise.figures import (
    gradient_noise,
    gradient_noise_exponents,
)
from vaentk.experiments.convergence.gradient_noise.measure import (
    CLAIMED,
    at_budget,
    effective_codes,
    exponents,
)
from vaentk.experiments.declaration import Runs
from vaentk.figures.style import Drawing

RUNS = Runs({}, {"grid": "stand-in for CelebA (drawn)"})


def ratios(estimators: tuple[str, ...] = ("iwae", "iwae-dreg", "elbo")) -> pd.DataFrame:
    """Theory's powers exactly; twice as large before training."""
    rows = []
    for state, estimator, images, part, b, k, seed in product(
        ("start", "end"),
        estimators,
        ("fixed", "redrawn"),
        ("phi", "theta"),
        (4, 16),
        (1, 4),
        (0, 1),
    ):
        powers = CLAIMED[estimator, part]
        value = (2 if state == "start" else 1) * 0.1 * b ** powers["batch"] * k ** powers["samples"]
        known = {"state": state, "estimator": estimator, "images": images, "part": part}
        rows.append(
            known
            | {"batch": b, "samples": k, "seed": seed, "ratio": value}
            | {"ratio_low": 0.9 * value, "ratio_high": 1.1 * value}
        )
    return pd.DataFrame(rows)


CODES = effective_codes({(state, k): np.ones((2, 3)) for state in ("start", "end") for k in (1, 4)})


def both(table: pd.DataFrame) -> list[Drawing]:
    fitted = {"grid": exponents(table, CODES)}
    return [
        gradient_noise({"grid": table}, runs=RUNS),
        gradient_noise_exponents({"grid": table}, fitted, runs=RUNS),
    ]


@pytest.mark.parametrize("estimators", [("iwae", "iwae-dreg", "elbo"), ("iwae",), ("elbo",)])
def test_figures_are_drawn_twice_the_same_and_say_what_the_images_are(
    estimators: tuple[str, ...],
) -> None:
    for first, second in zip(both(ratios(estimators)), both(ratios(estimators)), strict=True):
        ElementTree.fromstring(first.svg)
        assert first == second
        assert "stand-in for CelebA (drawn), run grid, after training, fixed images" in first.alt
        assert "before training, images redrawn" in first.alt
        assert "nan" not in first.alt


def test_words_have_the_numbers_of_every_state() -> None:
    """0.1 sqrt(B K) at B = K = 4^1 and 16: 0.2 and 0.8 for the decoder."""
    heat, powers = both(ratios())
    assert "decoder under IWAE 0.2 at B = 4, K = 1 and 0.8 at B = 16, K = 4" in heat.alt
    assert "decoder under IWAE 0.4 at B = 4, K = 1 and 1.6 at B = 16, K = 4" in heat.alt
    assert "encoder K to the −0.5 [−0.5, −0.5] where theory has −0.5" in powers.alt


def test_drowned_cells_are_drawn_blank() -> None:
    table = ratios()
    table.loc[(table["samples"] == 4) & (table["part"] == "phi"), ["ratio", "ratio_low"]] = nan
    heat, _ = both(table)
    ElementTree.fromstring(heat.svg)


def test_tables_have_the_powers_over_the_whole_grid() -> None:
    table = tables.gradient_noise({"grid": exponents(ratios(), CODES)})
    assert len(table) == 2 * 3 * 2 * 2 * 3
    assert set(table["along"]) == {"B", "K", "K at constant B K"}
    assert table["slope"].tolist() == pytest.approx(table["claimed"].tolist(), abs=1e-9)
    counted = tables.gradient_noise_codes({"grid": CODES})
    assert counted["effective"].tolist() == [1] * 4
    budgets = tables.gradient_noise_budgets({"grid": at_budget(ratios())})
    encoder = budgets[(budgets["part"] == "phi") & (budgets["estimator"] == "iwae")]
    assert encoder["best"].tolist() == [1] * 4
    assert encoder["gain"].tolist() == pytest.approx([4] * 4)
