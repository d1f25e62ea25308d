"""What a user would otherwise write: the things our code is timed against."""

from math import sqrt

import numpy as np
import torch
from scipy.special import roots_hermitenorm


class AutogradVae:
    """Figure 2's network in eager PyTorch: autograd, and the weights updated in place.

    Same parametrisation, same quadrature degree for the latent's expectation, same objective.
    """

    def __init__(self, x: torch.Tensor, weights: dict, beta: float, degree: int) -> None:
        self.x, self.beta = x, beta
        self.weights = {name: w[0].clone().requires_grad_(True) for name, w in weights.items()}
        nodes, probabilities = roots_hermitenorm(degree)
        self.nodes = torch.tensor(nodes, dtype=x.dtype)
        self.probabilities = torch.tensor(probabilities / probabilities.sum(), dtype=x.dtype)
        with torch.no_grad():
            _, self.mean0, self.variance0 = self.forward()

    def forward(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        w = self.weights
        root = sqrt(len(w["hid"]))
        hidden = torch.tanh(torch.tanh(self.x @ w["enc"].T) @ w["hid"].T / root)
        mean = hidden @ w["mu"].T / root
        variance = hidden.square() @ w["sigma"].square().T / root**2
        z = mean + self.nodes[:, None, None] * variance.sqrt()
        value = torch.einsum("q,qnm->nm", self.probabilities, torch.tanh(z))
        return value @ w["dec"].T / root, mean, variance

    def step(self, learning_rate: float) -> None:
        outputs, mean, variance = self.forward()
        samples = len(self.x)
        reconstruction = (outputs - self.x).square().sum() / (2 * samples)
        ratio = variance / self.variance0
        shift = (mean - self.mean0).square() / self.variance0
        kl = (ratio + shift - 1 - ratio.log()).sum() / (2 * samples)
        gradients = torch.autograd.grad(
            reconstruction + self.beta * kl, list(self.weights.values())
        )
        with torch.no_grad():
            for weight, gradient in zip(self.weights.values(), gradients, strict=True):
                weight -= learning_rate * gradient


def quadrature_kernel(phi: object, q: float, c: np.ndarray, degree: int) -> np.ndarray:
    """Evaluate ``E phi(sqrt(q) g) phi(sqrt(q) g')`` pair by pair with 2-D Gauss-Hermite nodes."""
    nodes, weights = roots_hermitenorm(degree)
    weights = weights / weights.sum()
    first = phi(sqrt(q) * nodes)
    upper = np.triu_indices(len(c))
    values = np.empty(len(upper[0]))
    for index, (i, j) in enumerate(zip(*upper, strict=True)):
        correlated = c[i, j] * nodes[:, None] + sqrt(1 - c[i, j] ** 2) * nodes[None, :]
        values[index] = (weights * first) @ phi(sqrt(q) * correlated) @ weights
    kernel = np.empty_like(c)
    kernel[upper] = values
    kernel.T[upper] = values
    return kernel
