"""The convolutional network and its kernels, in float64, against convolutions and brute force.

The reference convolves images by `torch.nn.functional.conv2d`, takes the expectation over the noise
by an explicit trapezoid rule, and is differentiated by autograd: no patches, no Stein's lemma.
"""

from dataclasses import replace
from math import pi, sqrt

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, normalize

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.errors import UserError
from vaentk.kernels.limit import limit_kernels
from vaentk.kernels.patch_finite import PatchTangentKernel
from vaentk.kernels.patch_limit import GRID, arcsine, hermite_coefficients, patch_kernels, series
from vaentk.models.conv_snn import ConvolutionalNetwork, patches
from vaentk.models.forward import Cotangent, Weights
from vaentk.models.snn import LAYERS, StochasticNetwork

N, SIDE, SIZE, STRIDE, M, SIGMA0 = 3, 5, 3, 2, 4, 0.5
POSITIONS = 9
SEEDS = (0, 1)
SMOOTH = ("erf", "tanh", "soft_clipping")
# Step 1/16 over 10 deviations: the nearest pole lies at (pi/2)/s > 0.5, error below exp(-50).
XI = torch.arange(-10, 10.01, 1 / 16, dtype=torch.float64)
DENSITY = torch.exp(-XI.square() / 2) / sqrt(2 * pi) / 16


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def images() -> Tensor:
    return normalize(drawn(N, SIDE**2, seed=0))


def network(name: str = "erf", channels: int = M) -> ConvolutionalNetwork:
    cut = patches(images(), SIZE, STRIDE)
    smoothing = Smoothing(ACTIVATIONS[name], 1.5, 1e-11)
    return ConvolutionalNetwork(cut, SIDE**2, channels, SIGMA0, smoothing)


def general_weights(model: ConvolutionalNetwork) -> Weights:
    """Weights in general position: W_sigma of both signs, no two entries alike."""
    initial = model.initial_weights(SEEDS)
    return initial | {"sigma": 0.4 * drawn(*initial["sigma"].shape, seed=3)}


