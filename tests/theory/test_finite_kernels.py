"""The finite-width kernels against Jacobians by brute force, in float64 and on small cases.

The reference writes Eq. 2 out again with the expectation over the noise as an explicit trapezoid
rule, and autograd differentiates that: nothing in it uses Stein's lemma or a closed form.
"""

from collections.abc import Callable
from math import pi, sqrt

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.kernels.blocks import equal_outputs
from vaentk.kernels.finite import PARTS, TangentKernel
from vaentk.kernels.limit import limit_kernels
from vaentk.models.forward import Weights
from vaentk.models.snn import StochasticNetwork

Digits = Callable[[int, int], NDArray[np.float64]]
N, M, D = 4, 6, 3
SMOOTH = ("erf", "tanh", "soft_clipping")
# Step 1/16 over 10 deviations: the nearest pole lies at (pi/2)/s > 1, error below exp(-50).
XI = torch.arange(-10, 10.01, 1 / 16, dtype=torch.float64)
DENSITY = torch.exp(-XI.square() / 2) / sqrt(2 * pi) / 16


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def inputs() -> Tensor:
    return torch.nn.functional.normalize(drawn(N, D, seed=0))


def weights(trained_sigma: bool) -> Weights:
    sigma = torch.full((M, D), 0.5, dtype=torch.float64)
    if trained_sigma:
        sigma = sigma + 0.4 * drawn(M, D, seed=3)
    return {"mu": drawn(M, D, seed=1), "sigma": sigma, "d": drawn(M, D, seed=2)}


def outputs(name: str, w: Weights, x: Tensor) -> Tensor:
    mean = x @ w["mu"].T
    variance = x.square() @ w["sigma"].square().T
    z = mean[..., None] + variance.sqrt()[..., None] * XI
    return (ACTIVATIONS[name](z) @ DENSITY) @ w["d"] / sqrt(M)


def jacobian(name: str, w: Weights, x: Tensor, part: str) -> Tensor:
    """Derivatives of all outputs by one weight matrix: (n, d, m d)."""
    by = torch.func.jacrev(lambda matrix: outputs(name, w | {part: matrix}, x))(w[part])
    return by.flatten(2)


def reference(name: str, w: Weights, x: Tensor, parts: tuple[str, ...]) -> Tensor:
    jacobians = torch.cat([jacobian(name, w, x, part) for part in parts], dim=2)
    return torch.einsum("ikp,jlp->ikjl", jacobians, jacobians)


