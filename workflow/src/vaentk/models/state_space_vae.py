"""A sequential VAE with linear Gaussian transitions: the model that Kalman's filter solves.

Given the radius r of the transition, ``z_1 ~ N(0, 1)``, ``z_t = r z_(t-1) + N(0, 1)`` and
``x_t = c z_t + N(0, I_d)``. The encoder goes forward in time, ``q(z_t|z_(t-1), x_t) =
N(a z_(t-1) + b . x_t, exp(s))`` with z_0 = 0; under it means and variances of the z_t follow
recursions, and the ELBO is known exactly. Learnt are c, a, b and s.
"""

from dataclasses import dataclass
from math import log, pi

import torch
from torch import Tensor

LOG_2PI = log(2 * pi)


@dataclass(frozen=True, eq=False)
class StateSpaceVae:
    """The model on a set of sequences, see `ExactVae`; a data point is a sequence."""

    radius: float
    data: Tensor
    """(N, T, d), float64."""

    @property
    def points(self) -> int:
        """Number N of sequences."""
        return len(self.data)

    @property
    def size(self) -> int:
        """Number of parameters: c and b of (d,), a and s."""
        return 2 * self.data.shape[2] + 2

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Of the standard normal numbers that one code takes: one a time."""
        return (self.data.shape[1],)

    def _split(self, parameters: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give c and b, (R, d), and a and s, (R, 1)."""
        d = self.data.shape[2]
        c, b, a, s = torch.split(parameters, [d, d, 1, 1], dim=1)
        return c, b, a, s

    def loss(self, parameters: Tensor) -> Tensor:
        """Mean negative ELBO over the sequences, (R,)."""
        c, b, a, s = self._split(parameters)
        drive = torch.einsum("rd,ntd->rnt", b, self.data)
        length = self.data.shape[1]
        mean, variance = torch.zeros_like(drive[..., 0]), torch.zeros_like(s)
        total = torch.zeros_like(mean)
        for t in range(length):
            before, spread = mean, variance
            mean, variance = a * before + drive[..., t], a.square() * spread + s.exp()
            away = self.data[:, t] - mean[..., None] * c[:, None]
            total = total + away.square().sum(dim=2) / 2
            total = total + variance * c.square().sum(dim=1, keepdim=True) / 2
            # The first state's own prior is that of a state after one that is zero.
            step = mean - self.radius * before
            total = total + (step.square() + s.exp() + (a - self.radius).square() * spread) / 2
        constant = length * (self.data.shape[2] * LOG_2PI - 1) / 2
        return total.mean(dim=1) - length * s[:, 0] / 2 + constant

    def sampled_loss(self, parameters: Tensor, numbers: Tensor, noise: Tensor) -> Tensor:
        """Estimate it from draws, (R,): the entropy of the encoder is taken exactly."""
        c, b, a, s = self._split(parameters)
        x = self.data[numbers]
        drive = torch.einsum("rd,rntd->rnt", b, x)[:, None]
        length = x.shape[2]
        z = torch.zeros_like(noise[..., 0])
        total = torch.zeros_like(z)
        for t in range(length):
            before = z
            z = a[..., None] * before + drive[..., t] + (s / 2).exp()[..., None] * noise[..., t]
            away = x[:, None, :, t] - z[..., None] * c[:, None, None]
            total = total + away.square().sum(dim=3) / 2 + (z - self.radius * before).square() / 2
        constant = length * (x.shape[3] * LOG_2PI - 1) / 2
        return total.mean(dim=(1, 2)) - length * s[:, 0] / 2 + constant

    def log_likelihood(self, parameters: Tensor) -> Tensor:
        """Mean log-likelihood of the sequences by Kalman's filter, (R,): the ELBO is below it."""
        c, _, _, _ = self._split(parameters)
        square = c.square().sum(dim=1, keepdim=True)
        mean, variance = torch.zeros_like(square), torch.ones_like(square)
        total = torch.zeros(len(c), self.points, dtype=c.dtype)
        for t in range(self.data.shape[1]):
            x = self.data[:, t]
            residual = x - mean[..., None] * c[:, None]
            along = torch.einsum("rd,rnd->rn", c, residual)
            # (I + v c c^T)^(-1) and its determinant, by Sherman, Morrison and Woodbury.
            gain = variance / (1 + variance * square)
            quadratic = residual.square().sum(dim=2) - gain * along.square()
            determinant = (1 + variance * square).log()
            total = total - (quadratic + determinant + x.shape[1] * LOG_2PI) / 2
            mean = self.radius * (mean + gain * along)
            variance = self.radius**2 * gain + 1
        return total.mean(dim=1)


def sequences(radius: float, loading: Tensor, length: int, count: int, seed: int) -> Tensor:
    """Draw sequences of the model with ``c = loading``, (d,): (count, length, d), float64."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.zeros(count, dtype=torch.float64)
    steps = []
    for _ in range(length):
        z = radius * z + torch.randn(count, generator=generator, dtype=torch.float64)
        noise = torch.randn(count, len(loading), generator=generator, dtype=torch.float64)
        steps.append(z[:, None] * loading + noise)
    return torch.stack(steps, dim=1)