def convolved(weights: Weights, name: str) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs (n, d), latent mean and variance (n, P m) of one member."""
    whole = images().view(N, 1, SIDE, SIDE)
    ones = torch.ones(1, 1, SIZE, SIZE, dtype=torch.float64)
    mass = conv2d(whole.square(), ones, stride=STRIDE, padding=SIZE // 2)
    whole = whole / mass.mean(dim=(1, 2, 3), keepdim=True).sqrt()
    filters = {name: weights[name].view(-1, 1, SIZE, SIZE) for name in ("mu", "sigma")}
    mean = conv2d(whole, filters["mu"], stride=STRIDE, padding=SIZE // 2)
    variance = conv2d(whole.square(), filters["sigma"].square(), stride=STRIDE, padding=SIZE // 2)
    mean, variance = (part.flatten(2).mT.flatten(1) for part in (mean, variance))
    z = mean[..., None] + variance.sqrt()[..., None] * XI
    value = ACTIVATIONS[name](z) @ DENSITY
    return value @ weights["d"] / sqrt(value.shape[1]), mean, variance


def member(weights: Weights, place: int) -> Weights:
    return {name: weight[place] for name, weight in weights.items()}


def test_patches_are_windows_of_the_image_with_a_blank_border_and_mean_square_one() -> None:
    cut = patches(images(), SIZE, STRIDE)
    assert cut.shape == (N, POSITIONS, SIZE**2)
    np.testing.assert_allclose(cut.square().sum(dim=2).mean(dim=1), 1, rtol=1e-14)
    padded = np.pad(images().numpy().reshape(N, SIDE, SIDE), ((0, 0), (1, 1), (1, 1)))
    for place in range(POSITIONS):
        row, column = (STRIDE * at for at in divmod(place, 3))
        window = padded[:, row : row + SIZE, column : column + SIZE].reshape(N, -1)
        scale = np.linalg.norm(cut[:, place], axis=1) / np.linalg.norm(window, axis=1)
        np.testing.assert_allclose(cut[:, place], window * scale[:, None], rtol=1e-12)


@pytest.mark.parametrize("name", SMOOTH)
def test_outputs_and_gradients_are_those_of_convolutions(name: str) -> None:
    """A cotangent of outputs, mean and variance, every layer and member, to 1e-10."""
    model = network(name)
    weights = general_weights(model)
    forward = model.forward(weights)
    units = model.units
    cotangents = [drawn(2, N, size, seed=size) for size in (SIDE**2, units, units + 1)]
    cotangents[2] = cotangents[2][:, :, :units]
    gradients = model.gradients(weights, forward, Cotangent(*cotangents))
    for place in range(len(SEEDS)):
        own = {layer: w.requires_grad_() for layer, w in member(weights, place).items()}
        parts = convolved(own, name)
        for found, part in zip(
            (forward.outputs, forward.mean, forward.variance), parts, strict=True
        ):
            np.testing.assert_allclose(found[place].detach(), part.detach(), atol=1e-11)
        product = sum((c[place] * part).sum() for c, part in zip(cotangents, parts, strict=True))
        wanted = torch.autograd.grad(product, [own[layer] for layer in LAYERS])
        for layer, want in zip(LAYERS, wanted, strict=True):
            np.testing.assert_allclose(gradients[layer].dense()[place].detach(), want, atol=1e-10)


def test_a_push_forward_is_a_difference_and_the_gradients_adjoint() -> None:
    """Central differences, step 1e-5: error 1e-10 and rounding of 1e-11 times some ten."""
    model = network("tanh")
    weights = general_weights(model)
    direction = {name: drawn(*w.shape, seed=7) for name, w in weights.items()}
    forward = model.forward(weights)
    pushed = model.push_forward(weights, forward, direction)
    ends = [
        model.forward({name: w + step * direction[name] for name, w in weights.items()})
        for step in (1e-5, -1e-5)
    ]
    for part in ("outputs", "mean", "variance"):
        difference = (getattr(ends[0], part) - getattr(ends[1], part)) / 2e-5
        np.testing.assert_allclose(getattr(pushed, part), difference, atol=1e-8)
    cotangent = Cotangent(drawn(*forward.outputs.shape, seed=8))
    gradients = model.gradients(weights, forward, cotangent)
    by_weights = sum(float((gradients[k].dense() * direction[k]).sum()) for k in LAYERS)
    assert by_weights == pytest.approx(float((cotangent.outputs * pushed.outputs).sum()), rel=1e-11)


def test_one_patch_is_eq_2_to_the_bit() -> None:
    x = normalize(drawn(N, 7, seed=0))
    smoothing = Smoothing(ACTIVATIONS["erf"], 1.5)
    patched = ConvolutionalNetwork(x[:, None], 7, M, SIGMA0, smoothing)
    whole = StochasticNetwork(x, M, SIGMA0, smoothing)
    weights = patched.initial_weights(SEEDS)
    for name, weight in whole.initial_weights(SEEDS).items():
        assert torch.equal(weights[name], weight)
    forwards = [model.forward(weights) for model in (patched, whole)]
    assert torch.equal(forwards[0].outputs, forwards[1].outputs)
    cotangent = Cotangent(drawn(2, N, 7, seed=1))
    found, wanted = (
        model.gradients(weights, forward, cotangent)
        for model, forward in zip((patched, whole), forwards, strict=True)
    )
    for name in LAYERS:
        np.testing.assert_allclose(found[name].dense(), wanted[name].dense(), rtol=1e-14)


def test_float32_stays_and_repeats_and_is_float64_to_its_precision() -> None:
    double = network()
    single = replace(double, patches=double.patches.float())
    weights = single.initial_weights(SEEDS)
    assert all(weight.dtype == torch.float32 for weight in weights.values())
    assert torch.equal(single.initial_weights(SEEDS)["d"], weights["d"])
    outputs = single.forward(weights).outputs
    assert outputs.dtype == torch.float32
    assert torch.equal(single.forward(weights).outputs, outputs)
    np.testing.assert_allclose(
        outputs, double.forward(double.initial_weights(SEEDS)).outputs, atol=2e-6
    )


@pytest.mark.parametrize("parts", [*[(part,) for part in LAYERS], LAYERS])
def test_the_kernel_is_the_product_of_jacobians(parts: tuple[str, ...]) -> None:
    """W_sigma in general position; to 1e-10 of the kernel's norm."""
    model = replace(network(), trained=parts)
    weights = {name: w[:1] for name, w in general_weights(model).items()}
    jacobians = []
    for part in parts:
        own = member(weights, 0)
        by = torch.func.jacrev(lambda w, part=part, own=own: convolved(own | {part: w}, "erf")[0])
        jacobians.append(by(own[part]).flatten(2))
    jacobian = torch.cat(jacobians, dim=2).flatten(0, 1)
    want = jacobian @ jacobian.mT
    found = dense(PatchTangentKernel.of(model, weights))
    assert float((found - want).norm()) < 1e-10 * float(want.norm())


