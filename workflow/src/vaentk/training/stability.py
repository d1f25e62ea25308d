"""The stability limit of gradient descent at initialisation."""

import warnings
from math import sqrt

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor

from vaentk.models.forward import Cotangent, Model, Weights

RELATIVE_ERROR = 1e-2
"""Relative accuracy of the largest eigenvalue (from below, by Lanczos with 20 vectors: with 8 and
a looser stop it was once seen to settle on the second eigenvalue)."""


def stability_limit(model: Model, weights: Weights, beta: float = 0.0) -> float:
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

    Returns
    -------
    float
        The limit in Eq. 7's units, right to `RELATIVE_ERROR`.
    """
    start = model.forward(weights)
    samples = start.outputs.shape[1]

    def generalised_outputs(current: Weights) -> tuple[Tensor, ...]:
        forward = model.forward(current)
        if beta == 0:
            return (forward.outputs,)
        mean = forward.mean * (sqrt(beta) * start.variance.rsqrt())
        variance = forward.variance * (sqrt(beta / 2) / start.variance)
        return forward.outputs, mean, variance

    parts = generalised_outputs(weights)
    shapes, sizes = [p.shape for p in parts], [p.numel() for p in parts]

    def matvec(vector: np.ndarray) -> np.ndarray:
        flat = torch.from_numpy(np.asarray(vector)).to(start.outputs)
        pieces = [p.reshape(s) for p, s in zip(torch.split(flat, sizes), shapes, strict=True)]
        tangents = _pull_back(model, weights, start, pieces, beta)
        with warnings.catch_warnings():
            # torch's own forward-mode rules still go through a function that torch deprecates.
            warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", FutureWarning)
            pushed = torch.func.jvp(generalised_outputs, (weights,), (tangents,))[1]
        return torch.cat([p.flatten() for p in pushed]).double().cpu().numpy()

    size = sum(sizes)
    operator = LinearOperator((size, size), matvec=matvec, dtype=np.float64)
    first = np.random.default_rng(0).standard_normal(size)
    largest = eigsh(
        operator, k=1, tol=RELATIVE_ERROR / 10, ncv=20, v0=first, return_eigenvectors=False
    )[0]
    return 2 * samples / float(largest)


def _pull_back(
    model: Model, weights: Weights, start: object, pieces: list[Tensor], beta: float
) -> Weights:
    """Apply the transposed Jacobian of the generalised outputs to a vector."""
    forward = model.forward(weights)
    cotangent = Cotangent(pieces[0])
    if beta != 0:
        by_mean = pieces[1] * (sqrt(beta) * forward.variance.rsqrt())
        by_variance = pieces[2] * (sqrt(beta / 2) / forward.variance)
        cotangent = Cotangent(pieces[0], by_mean, by_variance)
    gradients = model.gradients(weights, forward, cotangent)
    return {name: gradient.dense() for name, gradient in gradients.items()}
