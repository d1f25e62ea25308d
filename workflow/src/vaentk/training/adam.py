"""Adam, fused, going on from averages that a state holds."""

from collections.abc import Mapping

import torch
from torch import Tensor

from vaentk.training.state import State


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
    state: State, own: slice, learning_rate: float | Tensor
) -> tuple[dict[str, Tensor], torch.optim.Adam]:
    """Weights of some members, and Adam that goes on from their averages; all in place.

    Decay rates are 0.9 and 0.999, epsilon is 1e-8. A learning rate that is a tensor, on the
    weights' device, may be filled anew between updates.
    """
    # Through .data, because a change of one member's part would make autograd, in another thread,
    # take the whole ensemble's tensor for changed.
    weights, means, squares = (
        {name: tensor[own].data for name, tensor in state.part(kind).items()}
        for kind in ("weights", "mean", "square")
    )
    device = next(iter(weights.values())).device
    optimiser = torch.optim.Adam(
        weights.values(), lr=learning_rate, fused=True, capturable=device.type == "cuda"
    )
    for name, weight in weights.items():
        optimiser.state[weight] = {
            "step": torch.tensor(float(state.step), device=device),
            "exp_avg": means[name],
            "exp_avg_sq": squares[name],
        }
    return weights, optimiser
