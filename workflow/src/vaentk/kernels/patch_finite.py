"""The tangent kernel of the convolutional network at finitely many channels, as an operator.

With values s, slopes a and curvatures b of the units (p, r), exact expectations over the noise,

    Theta_mu   [ik,jk'] = 1/(mP) sum_r sum_pp' (x_ip . x_jp')    a_ipr a_jp'r d_prk d_p'rk'
    Theta_sigma[ik,jk'] = 1/(mP) sum_r sum_pp' S_r(x_ip, x_jp') b_ipr b_jp'r d_prk d_p'rk'
    Theta_d    [ik,jk'] = 1/(mP) sum_pr s_ipr s_jpr delta_kk'

and ``S_r(x, x') = sum_a w_sigma_ra^2 x_a^2 x'_a^2``.
"""

from dataclasses import dataclass
from typing import Self

from jaxtyping import Float
from torch import Tensor

from vaentk.activations import Smoothed
from vaentk.models.conv_snn import ConvolutionalNetwork
from vaentk.models.forward import Weights


@dataclass(frozen=True)
class PatchTangentKernel:
    """``Theta(X, X)`` of one member as a linear operator on (n, d)."""

    rows: Float[Tensor, "nP a"]
    """All patches of all samples."""
    smoothed: Smoothed
    """Value, slope and curvature of the units, (n, P m) each."""
    sigma: Float[Tensor, "m a"]
    decoder: Float[Tensor, "Pm d"]
    value_gram: Float[Tensor, "n n"]
    """``S S^T / (m P)``."""
    parts: tuple[str, ...]
    """Weights whose kernels are summed: those that are trained."""

    @classmethod
    def of(cls, model: ConvolutionalNetwork, weights: Weights) -> Self:
        """Build the operator of the first member."""
        forward = model.forward(weights)
        value, slope, curvature = forward.value[0], forward.slope[0], forward.curvature[0]
        return cls(
            model.rows,
            Smoothed(value, slope, curvature),
            weights["sigma"][0],
            weights["d"][0],
            value @ value.mT / model.units,
            model.trained,
        )

    def matvec(self, vectors: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Multiply vectors by the kernel."""
        projected = vectors @ self.decoder.mT / len(self.decoder)
        hidden = projected.new_zeros(projected.shape)
        if "mu" in self.parts:
            hidden += self._through(projected, self.smoothed.slope, self.rows)
        if "sigma" in self.parts:
            squares, weight = self.rows.square(), self.sigma.square().mT
            hidden += self._through(projected, self.smoothed.curvature, squares, weight)
        product = hidden @ self.decoder
        return product + self.value_gram @ vectors if "d" in self.parts else product

    def _through(
        self, projected: Tensor, gate: Tensor, features: Tensor, weight: Tensor | float = 1.0
    ) -> Tensor:
        """Pull back to the filters, (a, m), and push forward again."""
        by_row = (gate * projected).view(len(features), -1)
        return (features @ (features.mT @ by_row * weight)).view_as(gate) * gate
