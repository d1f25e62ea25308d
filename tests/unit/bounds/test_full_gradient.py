"""The squared norm of a full-data gradient: without bias, with an error that is the true one."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from vaentk.bounds.bound import PARTS, Bound, Weights, part_of
from vaentk.bounds.full_gradient import FullGradient, full_gradient, squared_norms
from vaentk.bounds.images import ImageSource
from vaentk.bounds.likelihoods import Gaussian

Draw = Callable[..., Tensor]
RUNS, GROUPS = 4000, 16


@pytest.mark.parametrize("size", [0.0, 0.3, 3.0])
def test_squared_norm_of_a_quadratic_is_unbiased(drawn: Draw, size: float) -> None:
    """``1/2 E|w - xi|^2`` has the gradient ``w - E xi``: of squared length 5 size^2 and 7 size^2.

    A draw adds noise of variance j/100 in every coordinate from each group j: 1.36 in all, so that
    at size 0.3 the noise is several times the signal. 4000 runs: |z| < 4.5 in 6 cells, once in
    25,000 seeds. The error's square is the true variance to 10%; the mean's own squared norm is
    too large by half the noise.
    """
    sizes = {"mean": 5, "dec": 7}
    scales = (torch.arange(1, GROUPS + 1, dtype=torch.float64) / 100).sqrt()
    noise = {
        name: scales[:, None, None] * drawn(2, GROUPS, RUNS, count, seed=count)
        for name, count in sizes.items()
    }
    means = {name: size + noises.sum(1).mean(0) for name, noises in noise.items()}
    apart = [{name: n[0, j] - n[1, j] for name, n in noise.items()} for j in range(GROUPS)]
    squared_norm, error = squared_norms(means, apart)
    for name, count in sizes.items():
        part, true = part_of(name), count * size**2
        found = squared_norm[part]
        standard_error = found.std() / RUNS**0.5
        assert abs(float(found.mean()) - true) < 4.5 * standard_error
        naive = float(means[name].square().sum(1).mean())
        assert naive - true == pytest.approx(count * 1.36 / 2, rel=0.1)
        assert float(error[part].square().mean() / found.var()) == pytest.approx(1, abs=0.1)
        inside = ((found - true).abs() < 2 * error[part]).double().mean()
        assert float(inside) > 0.9


def test_squared_norm_without_noise_is_exact() -> None:
    """3^2 + 4^2 and 2^2 by hand, over layers of one part; the error is 0."""
    means = {
        "enc_conv0": torch.tensor([[[3.0]]]),
        "mean": torch.tensor([[4.0]]),
        "dec_conv0": torch.tensor([[2.0]]),
    }
    apart = [{name: torch.zeros_like(mean) for name, mean in means.items()}]
    squared_norm, error = squared_norms(means, apart)
    assert (squared_norm["phi"].item(), squared_norm["theta"].item()) == (25, 4)
    assert (error["phi"].item(), error["theta"].item()) == (0, 0)


def test_two_draws_that_disagree_have_their_product() -> None:
    """g1 = (2, 0) and g2 = (0, 2): product 0, where the mean's squared norm is 2."""
    means, apart = {"mean": torch.ones(1, 2)}, [{"mean": torch.tensor([[2.0, -2.0]])}]
    means["dec"], apart[0]["dec"] = torch.zeros(1, 1), torch.zeros(1, 1)
    squared_norm, _ = squared_norms(means, apart)
    assert squared_norm["phi"].item() == 0


# On a network


def estimate(linear: Any, images: Tensor, runs: int, batch: int) -> tuple[FullGradient, Weights]:
    """Many estimates of one network's full gradient, as members that differ in their noise."""
    weights = {n: w.expand(runs, *w.shape[1:]).clone() for n, w in linear.weights(1, 1).items()}
    generators = [torch.Generator().manual_seed(seed) for seed in range(runs)]
    pool = ImageSource(images.__getitem__, torch.arange(len(images)))
    beta = torch.full((runs,), 0.5, dtype=torch.float64)
    bound = Bound(linear, Gaussian(linear.scale))
    return full_gradient(bound, weights, pool, beta, generators, 2, batch), weights


def test_full_gradient_of_the_elbo_is_the_closed_forms(linear: Any, drawn: Draw) -> None:
    """22 images by fours, the last two: gradient and its squared norm by part.

    2000 noises against the closed form: |z| < 4.5 in 17 + 2 numbers, once in 7000 seeds.
    """
    runs, images = 2000, drawn(22, 3, seed=2)
    found, weights = estimate(linear, images, runs, 4)
    ours = {name: weight[:1].clone().requires_grad_() for name, weight in weights.items()}
    exact = linear.expected_loss(ours, images[None], torch.tensor([0.5], dtype=torch.float64))
    slopes = dict(zip(ours, torch.autograd.grad(exact.sum(), list(ours.values())), strict=True))
    for name, slope in slopes.items():
        error = found.gradient[name].std(0) / runs**0.5
        gap = (found.gradient[name].mean(0) - slope[0]).abs()
        assert (gap <= 4.5 * error + 1e-12).all(), name
    for part in PARTS:
        norm = sum(float(s.square().sum()) for name, s in slopes.items() if part_of(name) == part)
        value, error = found.squared_norm[part], found.error[part]
        assert abs(float(value.mean()) - norm) < 4.5 * value.std() / runs**0.5
        assert float(error.square().mean() / value.var()) == pytest.approx(1, abs=0.15)
        # With one group it would be chi-squared of one degree: its variance twice its mean squared.
        assert float(error.square().var() / error.square().mean() ** 2) < 1


def test_a_member_is_as_alone(linear: Any, drawn: Draw) -> None:
    images = drawn(9, 3, seed=2)
    three, _ = estimate(linear, images, 3, 4)
    one, _ = estimate(linear, images, 1, 4)
    for part in PARTS:
        torch.testing.assert_close(three.squared_norm[part][0], one.squared_norm[part][0])
        torch.testing.assert_close(three.error[part][0], one.error[part][0])
    torch.testing.assert_close(three.gradient["dec"][0], one.gradient["dec"][0])


def test_drawn_images_give_the_whole_gradient_without_bias(linear: Any, drawn: Draw) -> None:
    """Draws of 24 of 40 images each: squared norm of all images' gradient, and the true error.

    4000 draws: |z| < 4.5 in two cells, once in 70,000 seeds. The same 24 images in both draws
    would be too large by their scatter.
    """
    runs, images = 4000, drawn(40, 3, seed=2)
    weights = {n: w.expand(runs, *w.shape[1:]).clone() for n, w in linear.weights(1, 1).items()}
    generators = [torch.Generator().manual_seed(seed) for seed in range(runs)]
    pool = ImageSource(images.__getitem__, torch.arange(40))
    beta = torch.ones(runs, dtype=torch.float64)
    bound = Bound(linear, Gaussian(linear.scale))
    found = full_gradient(bound, weights, pool, beta, generators, 1, 1, drawn=24)
    ours = {name: weight[:1].clone().requires_grad_() for name, weight in weights.items()}
    exact = linear.expected_loss(ours, images[None], beta[:1])
    slopes = dict(zip(ours, torch.autograd.grad(exact.sum(), list(ours.values())), strict=True))
    for part in PARTS:
        norm = sum(float(s.square().sum()) for name, s in slopes.items() if part_of(name) == part)
        value, error = found.squared_norm[part], found.error[part]
        assert abs(float(value.mean()) - norm) < 4.5 * value.std() / runs**0.5
        # 24 images are few for means to be Gaussian.
        assert float(error.square().mean() / value.var()) == pytest.approx(1, abs=0.35)
