"""Kernels and bytes of an update on a GPU: operations but views, and what they read and write.

Counted at full size on the GPU that the CPU plays, without values, and without what its libraries
do inside an operation.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from vaentk import activations
from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.bounds.bound import Bound
from vaentk.bounds.halves import halved_gradient
from vaentk.bounds.likelihoods import Bernoulli
from vaentk.experiments.convergence.deep_vae import AUTHORS
from vaentk.models import member_convolutions, tanh_smoothing
from vaentk.models.deep_gaussian_vae import deep_vae
from vaentk.models.mlp_vae import MlpVae
from vaentk.models.nonlinearities import Nonlinearities
from vaentk.models.tanh_smoothing import TanhSmoother
from vaentk.training.objectives import Objective
from vaentk.training.vae_gradient import TanhVaeGradient

Count = tuple[int, int]
NONE = ("empty", "detach", "_unsafe_view")
"""Operations without a kernel that torch does not call views."""


class Counted(TorchDispatchMode):
    """Counts operations and the bytes of their tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels = self.bytes = 0

    def __torch_dispatch__(self, func: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if not func.is_view and not any(name in str(func) for name in NONE):
            touched = [t for t in tree_leaves((args, kwargs, found)) if isinstance(t, Tensor)]
            self.kernels += 1
            self.bytes += sum(t.numel() * t.element_size() for t in touched)
        return found


def counted(work: Callable[[], object]) -> Count:
    with Counted() as mode:
        work()
    return mode.kernels, mode.bytes


def shaped(*shape: int) -> Tensor:
    """A tensor of the GPU that has a shape and no values."""
    return torch.empty(shape, device="meta").to("cuda")


def deep_update(
    functions: Nonlinearities, precision: Any = "float32", members: int = 3, batch: int = 256
) -> Count:
    """One update's gradients of the authors' CelebA network, both halves of a batch."""
    model = deep_vae(3, 100, *AUTHORS[64], functions, precision)
    weights = {name: shaped(members, *shape) for name, shape in model.shapes().items()}
    images = shaped(members, batch, 3, model.side, model.side)
    drawn, beta = shaped(members, 1, batch, model.latent_dim), shaped(members)
    bound = Bound(model, Bernoulli())
    return counted(lambda: halved_gradient(bound, weights, images, drawn, beta))


def test_an_update_of_a_deep_vae_has_half_the_bytes_and_few_kernels(
    monkeypatch: pytest.MonkeyPatch, record_property: Any, gpu: None
) -> None:
    """Against torch's own operations in float32: soft-clipping, and ReLU, which had one kernel."""
    monkeypatch.setattr(member_convolutions, "_fastest", lambda *_: "grouped")
    soft, relu = Nonlinearities.soft_clipping(1.0), Nonlinearities.named("relu")
    fused, mixed = deep_update(soft), deep_update(soft, "bfloat16")
    plain = deep_update(relu), deep_update(relu, "bfloat16")
    monkeypatch.setattr(activations, "_in_float", lambda z: False)
    before = deep_update(soft)
    for name, (kernels, size) in {
        "soft-clipping by torch": before,
        "soft-clipping fused": fused,
        "soft-clipping fused, bfloat16": mixed,
        "ReLU": plain[0],
        "ReLU, bfloat16": plain[1],
    }.items():
        record_property(f"deep VAE's update, {name}", f"{kernels} kernels, {size / 1e9:.1f} GB")
    assert before[1] > 2 * mixed[1]
    assert before[0] - plain[0][0] > 3 * (fused[0] - plain[0][0])


def figure2_gradient(members: int = 3, width: int = 16384) -> Count:
    """Forwards and backwards through Figure 2's network, 64 digits of 784 pixels."""
    x, tanh = shaped(64, 784), ACTIVATIONS["tanh"]
    model = MlpVae(x, width, 0.5, tanh, Smoothing(tanh, 0.75, 1e-6))
    shapes = {"enc": (width, 784), "dec": (784, width)}
    initial = {name: shaped(members, *shapes.get(name, (width, width))) for name in model.layers}
    gradient = TanhVaeGradient(model, Objective(x, 0.0, None), initial)
    gradient._propagate()
    return counted(gradient._propagate)


def test_a_gradient_of_figure_2_has_a_tenth_of_the_kernels(
    monkeypatch: pytest.MonkeyPatch, record_property: Any, gpu: None
) -> None:
    """Against the CPU's way, which smooths block by block; on a GPU blocks had 2^17 elements."""
    after = figure2_gradient()
    monkeypatch.setattr(tanh_smoothing, "_BLOCK", 2**17)
    monkeypatch.setattr(
        TanhSmoother, "__call__", lambda self: [block.smooth() for block in self._plan(0.75)]
    )
    before = figure2_gradient()
    for name, (kernels, size) in {"by blocks": before, "fused": after}.items():
        record_property(f"Figure 2's gradient, {name}", f"{kernels} kernels, {size / 1e9:.1f} GB")
    assert before[0] > 10 * after[0]
