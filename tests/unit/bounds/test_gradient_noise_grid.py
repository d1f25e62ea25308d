"""A grid of gradients' noise: its images, its seeds, and what stops it."""

from dataclasses import replace
from math import isfinite
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vaentk.bounds.bound import Bound, Weights
from vaentk.bounds.gradient_noise_grid import WEIGHED, Cell, Grid
from vaentk.bounds.images import ImageSource
from vaentk.bounds.likelihoods import Bernoulli, Gaussian
from vaentk.errors import UserError
from vaentk.models.deep_gaussian_vae import deep_vae
from vaentk.models.nonlinearities import Nonlinearities

MODEL = deep_vae(3, 2, (2, 2, 2), 4, Nonlinearities.named("softplus"))
SEEDS = (3, 5)


def images() -> Tensor:
    return torch.rand(10, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def grid(seeds: tuple[int, ...] = SEEDS, side_by_side: int = 1) -> Grid:
    source = ImageSource(images().__getitem__, torch.arange(10))
    return Grid(Bound(MODEL, Bernoulli()), source, 1.0, seeds, 4, side_by_side)


def weights(seeds: tuple[int, ...] = SEEDS) -> Weights:
    return MODEL.initial_weights(seeds)


CELL = Cell("start", "iwae", "fixed", 4, 3, 16)


def test_a_row_a_seed_and_part() -> None:
    rows = grid().rows(CELL, weights())
    assert [(row["part"], row["seed"]) for row in rows] == [
        ("phi", 3),
        ("phi", 5),
        ("theta", 3),
        ("theta", 5),
    ]
    for row in rows:
        assert (row["batch"], row["samples"], row["repetitions"]) == (4, 3, 16)
        assert isfinite(row["square"])
        assert row["square_error"] > 0


def test_a_cell_depends_on_nothing_but_itself() -> None:
    """Measured again, among other seeds, or with gradients side by side: to rounding."""
    first = grid().rows(CELL, weights())
    assert grid().rows(CELL, weights()) == first
    alone = grid(seeds=(5,)).rows(CELL, weights((5,)))
    beside = grid(side_by_side=3).rows(CELL, weights())
    for other, own in ((alone, [first[1], first[3]]), (beside, first)):
        for a, b in zip(other, own, strict=True):
            assert a["square"] == pytest.approx(b["square"], rel=1e-3, abs=1e-4)


def test_codes_that_count_are_all_at_the_posterior_and_known_for_two(linear: Any) -> None:
    """At the exact posterior every code weighs the same: K.

    Shifted by delta of its deviations, ``w_1 = 1 / (1 + exp(delta sqrt(2) n))`` of K = 2 codes has
    a normal n: the mean of ``1 / (w_1^2 + w_2^2)`` over it, by quadrature, to 1.5% of 4096 draws.
    """
    weights = linear.close() | {"logvar": linear.with_posterior(linear.close())["logvar"]}
    exact = linear.with_posterior(weights)
    pool = torch.randn(40, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    source = ImageSource(pool.__getitem__, torch.arange(40))
    made = Grid(Bound(linear, Gaussian(linear.scale)), source, 1.0, (0, 1, 2, 3, 4, 5, 6, 7), 24)
    many = {name: weight.expand(8, *weight.shape[1:]) for name, weight in exact.items()}
    assert torch.allclose(made.effective(many, 5), torch.full((8, WEIGHED), 5.0).double())
    deviation = (exact["logvar"] / 2).exp()
    shifted = many | {"mean_bias": many["mean_bias"] + 0.7 * deviation}
    delta = 0.7 * 2**0.5  # of both units together
    nodes, share = np.polynomial.hermite_e.hermegauss(60)
    first = 1 / (1 + np.exp(delta * 2**0.5 * nodes))
    expected = (share / (first**2 + (1 - first) ** 2)).sum() / share.sum()
    assert made.effective(shifted, 2).mean().item() == pytest.approx(expected, rel=0.015)


def test_fixed_images_are_the_first_of_a_larger_batch_and_each_members_own() -> None:
    made = grid()
    small, large = made._fixed(2), made._fixed(4)
    assert large.shape == (2, 4)
    assert torch.equal(large[:, :2], small)
    assert not torch.equal(large[0], large[1])


def test_other_codes_are_drawn_where_anything_but_the_estimator_differs() -> None:
    """The decoder's gradient is the same under both IWAEs: paired, they compare without noise."""
    theta = [row for row in grid().rows(CELL, weights()) if row["part"] == "theta"]
    for change, same in (({"estimator": "iwae-dreg"}, True), ({"images": "redrawn"}, False)):
        cell = replace(CELL, **change)  # type: ignore[arg-type]
        other = [row for row in grid().rows(cell, weights()) if row["part"] == "theta"]
        for a, b in zip(theta, other, strict=True):
            assert (a["square"] == pytest.approx(b["square"], rel=1e-3, abs=1e-5)) is same


def test_a_network_that_diverged_is_refused_in_one_sentence() -> None:
    broken = weights()
    broken["mean"][1] = torch.inf
    with pytest.raises(UserError, match=r"^a gradient is not finite \(start iwae fixed B=4 K=3\)"):
        grid().rows(CELL, broken)
