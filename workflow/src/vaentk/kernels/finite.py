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

from vaentk.models.forward import Weights
from vaentk.models.latent import Latent

PARTS = ("mu", "sigma", "d")
"""The three kernels of Definition 1, one a weight matrix."""


@dataclass(frozen=True)
class Features:
    """What the kernel needs of one set of n inputs.

    Attributes
    ----------
    x, squares
        Inputs and their elementwise squares, (n, d).
    value, slope, curvature
        ``E phi(z)``, ``E phi'(z)``, ``E phi''(z)``, (n, m).
    """

    x: Float[Tensor, "n d"]
    squares: Float[Tensor, "n d"]
    value: Float[Tensor, "n m"]
    slope: Float[Tensor, "n m"]
    curvature: Float[Tensor, "n m"]

    @classmethod
    def of(cls, weights: Weights, x: Float[Tensor, "n d"], smoothing: Latent) -> Self:
        """Evaluate them for the weights (m, d) of one member."""
        squares = x.square()
        variance = squares @ weights["sigma"].square().mT
        return cls(x, squares, *smoothing(x @ weights["mu"].mT, variance))


@dataclass(frozen=True)
class TangentKernel:
    """``Theta(X, X')`` of one member as a linear operator from (n', d) to (n, d).

    Attributes
    ----------
    rows, columns
        Features of X (n inputs) and of X' (n'); the same object where X' is X.
    decoder
        W_d, (m, d).
    sigma
        W_sigma, (m, d), or (1, 1) while it is constant, as at initialisation.
    gram, sigma_gram, value_gram
        ``X X'^T / m``, ``sigma0^2 (X*X)(X'*X')^T / m`` (None once W_sigma is trained) and
        ``S S'^T / m``, (n, n') each.
    parts
        Which of the three kernels are summed.
    """

    rows: Features
    columns: Features
    decoder: Float[Tensor, "m d"]
    sigma: Float[Tensor, "rows columns"]
    gram: Float[Tensor, "n other"]
    sigma_gram: Float[Tensor, "n other"] | None
    value_gram: Float[Tensor, "n other"]
    parts: tuple[str, ...] = PARTS

    @classmethod
    def of(
        cls,
        weights: Weights,
        x: Float[Tensor, "n d"],
        smoothing: Latent,
        x_other: Float[Tensor, "other d"] | None = None,
        parts: Sequence[str] = PARTS,
    ) -> Self:
        """Build the operator from one member's weights.

        Parameters
        ----------
        weights
            ``mu``, ``sigma`` and ``d``, (m, d) each, in the dtype and on the device of ``x``.
        x, x_other
            Inputs of the rows (n, d) and of the columns (n', d), which are ``x`` unless given.
        smoothing
            Gaussian smoothing of the activation.
        parts
            Which kernels to sum, of "mu", "sigma" and "d".
        """
        rows = Features.of(weights, x, smoothing)
        columns = rows if x_other is None else Features.of(weights, x_other, smoothing)
        width = len(weights["mu"])
        first = weights["sigma"][0, 0].clone()  # a view would keep all of W_sigma
        constant = bool((weights["sigma"] == first).all())
        squares = rows.squares @ columns.squares.mT
        return cls(
            rows,
            columns,
            weights["d"],
            sigma=first.view(1, 1) if constant else weights["sigma"],
            gram=x @ columns.x.mT / width,
            sigma_gram=squares * (first.square() / width) if constant else None,
            value_gram=rows.value @ columns.value.mT / width,
            parts=tuple(parts),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Samples n of the rows and outputs d: the operator acts on (n, d) where X' is X."""
        return len(self.rows.x), self.decoder.shape[1]

    def only(self, parts: Sequence[str]) -> Self:
        """Return the sum of some of its parts."""
        return replace(self, parts=tuple(parts))

    def matvec(self, vectors: Float[Tensor, "*many other d"]) -> Float[Tensor, "*many n d"]:
        """Multiply vectors (..., n', d) by the kernel: (..., n, d)."""
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

    def pull_back(self, vectors: Float[Tensor, "other d"]) -> Weights:
        """Multiply one vector (n', d) by the transposed Jacobian at X': (m, d) by layer.

        The linear model's weights are ``W(0) - J^T alpha``; its outputs at X, ``f(0) - Theta
        alpha``.
        """
        root = sqrt(len(self.decoder))
        projected = vectors @ self.decoder.mT / root
        tangent = {}
        if "mu" in self.parts:
            tangent["mu"] = (projected * self.columns.slope).mT @ self.columns.x
        if "sigma" in self.parts:
            tangent["sigma"] = (projected * self.columns.curvature).mT @ self.columns.squares
            tangent["sigma"] *= self.sigma
        if "d" in self.parts:
            tangent["d"] = self.columns.value.mT @ vectors / root
        return tangent

    def block(
        self, outputs: Sequence[int] | Int[Tensor, " k"] | None = None
    ) -> Float[Tensor, "n k other k"]:
        """Materialise the kernel between some outputs (all unless given): (n, k, n', k)."""
        chosen = self.decoder if outputs is None else self.decoder[:, torch.as_tensor(outputs)]
        samples, count, others = len(self.rows.x), chosen.shape[1], len(self.columns.x)
        total = chosen.new_zeros(samples, count, others, count)
        if "mu" in self.parts:
            total += self._outer(chosen, "slope", self.gram)
        if "sigma" in self.parts and self.sigma_gram is not None:
            total += self._outer(chosen, "curvature", self.sigma_gram)
        elif "sigma" in self.parts:
            pairs = (chosen[:, :, None] * chosen[:, None, :]).flatten(1)
            for i in range(samples):
                row = (self._coupling(i) @ pairs).view(others, count, count)
                total[i] += row.transpose(0, 1)
        if "d" in self.parts:
            diagonal = torch.diagonal(total, dim1=1, dim2=3)
            diagonal += self.value_gram[:, :, None]
        return total

    def trace(self) -> Float[Tensor, "n other"]:
        """Average the kernel over equal outputs, ``1/d sum_k Theta[ik,jk]``: (n, n').

        It is what tends to the limit kernel K fastest.
        """
        norms = self.decoder.square().mean(dim=1)
        total = self.value_gram.clone() if "d" in self.parts else torch.zeros_like(self.gram)
        rows, columns = self.rows, self.columns
        if "mu" in self.parts:
            total.addcmul_((rows.slope * norms) @ columns.slope.mT, self.gram)
        if "sigma" in self.parts and self.sigma_gram is not None:
            total.addcmul_((rows.curvature * norms) @ columns.curvature.mT, self.sigma_gram)
        elif "sigma" in self.parts:
            for i in range(len(total)):
                total[i] += self._coupling(i) @ norms
        return total

    def _through_mu(self, projected: Tensor) -> Tensor | None:
        if "mu" not in self.parts:
            return None
        return (self.gram @ (self.columns.slope * projected)).mul_(self.rows.slope)

    def _through_sigma(self, projected: Tensor) -> Tensor:
        weighted = self.columns.curvature * projected
        if self.sigma_gram is not None:
            return (self.sigma_gram @ weighted).mul_(self.rows.curvature)
        spread = (weighted.mT @ self.columns.squares).mul_(self.sigma.square())
        return (self.rows.squares @ spread.mT).mul_(self.rows.curvature / len(self.decoder))

    def _outer(self, decoder: Tensor, feature: str, gram: Tensor) -> Tensor:
        """Sum over units ``gram_ij f_ir f_jr d_rk d_rk'`` as one matrix product."""
        left: Tensor = getattr(self.rows, feature)[:, None, :] * decoder.mT
        right = left
        if self.columns is not self.rows:
            right = getattr(self.columns, feature)[:, None, :] * decoder.mT
        product = left.flatten(0, 1) @ right.flatten(0, 1).mT
        samples, count = left.shape[:2]
        shaped = product.view(samples, count, len(right), count)
        shaped *= gram[:, None, :, None]
        return shaped

    def _coupling(self, sample: int) -> Tensor:
        """Theta_sigma's factor of one sample with all columns and units, (n', m)."""
        overlap = self.columns.squares * self.rows.squares[sample]
        coupled = overlap @ self.sigma.square().mT
        coupled *= self.columns.curvature
        coupled *= self.rows.curvature[sample] / len(self.decoder)
        return coupled
