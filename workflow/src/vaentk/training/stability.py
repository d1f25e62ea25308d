"""The stability limit of gradient descent at initialisation."""

import warnings
from collections.abc import Callable
from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigvalsh_tridiagonal
from torch import Tensor

from vaentk.models.forward import Cotangent, Forward, Model, Weights

RELATIVE_ERROR = 1e-2
"""Relative accuracy to which the largest eigenvalue is computed, from below."""

LEAST_PRODUCTS, MOST_PRODUCTS = 20, 100
"""Products with the matrix: fewer might settle on the second eigenvalue, more are not needed."""

Array = NDArray[np.float64]


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

    def generalised_outputs(trained: Weights) -> tuple[Tensor, ...]:
        forward = model.forward(weights | trained)
        if beta == 0:
            return (forward.outputs,)
        mean = forward.mean * (sqrt(beta) * start.variance.rsqrt())
        variance = forward.variance * (sqrt(beta / 2) / start.variance)
        return forward.outputs, mean, variance

    moving = {name: weights[name] for name in model.trained}
    parts = generalised_outputs(moving)
    shapes, sizes = [p.shape for p in parts], [p.numel() for p in parts]

    def matvec(vector: Array) -> Array:
        flat = torch.from_numpy(vector).to(start.outputs)
        pieces = [p.reshape(s) for p, s in zip(torch.split(flat, sizes), shapes, strict=True)]
        tangents = _pull_back(model, weights, start, pieces, beta)
        with warnings.catch_warnings():
            # torch's own forward-mode rules still go through a function that torch deprecates.
            warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", FutureWarning)
            pushed = torch.func.jvp(generalised_outputs, (moving,), (tangents,))[1]
        return torch.cat([p.flatten() for p in pushed]).double().cpu().numpy()

    largest = largest_eigenvalue(matvec, sum(sizes))
    return 2 / (largest / samples + penalty)


def largest_eigenvalue(product: Callable[[Array], Array], size: int) -> float:
    """Estimate the largest eigenvalue of a symmetric matrix, from below.

    Lanczos with full reorthogonalisation, stopped when the largest Ritz value has stood still, to a
    twentieth of `RELATIVE_ERROR`, for 8 products. It is the value that has to settle and not the
    vector, which in a band of nearly equal eigenvalues (as a tangent kernel has, one an output)
    would take hundreds of products.

    Parameters
    ----------
    product
        Product of the matrix with a vector, (size,) to (size,), float64.
    size
        Order of the matrix.
    """
    vector = np.random.default_rng(0).standard_normal(size)
    basis = [vector / np.linalg.norm(vector)]
    diagonal: list[float] = []
    beside: list[float] = []
    ritz: list[float] = []
    while len(ritz) < min(size, MOST_PRODUCTS):
        image = product(basis[-1])
        diagonal.append(float(image @ basis[-1]))
        ritz.append(float(eigvalsh_tridiagonal(diagonal, beside)[-1]))
        settled = (
            len(ritz) >= LEAST_PRODUCTS and ritz[-1] - ritz[-9] <= 0.05 * RELATIVE_ERROR * ritz[-1]
        )
        span = np.array(basis)
        for _ in range(2):  # twice is enough
            image = image - span.T @ (span @ image)
        length = float(np.linalg.norm(image))
        if settled or length <= 1e-12 * abs(ritz[-1]):
            break
        beside.append(length)
        basis.append(image / length)
    return ritz[-1]


def _pull_back(
    model: Model, weights: Weights, start: Forward, pieces: list[Tensor], beta: float
) -> Weights:
    """Apply the transposed Jacobian of the generalised outputs to a vector."""
    cotangent = Cotangent(pieces[0])
    if beta != 0:
        by_mean = pieces[1] * (sqrt(beta) * start.variance.rsqrt())
        by_variance = pieces[2] * (sqrt(beta / 2) / start.variance)
        cotangent = Cotangent(pieces[0], by_mean, by_variance)
    gradients = model.gradients(weights, start, cotangent)
    return {name: gradient.dense() for name, gradient in gradients.items()}
