"""Adam, fused, going on from averages that a state holds."""

from collections.abc import Mapping

import torch
from torch import Tensor


def adam(
    weights: Mapping[str, Tensor],
    means: Mapping[str, Tensor],
    squares: Mapping[str, Tensor],
    step: int,
    learning_rate: float | Tensor,
) -> torch.optim.Adam:
    """Adam with decay rates 0.9 and 0.999 and epsilon 1e-8, which changes the averages in place.

    Parameters
    ----------
    weights, means, squares : mapping of Tensor
        What is trained, and the running averages of its gradient and of its square, by name.
    step : int
        Updates made before.
    learning_rate : float or Tensor
        A tensor, on the weights' device, may be filled anew between updates.
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
