"""How exactly a VAE of images computes its layers; weights and losses are float32 throughout.

``float32``
    IEEE single precision.
``tf32``
    On a GPU, products of matrices and convolutions keep 10 bits of each factor and add up in
    float32. On a CPU it is float32.
``bfloat16``
    Layers and what is between them have 8 bits; a GPU or a CPU with instructions for it is twice
    as fast or more. The weights that are trained, Adam's averages, the encoder's heads, the
    decoder's outputs, losses and gradients are float32 (mixed precision).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Literal

import torch
from torch import Tensor

Precision = Literal["float32", "tf32", "bfloat16"]


def in_precision(layers: Callable[..., Any]) -> Callable[..., Any]:
    """Have a model's method compute in its ``precision``; what it gives is float32."""

    @wraps(layers)
    def compute(model: Any, weights: Any, given: Tensor) -> Any:
        if model.precision != "bfloat16":
            return layers(model, weights, given)
        # Nothing is cast twice, and a cast that is kept would be lost to a graph.
        with torch.autocast(given.device.type, torch.bfloat16, cache_enabled=False):
            found = layers(model, weights, given)
        return found.float() if isinstance(found, Tensor) else tuple(x.float() for x in found)

    return compute


@contextmanager
def products_of(model: Any) -> Iterator[None]:
    """Let a GPU's products be those of the model's precision: TF32 or not."""
    matrices, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matrices.allow_tf32, convolutions.allow_tf32
    allowed = getattr(model, "precision", "float32") == "tf32"
    matrices.allow_tf32 = convolutions.allow_tf32 = allowed
    try:
        yield
    finally:
        matrices.allow_tf32, convolutions.allow_tf32 = before
