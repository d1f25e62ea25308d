"""The stability limit of gradient descent at initialisation."""

from math import sqrt

import torch
from torch import Tensor

from vaentk.kernels.krylov import extreme_eigenvalues
from vaentk.models.forward import Cotangent, Forward, Model, Weights

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

    Parameters
    ----------
    model
        The network on its inputs.
    weights
        Initial weights of one member, (1, p, q) each.
    beta
        Weight of the KL term.
    penalty
        Eq. 12's weight, which adds itself to every eigenvalue.

    Returns
    -------
    float
        The limit in Eq. 7's units, right to `RELATIVE_ERROR`.
    """
    start = model.forward(weights)
    samples = start.outputs.shape[1]
    shapes = [start.outputs.shape]
    if beta != 0:
        shapes += [start.mean.shape, start.variance.shape]
    sizes = [shape.numel() for shape in shapes]

    def product(vector: Tensor) -> Tensor:
        split = torch.split(vector.to(start.outputs), sizes)
        pieces = [p.reshape(s) for p, s in zip(split, shapes, strict=True)]
        direction = _pull_back(model, weights, start, pieces, beta)
        pushed = _push_forward(model, weights, start, direction, beta)
        return torch.cat([p.flatten() for p in pushed]).double()

    like = start.outputs.new_empty(sum(sizes), dtype=torch.float64)
    _, largest = extreme_eigenvalues(product, like, RELATIVE_ERROR, MOST_PRODUCTS)
    return 2 / (largest.value / samples + penalty)


def _pull_back(
    model: Model, weights: Weights, start: Forward, pieces: list[Tensor], beta: float
) -> Weights:
    """Apply the transposed Jacobian of outputs and scaled latent to a vector."""
    cotangent = Cotangent(pieces[0])
    if beta != 0:
        by_mean = pieces[1] * (sqrt(beta) * start.variance.rsqrt())
        by_variance = pieces[2] * (sqrt(beta / 2) / start.variance)
        cotangent = Cotangent(pieces[0], by_mean, by_variance)
    gradients = model.gradients(weights, start, cotangent)
    return {name: gradient.dense() for name, gradient in gradients.items()}


def _push_forward(
    model: Model, weights: Weights, start: Forward, direction: Weights, beta: float
) -> list[Tensor]:
    """Apply the Jacobian of outputs and scaled latent to a direction in the trained weights."""
    tangent = model.push_forward(weights, start, direction)
    if beta == 0:
        return [tangent.outputs]
    mean = tangent.mean * (sqrt(beta) * start.variance.rsqrt())
    variance = tangent.variance * (sqrt(beta / 2) / start.variance)
    return [tangent.outputs, mean, variance]
