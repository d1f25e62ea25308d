"""Compute the golden numbers of tests/theory/golden/neural_tangents.json with neural-tangents.

Run by the Python of the peers' environment (envs/bench-peers.lock), not by .venv:

    python workflow/bench/neural_tangents_golden.py tests/theory/golden/neural_tangents.json

float64 on the CPU. Each value is one row-major list, written with the digits that give the same
float64 back. tests/theory/test_golden_values.py says what each key is.
"""

import json
import sys
from collections.abc import Callable
from importlib.metadata import version
from math import pi, sqrt
from pathlib import Path

import jax
import jax.numpy as jnp
import neural_tangents as nt
import numpy as np
from jax.scipy.special import erf
from jax.scipy.stats import norm
from neural_tangents import stax

SIGMA0 = 0.5
SAMPLES = 5
OUTPUTS = 4
WIDTH = 3
FINITE_SAMPLES = 3


def inputs() -> np.ndarray:
    """Unit rows: ``x_ia ~ sin((i + 1)(a + 1))``."""
    i, a = np.ogrid[1 : SAMPLES + 1, 1 : OUTPUTS + 1]
    x = np.sin(1.0 * i * a)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def weights() -> dict[str, np.ndarray]:
    """(m, d) each; W_sigma takes both signs, so that only its square may count."""
    r, a = np.ogrid[1 : WIDTH + 1, 1 : OUTPUTS + 1]
    return {
        "mu": np.sin(2.0 * r + 3.0 * a),
        "sigma": 0.75 * np.cos(1.0 * r + 2.0 * a),
        "d": np.cos(1.0 * r * a + 0.5),
    }


def limit(activation: tuple, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """NNGP and NTK of one wide layer: kappa_0(c) and rho kappa_1(c).

    The two arguments have their noise in different coordinates, at i = j too. stax divides a
    layer's inputs by the root of their number, which the factor undoes.
    """
    samples, dimension = x.shape
    size = dimension + 2 * samples
    noise, none = SIGMA0 * np.eye(samples), np.zeros((samples, samples))
    left = sqrt(size) * np.concatenate([x, noise, none], axis=1)
    right = sqrt(size) * np.concatenate([x, none, noise], axis=1)
    dense = stax.Dense(1, W_std=1.0, b_std=None, parameterization="ntk")
    _, _, kernel = stax.serial(dense, activation)
    both = kernel(jnp.asarray(left), jnp.asarray(right), ("nngp", "ntk"))
    return np.asarray(both.nngp), np.asarray(both.ntk)


def smoothed_erf(u: jax.Array, variance: jax.Array) -> jax.Array:
    return erf(u / jnp.sqrt(1 + 2 * variance))


def smoothed_relu(u: jax.Array, variance: jax.Array) -> jax.Array:
    s = jnp.sqrt(variance)
    return u * norm.cdf(u / s) + s * norm.pdf(u / s)


def finite(smoothed: Callable, x: np.ndarray, layer: str) -> np.ndarray:
    """Theta of one weight matrix, the others held fixed: (n, k, n, k)."""
    fixed = {name: jnp.asarray(w) for name, w in weights().items()}

    def network(w: jax.Array, x: jax.Array) -> jax.Array:
        all_weights = {**fixed, layer: w}
        mean, variance = x @ all_weights["mu"].T, x**2 @ (all_weights["sigma"] ** 2).T
        return smoothed(mean, variance) @ all_weights["d"] / sqrt(WIDTH)

    kernel = nt.empirical_ntk_fn(
        network, trace_axes=(), implementation=nt.NtkImplementation.JACOBIAN_CONTRACTION
    )
    return np.asarray(kernel(jnp.asarray(x), None, fixed[layer])).transpose(0, 2, 1, 3)


def golden() -> dict[str, object]:
    x = inputs()
    values: dict[str, object] = {
        "made by": {name: version(name) for name in ("neural-tangents", "jax", "jaxlib", "numpy")}
    }
    for name, activation in (("erf", stax.Erf()), ("relu", stax.Relu())):
        kernel_d, kernel_mu = limit(activation, x)
        values[f"limit {name} d"] = kernel_d.ravel().tolist()
        values[f"limit {name} mu"] = kernel_mu.ravel().tolist()
    # erf' is a Gaussian, whose NTK is rho kappa_2; K_sigma = sigma0^2 (x^2 . x^2) kappa_2.
    _, slope = limit(stax.Gaussian(a=2 / sqrt(pi), b=-1), x)
    kernel_sigma = SIGMA0**2 * (x**2 @ (x**2).T) * slope / (x @ x.T)
    values["limit erf sigma"] = kernel_sigma.ravel().tolist()
    for name, smoothed in (("erf", smoothed_erf), ("relu", smoothed_relu)):
        for layer in ("mu", "sigma", "d"):
            block = finite(smoothed, x[:FINITE_SAMPLES], layer)
            values[f"finite {name} {layer}"] = block.ravel().tolist()
    return values


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in golden().items())
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
