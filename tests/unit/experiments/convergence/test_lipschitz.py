"""Smoothness: gradients that jump and that do not, against Hessians, and planted ratios."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
import torch

from vaentk.errors import UserError
from vaentk.experiments.convergence.lipschitz import EXPERIMENT, Lipschitz, figures, tables
from vaentk.experiments.convergence.lipschitz.measure import (
    FIRST,
    direction,
    measure,
    norm,
    plateaus,
    powers,
)
from vaentk.experiments.declaration import Runs

SETTINGS = Lipschitz(sharpness=(1.0, 4.0, 16.0), dim=4, latent_dim=2, layers=(3,), seeds=(0, 1, 2))


def planted(powers_of: dict[str, float]) -> pd.DataFrame:
    rows = [
        {"activation": name, "seed": seed, "distance": t, "ratio": (1 + seed) * 10 * t**power}
        for name, power in powers_of.items()
        for seed in range(3)
        for t in np.geomspace(1e-6, 1e-2, 9)
    ]
    return pd.DataFrame(rows)


def test_planted_powers_are_found() -> None:
    fitted = powers(planted({"relu": -1.0, "soft-1": 0.0})).set_index("activation")
    assert fitted["slope"].tolist() == pytest.approx([-1, 0], abs=1e-12)


def test_the_plateaus_power_is_fitted_over_the_sharpness() -> None:
    table = pd.concat(
        planted({f"soft-{s}": 0.0}).assign(ratio=lambda own, s=s: own["ratio"] * s**0.5)
        for s in (1, 2, 5)
    )
    found = plateaus(table, (1.0, 2.0, 5.0)).set_index("activation")
    assert found["plateau"]["power of s"] == pytest.approx(0.5)
    assert found["plateau"]["soft-5"] == pytest.approx(10 * 6 ** (1 / 3) * 5**0.5)


def test_directions_are_unit_vectors_that_raise_every_unit() -> None:
    weight, bias = FIRST
    layer = {weight: torch.zeros(2, 5, 3).double(), bias: torch.zeros(2, 5).double()}
    point = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    own = [torch.Generator().manual_seed(seed) for seed in (0, 1)]
    found = direction(layer, point, own)
    torch.testing.assert_close(norm(found), torch.ones(2).double())
    assert bool((found[weight] @ point + found[bias] > 0).all())


def test_relu_jumps_and_soft_clipping_does_not() -> None:
    """The jump's ratio is 1/t to rounding; soft-clipping's is level where t is small."""
    measured = measure(SETTINGS)
    assert tuple(measured) == EXPERIMENT.measures
    fitted = measured["powers"].set_index("activation")["slope"]
    assert fitted["relu"] == pytest.approx(-1, abs=1e-3)
    assert fitted.drop("relu").abs().max() < 1e-3
    runs = Runs({"drawn": SETTINGS}, {"drawn": SETTINGS.label})
    own = {name: {"drawn": table} for name, table in measured.items()}
    drawing = figures.lipschitz(own["ratios"], own["powers"], runs=runs)
    ElementTree.fromstring(drawing.svg)
    assert "relu −1" in drawing.alt
    table = tables.lipschitz(own["powers"], own["plateaus"])
    assert list(table["activation"]) == ["relu", "soft-1", "soft-4", "soft-16", "power of s"]


def test_settings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="no square number"):
        Lipschitz(dim=5)
    with pytest.raises(ValueError, match="in rising order"):
        Lipschitz(sharpness=(2.0, 1.0, 3.0))


def test_a_distance_that_rounding_swallows_is_refused() -> None:
    """ReLU's units are put a hair below zero, and a shorter step leaves them there."""
    settings = Lipschitz(seeds=(0,), decades=10, dim=4, layers=(16,))
    with pytest.raises(UserError, match=r"does not change over the distance .* lower decades"):
        measure(settings)
