"""Where random matrix theory puts the edges of Theta(0)'s spectrum, at a finite width.

Along a direction v over the samples, the kernel of W_mu is the matrix ``1/m sum_r g_r d_r d_r^T``
over outputs, with the rows d_r of W_d and ``g_r = |sum_i v_i a_ir x_i|^2``: units carry different
weights, since the activation's slope a differs. Where d and m grow together its eigenvalues end at
the stationary values of

    z(y) = 1/y + E[g / (1 - (d/m) g y)],

the least of z over 0 < y < 1/((d/m) max g) above, the greatest over y < 0 below (Bai & Silverstein
2010, section 6). Equal weights give Marchenko & Pastur's ``g (1 +- sqrt(d/m))^2``.
"""

from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from vaentk.activations import Activation, Smoothing

Array = NDArray[np.float64]

UNITS: Final = 1 << 14
"""Units that stand for all: the edges are known to a percent."""


def unit_weights(
    activation: Activation, sigma0: float, x: Float[Array, "n d"], direction: Float[Array, " n"]
) -> Float[Array, " units"]:
    """Draw g of units at initialisation, along a direction over the samples."""
    generator = np.random.default_rng(0)
    mean = torch.from_numpy(x @ generator.standard_normal((x.shape[1], UNITS)))
    variance = (sigma0**2 * np.square(x).sum(axis=1))[:, None]
    slopes = Smoothing(activation, sigma0)(mean, torch.from_numpy(variance).expand_as(mean)).slope
    weights: Array = np.square((direction[:, None] * slopes.numpy()).T @ x).sum(axis=1)
    return weights


def edges(weights: Float[Array, " units"], ratio: float) -> tuple[float, float]:
    """Compute the least and the greatest eigenvalue for these g at a ratio d/m."""
    pole = 1 / (ratio * float(weights.max()))

    def z(y: float) -> float:
        return 1 / y + float(np.mean(weights / (1 - ratio * weights * y)))

    # On a logarithmic scale: below the pole, and down from zero.
    above = minimize_scalar(lambda s: z(pole / (1 + np.exp(s))), bounds=(-20, 20), method="bounded")
    below = minimize_scalar(lambda s: -z(-pole * np.exp(s)), bounds=(-20, 20), method="bounded")
    return max(0.0, -float(below.fun)), float(above.fun)
