"""What a user would otherwise write: the things our code is timed against."""

import json
import subprocess
from collections.abc import Callable
from math import sqrt
from pathlib import Path

import numpy as np
import torch
from scipy.special import roots_hermitenorm
from torch.func import grad, jacrev, jvp, linearize, vjp, vmap

from vaentk.errors import UserError

Weights = dict[str, torch.Tensor]


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


def erf_network(weights: Weights, x: torch.Tensor) -> torch.Tensor:
    """The stochastic erf network with its noise integrated out: (n, d) to (n, k).

    ``weights`` holds mu and sigma, (m, d), and d, (m, k).
    """
    variance = x.square() @ weights["sigma"].square().T
    hidden = torch.erf(x @ weights["mu"].T / torch.sqrt(1 + 2 * variance))
    return hidden @ weights["d"] / sqrt(len(weights["d"]))


def torch_func_kernel(weights: Weights, x: torch.Tensor, trace: bool = False) -> torch.Tensor:
    """The finite kernel by Jacobian contraction, one weight matrix after the other.

    (n, k, n, k), from ``jacrev`` under ``vmap``; with ``trace`` the sum over equal outputs, (n, n),
    from gradients of one output at a time, so that n Jacobian rows are held and not n k. Each entry
    is a sum over m d weights: in float32, at m d = 8e5, it is right to 2e-4.
    """
    samples, outputs = len(x), weights["d"].shape[1]
    size = samples if trace else samples * outputs
    kernel = x.new_zeros(size, size)
    for name, matrix in weights.items():

        def of_row(w: torch.Tensor, row: torch.Tensor, name: str = name) -> torch.Tensor:
            return erf_network({**weights, name: w}, row[None])[0]

        if not trace:
            jacobian = vmap(jacrev(of_row), in_dims=(None, 0))(matrix, x).reshape(size, -1)
            kernel.addmm_(jacobian, jacobian.T)
            continue
        for k in range(outputs):
            gradient = grad(lambda w, row, k=k, f=of_row: f(w, row)[k])
            jacobian = vmap(gradient, in_dims=(None, 0))(matrix, x).reshape(size, -1)
            kernel.addmm_(jacobian, jacobian.T)
    return kernel if trace else kernel.reshape(samples, outputs, samples, outputs)


def torch_jvp_vjp(weights: Weights, x: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Theta v without Theta: v back to the weights and forward again, (n, k) to (n, k)."""
    _, pull = vjp(lambda w: erf_network(w, x), weights)
    (cotangent,) = pull(v)
    return jvp(lambda w: erf_network(w, x), (weights,), (cotangent,))[1]


def torch_linearized(weights: Weights, x: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """The same v -> Theta v, both directions traced once: for many products at fixed weights."""
    _, pull = vjp(lambda w: erf_network(w, x), weights)
    _, push = linearize(lambda w: erf_network(w, x), weights)
    return lambda v: push(pull(v)[0])


def neural_tangents(
    python: str,
    folder: Path,
    x: np.ndarray,
    weights: dict[str, np.ndarray],
    explicit: tuple[int, ...] = (32,),
    trace: tuple[int, ...] = (32,),
    limit: tuple[int, ...] = (128,),
    sigma0: float = 0.5,
) -> list[dict[str, object]]:
    """Let neural_tangents_peer.py measure, with ``python`` of the peers' environment.

    Returns its lines; the kernels are left in ``folder`` as explicit-N.npy, (n, k, n, k),
    trace-N.npy, (n, n), and limit-float64-N.npy, K_d and K_mu of tanh, (2, n, n).
    """
    for name, array in {"x": x, **weights}.items():
        np.save(folder / f"{name}.npy", array)
    request = {
        "explicit": explicit,
        "trace": trace,
        "limit": limit,
        "sigma0": sigma0,
        "degree": 100,
        "repetitions": 5,
        "seconds": 30,
        "bytes": 4e9,
    }
    (folder / "request.json").write_text(json.dumps(request))
    program = Path(__file__).with_name("neural_tangents_peer.py")
    done = subprocess.run([python, str(program), str(folder)], capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"neural_tangents_peer.py failed under {python}: {last}")
    lines: list[dict[str, object]] = json.loads(done.stdout)
    return lines
