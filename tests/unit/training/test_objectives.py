"""Eq. 7, Eq. 12 and the KL term of Eq. 4: by hand, by torch.distributions and by autograd."""

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from vaentk.models.forward import Forward
from vaentk.training.objectives import Objective, ObjectiveValue, gaussian_kl

S, N, D, M = 2, 3, 4, 5


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def latents() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    mean, mean0 = normal(S, N, M, seed=1), normal(S, N, M, seed=2)
    variance, variance0 = normal(S, N, M, seed=3).exp(), normal(S, N, M, seed=4).exp()
    return mean, variance, mean0, variance0


def forward(outputs: Tensor, mean: Tensor, variance: Tensor) -> Forward:
    blank = torch.full_like(mean, float("nan"))
    return Forward(outputs, mean, variance, blank, blank, blank)


def value_of(objective: Objective, seen: Forward) -> ObjectiveValue:
    return objective.value(seen.outputs - objective.targets, seen.mean, seen.variance, {})


def test_eq_7_by_hand() -> None:
    """Residuals (1, -2) and (3, 0) of two samples: (1 + 4 + 9) / (2 * 2) = 3.5."""
    outputs = torch.tensor([[[1.0, 0.0], [4.0, 1.0]]])
    objective = Objective(torch.tensor([[0.0, 2.0], [1.0, 1.0]]))
    blank = torch.ones(1, 2, 3)
    seen = forward(outputs, blank, blank)
    assert value_of(objective, seen).total.tolist() == [3.5]
    assert objective.cotangent(seen).outputs.tolist() == [[[0.5, -1.0], [1.5, 0.0]]]
    assert outputs.tolist() == [[[1.0, 0.0], [4.0, 1.0]]]


def test_eq_7_keeps_members_apart() -> None:
    mean, variance, _, _ = latents()
    outputs, targets = normal(S, N, D, seed=5).requires_grad_(), normal(N, D, seed=6)
    objective = Objective(targets)
    with torch.no_grad():
        seen = forward(outputs, mean, variance)
        loss, gradient = value_of(objective, seen).total, objective.cotangent(seen).outputs
    for member in range(S):
        expected = ((outputs[member] - targets) ** 2).sum() / (2 * N)
        assert torch.allclose(loss[member], expected, rtol=1e-14)
        (by_autograd,) = torch.autograd.grad(expected, outputs)
        assert torch.allclose(gradient[member], by_autograd[member], rtol=1e-14)


def test_kl_equals_torch_distributions() -> None:
    """Sum over units, mean over samples, one number a member; to float64 rounding."""
    mean, variance, mean0, variance0 = latents()
    divergence, _, _ = gaussian_kl(mean, variance, mean0, variance0)
    each = kl_divergence(Normal(mean, variance.sqrt()), Normal(mean0, variance0.sqrt()))
    assert divergence.shape == (S,)
    assert torch.allclose(divergence, each.sum(dim=2).mean(dim=1), rtol=1e-13)


def test_kl_derivatives_equal_autograd() -> None:
    mean, variance, mean0, variance0 = latents()
    mean.requires_grad_()
    variance.requires_grad_()
    each = kl_divergence(Normal(mean, variance.sqrt()), Normal(mean0, variance0.sqrt()))
    by_mean, by_variance = torch.autograd.grad(each.sum() / N, (mean, variance))
    _, ours_mean, ours_variance = gaussian_kl(mean, variance, mean0, variance0)
    assert torch.allclose(ours_mean, by_mean, rtol=1e-12)
    assert torch.allclose(ours_variance, by_variance, rtol=1e-12)


def test_kl_to_itself_is_zero_with_zero_derivatives() -> None:
    mean, variance, _, _ = latents()
    for part in gaussian_kl(mean, variance, mean, variance):
        assert torch.equal(part, torch.zeros_like(part))


