"""Adam, fused, going on from averages that a state holds."""

from collections.abc import Mapping

import torch
from torch import Tensor


def with_averages(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a state holds of weights before the first update, (S, ...) each; they are copied.

    ``weights/<name>``, and Adam's averages ``mean/<name>`` and ``square/<name>``.
    """
    tensors = {}
    for name, weight in weights.items():
        tensors[f"weights/{name}"] = weight.clone()
        tensors[f"mean/{name}"] = torch.zeros_like(weight)
        tensors[f"square/{name}"] = torch.zeros_like(weight)
    return tensors


def adam(
    weights: Mapping[str, Tensor],
    means: Mapping[str, Tensor],
    squares: Mapping[str, Tensor],
    step: int,
    learning_rate: float | Tensor,
) -> torch.optim.Adam:
    """Adam after ``step`` updates, with decay rates 0.9 and 0.999 and epsilon 1e-8.

    It changes the averages of the gradient and of its square in place. A learning rate that is a
    tensor, on the weights' device, may be filled anew between updates.
    """
    device = next(iter(weights.values())).device
    optimiser = torch.optim.Adam(
        weights.values(), lr=learning_rate, fused=True, capturable=device.type == "cuda"
    )
    for name, weight in weights.items():
        optimiser.state[weight] = {
            "step": torch.tensor(float(step), device=device),
            "exp_avg": means[name],
            "exp_avg_sq": squares[name],
        }
    return optimiser
