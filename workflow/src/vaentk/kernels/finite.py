"""The tangent kernels of a network of finite width, as operators that are never materialised.

Definition 1 of Wang & Huang 2024 with the expectation over the noise taken exactly. Samples i, j,
outputs k, k', and per unit r the smoothed activation's value s, slope a and curvature b:

    Theta_mu   [ik,jk'] = (x_i . x_j)/m sum_r a_ir a_jr d_rk d_rk'
    Theta_sigma[ik,jk'] = 1/m sum_r (sum_a w_sigma_ra^2 x_ia^2 x_ja^2) b_ir b_jr d_rk d_rk'
    Theta_d    [ik,jk'] = 1/m sum_r s_ir s_jr delta_kk'

At n = 128 and d = 784 the sum is a matrix of 100,352 rows, 40 GB. Its product with a vector is a
handful of matrix products; its blocks and its trace over outputs are cheap on demand.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from vaentk.activations import Smoothed
from vaentk.models.forward import Weights
from vaentk.models.latent import Latent

PARTS = ("mu", "sigma", "d")
"""The three kernels of Definition 1, one a weight matrix."""


@dataclass(frozen=True)
class TangentKernel:
    """``Theta(X, X)`` of one member as a linear operator on (n, d)."""

    x: Float[Tensor, "n d"]
    squares: Float[Tensor, "n d"]
    """Inputs and their elementwise squares."""
    smoothed: Smoothed
    """Value, slope and curvature of the units, (n, m) each."""
    decoder: Float[Tensor, "m d"]
    """W_d."""
    sigma: Float[Tensor, "rows columns"]
    """W_sigma, (m, d), or (1, 1) while it is constant, as at initialisation."""
    gram: Float[Tensor, "n n"]
    """``X X^T / m``."""
    sigma_gram: Float[Tensor, "n n"] | None
    """``sigma0^2 (X*X)(X*X)^T / m``; None once W_sigma is trained."""
    value_gram: Float[Tensor, "n n"]
    """``S S^T / m``."""
    parts: tuple[str, ...] = PARTS
    """Which of the three kernels are summed."""

    @classmethod
    def of(
        cls,
        weights: Weights,
        x: Float[Tensor, "n d"],
        smoothing: Latent,
        parts: Sequence[str] = PARTS,
    ) -> Self:
        """Build the operator from one member's weights, in the dtype and on the device of x."""
        squares = x.square()
        variance = squares @ weights["sigma"].square().mT
        smoothed = smoothing(x @ weights["mu"].mT, variance)
        width = len(weights["mu"])
        first = weights["sigma"][0, 0].clone()  # a view would keep all of W_sigma
        constant = bool((weights["sigma"] == first).all())
        return cls(
            x,
            squares,
            smoothed,
            weights["d"],
            sigma=first.view(1, 1) if constant else weights["sigma"],
            gram=x @ x.mT / width,
            sigma_gram=squares @ squares.mT * (first.square() / width) if constant else None,
            value_gram=smoothed.value @ smoothed.value.mT / width,
            parts=tuple(parts),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Samples n and outputs d."""
        return len(self.x), self.decoder.shape[1]

    def only(self, parts: Sequence[str]) -> Self:
        """Return the sum of some of its parts."""
        return replace(self, parts=tuple(parts))

    def matvec(self, vectors: Float[Tensor, "*many n d"]) -> Float[Tensor, "*many n d"]:
        """Multiply vectors by the kernel."""
        product = self.value_gram @ vectors if "d" in self.parts else None
        projected = vectors @ self.decoder.mT if {"mu", "sigma"} & set(self.parts) else None
        if projected is not None:
            hidden = self._through_mu(projected)
            if "sigma" in self.parts:
                spread = self._through_sigma(projected)
                hidden = spread if hidden is None else hidden.add_(spread)
            assert hidden is not None
            pushed = hidden @ self.decoder
            product = pushed if product is None else pushed.add_(product)
        assert product is not None, "a kernel needs a part"
        return product

    def pull_back(self, vectors: Float[Tensor, "n d"]) -> Weights:
        """Multiply one vector by the transposed Jacobian: (m, d) by layer.

        The linear model's weights are ``W(0) - J^T alpha``; its outputs at X, ``f(0) - Theta
        alpha``.
        """
        root = sqrt(len(self.decoder))
        projected = vectors @ self.decoder.mT / root
        tangent = {}
        if "mu" in self.parts:
            tangent["mu"] = (projected * self.smoothed.slope).mT @ self.x
        if "sigma" in self.parts:
            tangent["sigma"] = (projected * self.smoothed.curvature).mT @ self.squares
            tangent["sigma"] *= self.sigma
        if "d" in self.parts:
            tangent["d"] = self.smoothed.value.mT @ vectors / root
        return tangent

    def block(
        self, outputs: Sequence[int] | Int[Tensor, " k"] | None = None
    ) -> Float[Tensor, "n k n k"]:
        """Materialise the kernel between some outputs (all unless given)."""
        chosen = self.decoder if outputs is None else self.decoder[:, torch.as_tensor(outputs)]
        samples, count = len(self.x), chosen.shape[1]
        total = chosen.new_zeros(samples, count, samples, count)
        if "mu" in self.parts:
            total += _outer(chosen, self.smoothed.slope, self.gram)
        if "sigma" in self.parts and self.sigma_gram is not None:
            total += _outer(chosen, self.smoothed.curvature, self.sigma_gram)
        elif "sigma" in self.parts:
            pairs = (chosen[:, :, None] * chosen[:, None, :]).flatten(1)
            for i in range(samples):
                row = (self._coupling(i) @ pairs).view(samples, count, count)
                total[i] += row.transpose(0, 1)
        if "d" in self.parts:
            diagonal = torch.diagonal(total, dim1=1, dim2=3)
            diagonal += self.value_gram[:, :, None]
        return total

    def trace(self) -> Float[Tensor, "n n"]:
        """Average the kernel over equal outputs, ``1/d sum_k Theta[ik,jk]``, which tends to K."""
        norms = self.decoder.square().mean(dim=1)
        total = self.value_gram.clone() if "d" in self.parts else torch.zeros_like(self.gram)
        _, slope, curvature = self.smoothed
        if "mu" in self.parts:
            total.addcmul_((slope * norms) @ slope.mT, self.gram)
        if "sigma" in self.parts and self.sigma_gram is not None:
            total.addcmul_((curvature * norms) @ curvature.mT, self.sigma_gram)
        elif "sigma" in self.parts:
            for i in range(len(total)):
                total[i] += self._coupling(i) @ norms
        return total

    def _through_mu(self, projected: Tensor) -> Tensor | None:
        if "mu" not in self.parts:
            return None
        return (self.gram @ (self.smoothed.slope * projected)).mul_(self.smoothed.slope)

    def _through_sigma(self, projected: Tensor) -> Tensor:
        curvature = self.smoothed.curvature
        weighted = curvature * projected
        if self.sigma_gram is not None:
            return (self.sigma_gram @ weighted).mul_(curvature)
        spread = (weighted.mT @ self.squares).mul_(self.sigma.square())
        return (self.squares @ spread.mT).mul_(curvature / len(self.decoder))

    def _coupling(self, sample: int) -> Tensor:
        """Theta_sigma's factor of one sample with all others and all units, (n, m)."""
        coupled = (self.squares * self.squares[sample]) @ self.sigma.square().mT
        coupled *= self.smoothed.curvature
        coupled *= self.smoothed.curvature[sample] / len(self.decoder)
        return coupled


def _outer(decoder: Tensor, feature: Tensor, gram: Tensor) -> Tensor:
    """Sum over units ``gram_ij f_ir f_jr d_rk d_rk'`` as one matrix product."""
    by_output = feature[:, None, :] * decoder.mT
    samples, count = by_output.shape[:2]
    flat = by_output.flatten(0, 1)
    product = (flat @ flat.mT).view(samples, count, samples, count)
    product *= gram[:, None, :, None]
    return product