def dense(kernel: PatchTangentKernel) -> Tensor:
    basis = torch.eye(N * SIDE**2, dtype=torch.float64).view(-1, N, SIDE**2)
    return torch.stack([kernel.matvec(vector).flatten() for vector in basis])


def test_the_kernel_at_the_start_tends_to_the_limit() -> None:
    """Sixteen times the channels, a quarter of the distance, within a fifth; mean of six seeds."""
    kernel = torch.from_numpy(
        patch_kernels(ACTIVATIONS["erf"], SIGMA0, network().patches.numpy()).total
    )
    limit = torch.kron(kernel, torch.eye(SIDE**2, dtype=torch.float64))
    mean = []
    for channels in (64, 1024):
        model = network(channels=channels)
        distances = [
            float((dense(PatchTangentKernel.of(model, model.initial_weights((s,)))) - limit).norm())
            for s in range(6)
        ]
        mean.append(np.mean(distances) / float(limit.norm()))
    assert mean[1] < 0.1
    assert mean[0] / mean[1] == pytest.approx(4, rel=0.2)


@pytest.mark.parametrize("name", SMOOTH)
def test_limit_kernels_are_averages_over_random_filters(name: str) -> None:
    """20,000 filters, and five standard errors of every entry; each kernel alone."""
    cut = network().patches
    limit = patch_kernels(ACTIVATIONS[name], SIGMA0, cut.numpy())
    filters = drawn(20_000, SIZE**2, seed=11)
    smoothing = Smoothing(ACTIVATIONS[name], 1.5, 1e-6)
    totals = [torch.zeros(2, N, N, dtype=torch.float64) for _ in range(3)]
    for batch in filters.split(5_000):
        mean = torch.einsum("ipa,ra->rip", cut, batch)
        variance = SIGMA0**2 * cut.square().sum(dim=2).expand_as(mean)
        value, slope, curvature = smoothing(mean, variance)
        inner = torch.einsum("ipa,jpa->pij", cut, cut)
        squares = SIGMA0**2 * torch.einsum("ipa,jpa->pij", cut.square(), cut.square())
        for total, unit, factor in zip(
            totals, (slope, curvature, value), (inner, squares, torch.ones_like(inner)), strict=True
        ):
            of_filter = torch.einsum("rip,rjp,pij->rij", unit, unit, factor) / POSITIONS
            total += torch.stack([of_filter.sum(dim=0), of_filter.square().sum(dim=0)])
    for total, want in zip(totals, (limit.mu, limit.sigma, limit.d), strict=True):
        average, square = (total / len(filters)).numpy()
        error = np.sqrt((square - average**2) / len(filters))
        assert (np.abs(average - want) < 5 * error).all()
        assert (error < 0.03 * np.abs(want).max()).all()


@pytest.mark.parametrize("name", SMOOTH)
def test_one_patch_has_the_fully_connected_kernels(name: str) -> None:
    x = normalize(drawn(6, 7, seed=4)).numpy()
    found = patch_kernels(ACTIVATIONS[name], SIGMA0, x[:, None])
    want = limit_kernels(ACTIVATIONS[name], SIGMA0, x)
    for part in ("mu", "sigma", "d"):
        np.testing.assert_allclose(getattr(found, part), getattr(want, part), atol=1e-12)


def test_the_series_of_erf_is_its_closed_form_for_norms_that_differ() -> None:
    """Norms from 0, of a blank patch, to 3, within the stated error and rounding."""
    x = normalize(drawn(8, 5, seed=6)).numpy() * np.linspace(0, 3, 8)[:, None]
    q, inner = (1 + SIGMA0**2) * np.square(x).sum(axis=1), x @ x.T
    found, error = series(ACTIVATIONS["erf"], q, inner)
    assert error < 1e-11
    for one, want in zip(found, arcsine(q, inner), strict=True):
        np.testing.assert_allclose(one, want, atol=error + 1e-14 * np.abs(want).max())


def test_a_series_that_is_too_long_is_refused() -> None:
    with pytest.raises(UserError, match="raise sigma0"):
        hermite_coefficients(np.sign(GRID)[None], 0.999)