def build(name: str, w: Weights, x: Tensor, **options: object) -> TangentKernel:
    return TangentKernel.of(w, x, Smoothing(ACTIVATIONS[name], 2.0), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("parts", [*[(part,) for part in PARTS], PARTS, ("mu", "sigma")])
def test_every_form_equals_the_product_of_jacobians(
    name: str, trained: bool, parts: tuple[str, ...]
) -> None:
    """Block, matvec, trace, equal outputs and pull-back, to 1e-10 of the kernel's norm."""
    w, x = weights(trained), inputs()
    kernel = build(name, w, x, parts=parts)
    want = reference(name, w, x, parts)
    tolerance = 1e-10 * float(want.norm())
    assert kernel.shape == (N, D)
    assert float((kernel.block() - want).norm()) < tolerance
    vectors = drawn(2, N, D, seed=9)
    image = torch.einsum("ikjl,bjl->bik", want, vectors)
    assert float((kernel.matvec(vectors) - image).norm()) < tolerance * float(vectors.norm())
    assert float((kernel.matvec(vectors[1]) - image[1]).norm()) < tolerance * float(vectors.norm())
    trace = torch.einsum("ikjk->ij", want) / D
    assert float((kernel.trace() - trace).norm()) < tolerance
    equal = torch.einsum("ikjk->kij", want)
    assert float((equal_outputs(kernel) - equal).norm()) < tolerance
    tangent = kernel.pull_back(vectors[0])
    assert set(tangent) == set(parts)
    for part in parts:
        expected = torch.einsum("jlp,jl->p", jacobian(name, w, x, part), vectors[0])
        assert float((tangent[part].flatten() - expected).norm()) < 1e-10 * float(expected.norm())


def test_some_outputs_are_a_block_of_all() -> None:
    kernel = build("erf", weights(True), inputs())
    whole = kernel.block()
    assert torch.allclose(kernel.block([2, 0]), whole[:, [2, 0]][..., [2, 0]], rtol=1e-12)


@pytest.mark.parametrize("name", ["erf", "relu", "gelu", "tanh"])
@pytest.mark.parametrize("trained", [False, True])
def test_it_is_the_product_of_the_models_own_jacobian(name: str, trained: bool) -> None:
    """Autograd of the library's own forward pass, where the kink forbids the trapezoid too."""
    w, x = weights(trained), inputs()
    smoothing = Smoothing(ACTIVATIONS[name], 2.0)
    model = StochasticNetwork(x, M, 0.5, smoothing)

    def forward(current: Weights) -> Tensor:
        return model.forward({key: value[None] for key, value in current.items()}).outputs[0]

    by = torch.func.jacrev(forward)(w)
    want = sum(torch.einsum("ikp,jlp->ikjl", j, j) for j in (by[key].flatten(2) for key in by))
    got = TangentKernel.of(w, x, smoothing).block()
    assert isinstance(want, Tensor)
    assert float((got - want).norm()) < 1e-9 * float(want.norm())


@pytest.mark.parametrize("trained", [False, True])
def test_it_is_symmetric_and_positive_semi_definite(trained: bool) -> None:
    for parts in [("mu",), ("sigma",), ("d",), PARTS]:
        matrix = build("tanh", weights(trained), inputs(), parts=parts).block().reshape(N * D, -1)
        assert torch.allclose(matrix, matrix.T, atol=1e-13)
        values = torch.linalg.eigvalsh(matrix)
        assert float(values[0]) > -1e-13 * float(values[-1])


@pytest.mark.parametrize("trained", [False, True])
def test_float32_is_float64_to_rounding(trained: bool) -> None:
    w, x = weights(trained), inputs()
    vectors = drawn(N, D, seed=4)
    double = build("erf", w, x).matvec(vectors)
    single = {key: value.float() for key, value in w.items()}
    image = build("erf", single, x.float()).matvec(vectors.float())
    assert image.dtype == torch.float32
    assert float((image.double() - double).norm()) < 1e-5 * float(double.norm())


@pytest.mark.usefixtures("gpu")
def test_a_gpu_gives_the_same() -> None:
    w, x, vectors = weights(True), inputs(), drawn(2, N, D, seed=4)
    here = build("erf", w, x).matvec(vectors)
    moved = {key: value.cuda() for key, value in w.items()}
    there = build("erf", moved, x.cuda()).matvec(vectors.cuda())
    assert torch.allclose(there.cpu(), here, rtol=1e-10)


@pytest.mark.parametrize("name", ["erf", "tanh"])
def test_the_trace_tends_to_the_limit_kernel_as_the_inverse_root(digits: Digits, name: str) -> None:
    """Each part of real digits, m = 256 to 4096, 8 seeds: the rms error falls with power -1/2.

    Over four octaves the fitted power is within 0.1: its error is near 0.03 with 8 seeds.
    """
    x = digits(12, 7)
    rows = torch.from_numpy(x)
    smoothing = Smoothing(ACTIVATIONS[name], 1.0)
    limit = limit_kernels(ACTIVATIONS[name], 0.5, x)
    widths = [256, 1024, 4096]
    for part in PARTS:
        exact = torch.from_numpy(getattr(limit, part))
        errors = []
        for width in widths:
            model = StochasticNetwork(rows, width, 0.5, smoothing)
            drawn_weights = model.initial_weights(tuple(range(8)))
            squares = [
                (
                    TangentKernel.of(
                        {key: value[member] for key, value in drawn_weights.items()},
                        rows,
                        smoothing,
                        parts=(part,),
                    ).trace()
                    - exact
                ).square()
                for member in range(8)
            ]
            errors.append(float(torch.stack(squares).mean().sqrt()))
        power = np.polyfit(np.log(widths), np.log(errors), 1)[0]
        assert abs(power + 0.5) < 0.1, (part, power)
        assert errors[-1] < 0.02 * float(exact.abs().max())
