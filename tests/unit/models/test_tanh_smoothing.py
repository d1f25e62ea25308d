"""The quick smoothing of tanh against Gauss-Hermite quadrature of degree 400 in float64."""

import pytest
import torch
from torch import Tensor

from vaentk.activations import ACTIVATIONS, quadrature
from vaentk.errors import UserError
from vaentk.models import tanh_smoothing
from vaentk.models.tanh_smoothing import LADDER, TanhSmoother, rule

MEANS = torch.cat([torch.linspace(-9, 9, 181), torch.tensor([-1e4, -60.0, -21.0, 33.0, 1e4])])


def grid(max_std: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Means, and deviations that no rule was fitted at but for the largest."""
    stds = max_std * torch.tensor([0.0, 0.07, 0.31, 0.55, 0.68, 0.81, 0.93, 1.0])
    u, s = torch.meshgrid(MEANS, stds, indexing="ij")
    return u.to(dtype).contiguous(), s.square().to(dtype).contiguous()


def smoother(u: Tensor, v: Tensor, tolerance: float, max_std: float | None = None) -> TanhSmoother:
    out = [torch.full_like(u, torch.nan) for _ in range(3)]
    return TanhSmoother(u, v, *out, tolerance=tolerance, max_std=max_std)


def errors(u: Tensor, v: Tensor, smooth: TanhSmoother) -> list[float]:
    """Largest errors of c, a and b; the inputs are taken as they are in their precision."""
    smooth()
    exact = quadrature(ACTIVATIONS["tanh"], u.double().flatten(), v.double().flatten(), 400)
    value, slope, half = (t.double() for t in smooth.tensors[2:])
    found = (value, slope, 2 * half)
    return [float((p - q).abs().max()) for p, q in zip(found, exact, strict=True)]


@pytest.mark.parametrize("max_std", [0.02, 0.25, 0.37, 0.41, 0.5, 0.9])
def test_single_precision_is_right_to_a_millionth(max_std: float) -> None:
    u, v = grid(max_std, torch.float32)
    assert max(errors(u, v, smoother(u, v, 5e-7))) < 1e-6


@pytest.mark.parametrize("max_std", [0.02, 0.3, 0.48, 0.7, 1.3])
def test_double_precision_is_right_to_the_tolerance(max_std: float) -> None:
    u, v = grid(max_std, torch.float64)
    assert max(errors(u, v, smoother(u, v, 1e-12))) < 2e-12
    loose = max(errors(u, v, smoother(u, v, 1e-5)))
    assert 1e-9 < loose < 1.5e-5 or max_std == 0.02  # fewer nodes, and they tell


def test_without_noise_it_is_tanh() -> None:
    u = MEANS.double()
    smooth = smoother(u, torch.zeros_like(u), 1e-12)
    smooth()
    value, slope, half = smooth.tensors[2:]
    tanh = torch.tanh(u)
    assert float((value - tanh).abs().max()) < 1e-12
    assert float((slope - (1 - tanh**2)).abs().max()) < 1e-12
    assert float((half + tanh * (1 - tanh**2)).abs().max()) < 1e-12


def test_rules_need_few_nodes_and_more_of_them_for_more_noise() -> None:
    """10 nodes at the deviations that Figure 2 begins with; Gauss-Hermite takes 16 at 0.5."""
    pairs = [len(rule(step, 5e-7).weights) for step in LADDER]
    assert pairs == sorted(pairs)
    assert len(rule(0.37, 5e-7).weights) == 5
    for step in LADDER:
        chosen = rule(step, 5e-7)
        assert chosen.error <= 5e-7
        assert sum(chosen.weights) == pytest.approx(0.5, abs=1e-7)


def test_a_rule_out_of_reach_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tanh_smoothing, "MOST_PAIRS", 3)
    with pytest.raises(UserError, match=r"tanh cannot be smoothed to 1e-13 by 3 pairs .* 0\.51"):
        rule(0.51, 1e-13)


def test_the_rule_follows_the_largest_deviation_and_nothing_else() -> None:
    """Bits depend on the present mean and variance, not on what was smoothed before."""
    u, v = grid(0.9, torch.float32)
    fresh, used = (smoother(u, v.clone(), 5e-7) for _ in range(2))
    used()
    assert list(used.plans) == [0.95]
    for smooth in (used, fresh):
        smooth.tensors[1].mul_(0.1)
        smooth()
    assert list(used.plans) == [0.95, 0.37]
    assert list(fresh.plans) == [0.37]
    for ours, theirs in zip(used.tensors, fresh.tensors, strict=True):
        assert torch.equal(ours, theirs)
    fixed = smoother(u, v.clone(), 5e-7, max_std=0.5)
    fixed()
    assert list(fixed.plans) == [0.6]


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    u, v = grid(0.4, torch.float64)
    whole = smoother(u, v, 1e-12)
    whole()
    monkeypatch.setattr(tanh_smoothing, "_BLOCK", 97)  # 1,488 elements: the last block has 33
    parts = smoother(u, v, 1e-12)
    parts()
    assert len(parts.plans[0.48]) == 16
    for ours, theirs in zip(parts.tensors, whole.tensors, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-13, atol=1e-14)


def test_a_run_that_blows_up_stays_visible() -> None:
    """NaN in, NaN out, and no exception: the trainer says what happened."""
    for wrong in (torch.nan, torch.inf):
        u, v = grid(0.3, torch.float32)
        v[0] = wrong
        smooth = smoother(u, v, 5e-7)
        smooth()
        assert not torch.isfinite(smooth.tensors[2]).all()