def test_kl_by_hand() -> None:
    """KL(N(1, 4) || N(0, 1)) = (4 + 1 - 1 - log 4)/2."""
    one = torch.ones(1, 1, 1, dtype=torch.float64)
    divergence, by_mean, by_variance = gaussian_kl(one, 4 * one, 0 * one, one)
    assert float(divergence) == pytest.approx((4 - 2 * 0.6931471805599453) / 2, rel=1e-15)
    assert float(by_mean) == 1.0
    assert float(by_variance) == pytest.approx((1 - 1 / 4) / 2, rel=1e-15)


@pytest.mark.parametrize("beta", [0.01, 3.0])
def test_objective_weighs_the_two_terms(beta: float) -> None:
    mean, variance, mean0, variance0 = latents()
    outputs, targets = normal(S, N, D, seed=7), normal(N, D, seed=8)
    leaves = [t.requires_grad_() for t in (outputs, mean, variance)]
    each = kl_divergence(Normal(mean, variance.sqrt()), Normal(mean0, variance0.sqrt()))
    kl = each.sum(dim=2).mean(dim=1)
    reconstruction = ((outputs - targets) ** 2).sum(dim=(1, 2)) / (2 * N)
    expected = reconstruction + beta * kl
    gradients = torch.autograd.grad(expected.sum(), leaves)
    with torch.no_grad():
        objective = Objective(targets, beta, forward(outputs, mean0, variance0))
        seen = forward(outputs, mean, variance)
        value, cotangent = value_of(objective, seen), objective.cotangent(seen)
    assert torch.allclose(value.reconstruction, reconstruction, rtol=1e-13)
    assert torch.allclose(value.kl, kl, rtol=1e-13)
    assert torch.allclose(value.total, expected, rtol=1e-13)
    ours = (cotangent.outputs, cotangent.mean, cotangent.variance)
    for got, want in zip(ours, gradients, strict=True):
        assert got is not None
        assert torch.allclose(got, want, rtol=1e-12)


def test_objective_without_kl_is_eq_7() -> None:
    mean, variance, _, _ = latents()
    outputs, targets = normal(S, N, D, seed=9), normal(N, D, seed=10)
    objective, seen = Objective(targets), forward(outputs, mean, variance)
    value, cotangent = value_of(objective, seen), objective.cotangent(seen)
    assert cotangent.mean is None
    assert cotangent.variance is None
    assert torch.equal(value.total, value.reconstruction)
    assert torch.equal(value.kl.expand(S), torch.zeros(S, dtype=torch.float64))


def test_objective_value_has_one_number_a_member() -> None:
    """`ObjectiveValue` documents (S,) for every part, the KL of Eq. 7 included."""
    mean, variance, _, _ = latents()
    seen = forward(normal(S, N, D, seed=7), mean, variance)
    value = value_of(Objective(normal(N, D, seed=8)), seen)
    assert value.reconstruction.shape == value.kl.shape == value.total.shape == (S,)


def test_eq_12_adds_half_the_squared_displacement() -> None:
    """``0.4/2 (|A|^2 + |B|^2)``: twelve twos and ten ones of the first member, zeros of the other.

    The penalty's gradient is the trainer's to add, so the cotangent is that of Eq. 7.
    """
    mean, variance, _, _ = latents()
    targets = normal(N, D, seed=8)
    seen = forward(normal(S, N, D, seed=7), mean, variance)
    moved = {"a": torch.zeros(S, 3, 4).double(), "b": torch.zeros(S, 2, 5).double()}
    moved["a"][0], moved["b"][0] = 2, 1
    plain, penalised = Objective(targets), Objective(targets, penalty=0.4)
    value = penalised.value(seen.outputs - targets, mean, variance, moved)
    expected = value_of(plain, seen).total
    assert (value.total - expected).tolist() == pytest.approx([0.2 * (12 * 4 + 10), 0.0])
    assert torch.equal(value.reconstruction, expected)
    assert torch.equal(penalised.cotangent(seen).outputs, plain.cotangent(seen).outputs)
