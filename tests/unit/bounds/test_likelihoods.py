"""Log-likelihoods against torch.distributions, normalising constants included."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli as Coin
from torch.distributions import Normal

from vaentk.bounds.likelihoods import Bernoulli, Gaussian, Likelihood

Draw = Callable[..., Tensor]
SHAPE = (2, 5, 3, 1, 4, 6)  # S, K, b, c, h, w


def test_bernoulli_is_torchs_with_logits(drawn: Draw) -> None:
    """Grey pixels too: then torch weighs the two answers as we do."""
    outputs, images = 5 * drawn(*SHAPE), torch.sigmoid(3 * drawn(2, 3, 1, 4, 6, seed=1))
    images[0] = images[0].round()
    law = Coin(logits=outputs, validate_args=False)
    expected = law.log_prob(images[:, None].expand(SHAPE)).sum((3, 4, 5))
    found = Bernoulli().log_prob(outputs, images)
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=0)


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_gaussian_is_torchs_with_its_constant(drawn: Draw, scale: float) -> None:
    outputs, images = drawn(*SHAPE), drawn(2, 3, 1, 4, 6, seed=1)
    expected = Normal(outputs, scale).log_prob(images[:, None]).sum((3, 4, 5))
    found = Gaussian(scale).log_prob(outputs, images)
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=1e-11)


def test_by_hand() -> None:
    """Two pixels with logits 0: 2 log 1/2; two pixels off by 1 and 2 where c = 2."""
    outputs, images = torch.zeros(1, 1, 1, 2), torch.tensor([[[1.0, 2.0]]])
    assert Bernoulli().log_prob(outputs, images / 2).item() == pytest.approx(-1.3862944)
    # -(1 + 4) / 8 - log(2 pi 4)
    assert Gaussian(2.0).log_prob(outputs, images).item() == pytest.approx(-3.8491714)


@pytest.mark.parametrize("likelihood", [Bernoulli(), Gaussian(0.5)])
def test_extreme_outputs_do_not_overflow(likelihood: Likelihood) -> None:
    """Logits and means of 1e4 in single precision; the gradient is finite."""
    outputs = torch.tensor([[[[-1e4, 1e4]]]]).requires_grad_()
    found = likelihood.log_prob(outputs, torch.tensor([[[1.0, 0.0]]]))
    (slope,) = torch.autograd.grad(found.sum(), outputs)
    assert found.isfinite().all()
    assert slope.isfinite().all()
    if isinstance(likelihood, Bernoulli):
        assert found.item() == -2e4
        assert slope.flatten().tolist() == [1.0, -1.0]
