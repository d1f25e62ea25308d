"""Squared norms from a batch's halves: without bias, where the batch's own squared norm has one."""

import pytest
import torch

from vaentk.bounds.bound import Bound
from vaentk.bounds.halves import halved_gradient
from vaentk.bounds.likelihoods import Gaussian
from vaentk.models.dense_vae import DenseVAE

MODEL = DenseVAE(channels=1, side=2, latent_dim=2, hidden=(3,))
IMAGES = torch.rand(6, 1, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
BOUND = Bound(MODEL, Gaussian(0.5), "iwae")
WEIGHTS = {name: weight.double() for name, weight in MODEL.initial_weights((3,)).items()}
BETA = torch.ones(1, dtype=torch.float64)


def drawn(draws: int, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Batches drawn with replacement, (draws, b, ...), and two codes' noise, (draws, 2, b, 2)."""
    generator = torch.Generator().manual_seed(1)
    numbers = torch.randint(6, (draws, batch), generator=generator)
    return IMAGES[numbers], torch.randn(draws, 2, batch, 2, generator=generator, dtype=BETA.dtype)


def test_the_gradient_is_the_batchs_own() -> None:
    """In float64, to rounding, and the losses too."""
    images, noise = drawn(1, 4)
    found = halved_gradient(BOUND, WEIGHTS, images, noise, BETA)
    values, gradient = BOUND.gradient(WEIGHTS, images, noise, BETA)
    for name, whole in gradient.items():
        torch.testing.assert_close(found.gradient[name], whole, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(found.losses, values.loss.mean(dim=1))
    square = sum(whole.square().sum() for whole in gradient.values())
    assert float(found.squares[0, 2]) == pytest.approx(float(square), rel=1e-12)


def test_products_are_unbiased_for_the_expected_gradients_square() -> None:
    """Over 4000 batches of 2 at once; truth from 6 x 20000 draws of codes.

    The means lie within four standard errors of it (and the truth errs by less than one of them),
    while the batch's own square lies far above.
    """
    draws = 4000
    images, noise = drawn(draws, 2)
    weights = {name: weight.expand(draws, *weight.shape[1:]) for name, weight in WEIGHTS.items()}
    squares = halved_gradient(BOUND, weights, images, noise, BETA.expand(draws)).squares
    many = torch.randn(1, 2, 120000, 2, generator=torch.Generator().manual_seed(2)).double()
    _, truth = BOUND.gradient(WEIGHTS, IMAGES.repeat(20000, 1, 1, 1)[None], many, BETA)
    theta = sum(float(g.square().sum()) for name, g in truth.items() if name.startswith("dec"))
    phi = sum(float(g.square().sum()) for name, g in truth.items() if not name.startswith("dec"))
    errors = squares.std(dim=0) / draws**0.5
    for place, true in enumerate((phi, theta)):
        assert abs(float(squares[:, place].mean()) - true) < 4 * float(errors[place])
    assert float(squares[:, 2].mean()) - (phi + theta) > 20 * float(errors[2])
