"""The stability limit of gradient descent at initialisation."""

from math import sqrt

import torch
from torch import Tensor

from vaentk.kernels.krylov import extreme_eigenvalues
from vaentk.models.forward import Cotangent, Model, Weights

RELATIVE_ERROR = 1e-2
"""Relative accuracy to which the largest eigenvalue is computed, from below."""

MOST_PRODUCTS = 100
"""Products with the matrix after which its largest eigenvalue is known well enough."""


def stability_limit(
    model: Model, weights: Weights, beta: float = 0.0, penalty: float = 0.0
) -> float:
    """Compute the learning rate ``2 / lambda_max`` above which gradient descent cannot settle.

    ``lambda_max`` is the largest eigenvalue of the Gauss-Newton matrix of Eq. 4 at initialisation,
    ``1/n [J_f^T J_f + beta (J_u^T diag(1/v) J_u + J_v^T diag(1/(2 v^2)) J_v)]`` with outputs f,
    latent mean u and variance v; for beta = 0 the limit is ``2n / lambda_max(Theta(0))``. The KL
    term's gradient vanishes at initialisation, so for it this is the Hessian.

    Of the initial weights of one member, (1, p, q) each; in Eq. 7's units and right to
    `RELATIVE_ERROR`. Eq. 12's penalty adds itself to every eigenvalue.
    """
    start = model.forward(weights)
    samples = start.outputs.shape[1]
    scales = [torch.ones_like(start.outputs)]
    if beta != 0:
        scales += [sqrt(beta) * start.variance.rsqrt(), sqrt(beta / 2) / start.variance]
    sizes = [scale.numel() for scale in scales]

    def product(vector: Tensor) -> Tensor:
        """Go back through the Jacobian of outputs and scaled latent, and forth again."""
        split = torch.split(vector.to(start.outputs), sizes)
        scaled = [p.view_as(s) * s for p, s in zip(split, scales, strict=True)]
        gradients = model.gradients(weights, start, Cotangent(*scaled))
        direction = {name: gradient.dense() for name, gradient in gradients.items()}
        moved = model.push_forward(weights, start, direction)
        pushed = zip((moved.outputs, moved.mean, moved.variance), scales, strict=False)
        return torch.cat([(part * scale).flatten() for part, scale in pushed]).double()

    like = start.outputs.new_empty(sum(sizes), dtype=torch.float64)
    _, largest = extreme_eigenvalues(product, like, RELATIVE_ERROR, MOST_PRODUCTS)
    return 2 / (largest.value / samples + penalty)
