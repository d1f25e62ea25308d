"""The objectives of Wang & Huang 2024: Eq. 7's squared error and Eq. 4 with its KL term.

One scale everywhere, Eq. 7's: half the squared error summed over outputs, averaged over samples.
Figure 2's "ordinary mean-squared error" is the mean over samples *and* outputs, 2/d times that:
the same gradient flow, its time scaled by 2/d (`vaentk.training.schedule` does the scaling).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vaentk.models.forward import Cotangent, Forward, Weights


@dataclass(frozen=True)
class ObjectiveValue:
    """An objective of every member, in the units of Eq. 7: (S,) each."""

    reconstruction: Tensor
    """``1/(2n) |f_hat(X) - X|_F^2``: half the sum over outputs, mean over samples."""
    kl: Tensor
    """KL to the latent's distribution at initialisation in nats: sum over units, mean over samples;
    zero where the objective has none."""
    total: Tensor
    """``reconstruction + beta * kl``, and Eq. 12's penalty where there is one."""


Divergence = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
"""KL of ``N(mean, variance)`` to the prior that a mean and a variance (the last two) give, as
`gaussian_kl` returns it."""


def gaussian_kl(
    mean: Tensor, variance: Tensor, mean0: Tensor, variance0: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Evaluate ``KL(N(mean, variance) || N(mean0, variance0))`` and its two derivatives.

    ``1/2 [variance/variance0 + (mean - mean0)^2/variance0 - 1 - log(variance/variance0)]`` in nats,
    summed over units and averaged over samples: (S,), and by mean and variance (S, n, m) each.
    """
    samples = mean.shape[1]
    shift = mean - mean0
    ratio = variance / variance0
    terms = ratio + shift.square() / variance0 - 1 - ratio.log()
    divergence = terms.sum(dim=(1, 2)) / (2 * samples)
    by_mean = shift / variance0 / samples
    by_variance = (1 / variance0 - 1 / variance) / (2 * samples)
    return divergence, by_mean, by_variance


@dataclass(frozen=True)
class Objective:
    """Eq. 4: ``1/n sum_i [1/2 |f_hat(x_i) - x_i|^2 + beta KL(P(z_i(t)) || P(z_i(0)))]``, or Eq. 12.

    Eq. 12 has ``penalty/2 |W(t) - W(0)|_F^2`` over the trained layers in place of the KL term.
    """

    targets: Tensor
    """(n, d)."""
    beta: float = 0.0
    """Weight of the KL term; 0 gives Eq. 7."""
    initial: Forward | None = None
    """The forward pass at initialisation, whose latent is the prior; needed when beta > 0."""
    penalty: float = 0.0
    """Eq. 12's beta. The penalty's gradient is ``penalty`` times the displacement, which the
    trainer adds where the displacement is."""
    divergence: Divergence = gaussian_kl
    """The KL term's, to a prior with the latent's mean and variance at initialisation."""

    def cotangent(self, forward: Forward) -> Cotangent:
        """Evaluate the derivatives by outputs, latent mean and variance, but for the penalty's."""
        by_outputs = (forward.outputs - self.targets).div_(self.targets.shape[0])
        if self.beta == 0:
            return Cotangent(by_outputs)
        _, by_mean, by_variance = self._kl(forward.mean, forward.variance)
        return Cotangent(by_outputs, self.beta * by_mean, self.beta * by_variance)

    def value(
        self, residual: Tensor, mean: Tensor, variance: Tensor, displacement: Weights
    ) -> ObjectiveValue:
        """Evaluate the objective of outputs less targets, latent, and weights' displacement."""
        reconstruction = residual.square().sum(dim=(1, 2)) / (2 * residual.shape[1])
        kl = torch.zeros_like(reconstruction)
        if self.beta:
            kl, _, _ = self._kl(mean, variance)
        total = reconstruction + self.beta * kl
        if self.penalty:
            squares = [delta.square().sum(dim=(1, 2)) for delta in displacement.values()]
            total += self.penalty / 2 * torch.stack(squares).sum(dim=0)
        return ObjectiveValue(reconstruction, kl, total)

    def _kl(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        assert self.initial is not None, "a KL term needs the latent at initialisation"
        return self.divergence(mean, variance, self.initial.mean, self.initial.variance)
