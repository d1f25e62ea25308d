"""Kernels against golden numbers of neural-tangents, an independent implementation, to 1e-12.

golden/neural_tangents.json holds them: neural-tangents 0.6.5 on jax and jaxlib 0.4.20, numpy
1.26.4, Python 3.11, float64 on a CPU. Each value is one row-major list.

``limit ...``, (5, 5): ``stax.serial(stax.Dense(1, W_std=1, b_std=None, parameterization="ntk"),
activation)``, its ``kernel_fn(left, right, ("nngp", "ntk"))``. Row i of left is ``[x_i, sigma0 e_i,
0]`` and row j of right ``[x_j, 0, sigma0 e_j]``, times the root of their length, since stax divides
by it: independent noise, so i = j has correlation 1/q. With ``stax.Erf()`` and ``stax.Relu()`` the
NNGP is K_d and the NTK is K_mu = rho kappa_1. K_sigma of erf is sigma0^2 (x_i^2 . x_j^2) kappa_2,
with rho kappa_2 the NTK of ``stax.Gaussian(a=2/sqrt(pi), b=-1)``, which is erf'. (phi'' of ReLU is
a Dirac delta: no NTK gives its kappa_2.)

``finite ...``, (3, 4, 3, 4): ``nt.empirical_ntk_fn(f, trace_axes=(), implementation=
nt.NtkImplementation.JACOBIAN_CONTRACTION)`` with respect to one weight matrix of ``f(x) = m^(-1/2)
phi_hat(W_mu x, W_sigma^2 x^2) W_d``, ``phi_hat(u, v) = erf(u / sqrt(1 + 2v))`` or
``u Phi(u / sqrt(v)) + sqrt(v) pdf(u / sqrt(v))``, at the first three inputs, m = 3.

To make them again, in a Python 3.11 environment of envs/bench-peers.lock:

    python workflow/bench/neural_tangents_golden.py tests/theory/golden/neural_tangents.json
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.kernels.finite import TangentKernel
from vaentk.kernels.limit import limit_kernels

Array = NDArray[np.float64]
SIGMA0 = 0.5
TOLERANCE = 1e-12
PARTS = ("mu", "sigma", "d")
GOLDEN = json.loads(Path(__file__).with_name("golden").joinpath("neural_tangents.json").read_text())


def golden(key: str, *shape: int) -> Array:
    return np.array(GOLDEN[key]).reshape(shape)


def inputs() -> Array:
    """Unit rows in the direction of ``sin((i + 1)(a + 1))``, (5, 4)."""
    i, a = np.ogrid[1:6, 1:5]
    x = np.sin(1.0 * i * a)
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


def weights() -> dict[str, torch.Tensor]:
    """m = 3, d = 4; W_sigma takes both signs."""
    r, a = np.ogrid[1:4, 1:5]
    arrays = {
        "mu": np.sin(2.0 * r + 3.0 * a),
        "sigma": 0.75 * np.cos(1.0 * r + 2.0 * a),
        "d": np.cos(1.0 * r * a + 0.5),
    }
    return {name: torch.from_numpy(w) for name, w in arrays.items()}


def kernel(activation: str, parts: tuple[str, ...]) -> TangentKernel:
    x = torch.from_numpy(inputs()[:3])
    return TangentKernel.of(weights(), x, Smoothing(ACTIVATIONS[activation], 1.0), parts=parts)


@pytest.mark.parametrize(
    ("activation", "part"),
    [("erf", "mu"), ("erf", "sigma"), ("erf", "d"), ("relu", "mu"), ("relu", "d")],
)
def test_limit_kernels_equal_neural_tangents(activation: str, part: str) -> None:
    got = getattr(limit_kernels(ACTIVATIONS[activation], SIGMA0, inputs()), part)
    want = golden(f"limit {activation} {part}", 5, 5)
    assert np.abs(got - want).max() < TOLERANCE


@pytest.mark.parametrize("activation", ["erf", "relu"])
@pytest.mark.parametrize("part", PARTS)
def test_finite_kernels_equal_neural_tangents(activation: str, part: str) -> None:
    got = kernel(activation, (part,)).block(None)
    want = golden(f"finite {activation} {part}", 3, 4, 3, 4)
    assert got.shape == want.shape
    assert np.abs(got.numpy() - want).max() < TOLERANCE


@pytest.mark.parametrize("activation", ["erf", "relu"])
def test_block_of_some_outputs_of_the_sum(activation: str) -> None:
    """Outputs 3 and 1, in that order, of the three kernels together."""
    got = kernel(activation, PARTS).block(torch.tensor([3, 1]))
    whole = sum(golden(f"finite {activation} {part}", 3, 4, 3, 4) for part in PARTS)
    want = np.asarray(whole)[:, [3, 1]][:, :, :, [3, 1]]
    assert got.shape == want.shape
    assert np.abs(got.numpy() - want).max() < TOLERANCE
