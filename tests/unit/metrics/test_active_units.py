"""Active units: counts by hand, and the KL divergence against torch's own."""

import numpy as np
import torch
from torch.distributions import Normal, kl_divergence

from vaentk.metrics import active_units


def test_units_count_above_the_threshold() -> None:
    """A mean that is +-a on half of the images each has the sample variance a^2 n / (n - 1)."""
    sign = torch.tensor([1.0, -1.0]).repeat(50)[:, None]
    means = 3 + sign * torch.tensor([0.0, 0.099, 0.1, 1.0])
    assert active_units.score(means, torch.zeros(100, 4)).count == 2


def test_a_collapsed_unit_has_no_divergence_and_one_nat_is_one() -> None:
    """KL(N(sqrt 2, 1) || N(0, 1)) = 1."""
    means = torch.tensor([0.0, 2**0.5]).repeat(10, 1)
    units = active_units.score(means, torch.zeros(10, 2))
    np.testing.assert_allclose(units.kl, [0, 1], atol=1e-6)
    assert units.count == 0


def test_the_divergence_is_torchs(partly: torch.Tensor) -> None:
    logvars = partly.flip(0) / 4
    posterior = Normal(partly, (logvars / 2).exp())
    expected = kl_divergence(posterior, Normal(0.0, 1.0)).mean(dim=0)
    units = active_units.score(partly, logvars)
    np.testing.assert_allclose(units.kl, expected, rtol=1e-10)
    assert units.count == 5
