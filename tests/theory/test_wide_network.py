"""The limit kernels predict the training of very wide networks, better as the width grows."""

import numpy as np
import pytest
import torch

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.kernels.flow import gradient_descent, gradient_flow, residuals
from vaentk.kernels.limit import limit_kernels
from vaentk.models.snn import StochasticNetwork
from vaentk.training.descent import descend
from vaentk.training.objectives import Objective
from vaentk.training.schedule import Schedule

N, D, SIGMA0 = 8, 4, 0.5
STEPS = 256
MEMBERS = (0, 1, 2)


def distances(width: int) -> np.ndarray:
    """Largest distance over time to the flow on the limit kernel, relative to |f(0) - X|, a member.

    The time is three units of the fastest mode, n / lambda_max; the step is 3/256 of that, and the
    flow's own discretisation error, below 1%, is measured and asserted.
    """
    x = np.random.default_rng(4).standard_normal((N, D))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    kernel = limit_kernels(ACTIVATIONS["erf"], SIGMA0, x).total
    rate = 3 * N / np.linalg.eigvalsh(kernel)[-1] / STEPS
    record = tuple(range(0, STEPS + 1, 16))
    inputs = torch.from_numpy(x)
    model = StochasticNetwork(inputs, width, SIGMA0, Smoothing(ACTIVATIONS["erf"], 1.0))
    initial = model.initial_weights(MEMBERS)
    schedule = Schedule(rate, STEPS, record)
    done = descend(model, Objective(inputs), initial, schedule, MEMBERS, keep=model)
    trained = np.stack([(done.tensors[f"outputs/{step}"] - inputs).numpy() for step in record])
    times = [schedule.time(step) for step in record]
    found = []
    for member in range(len(MEMBERS)):
        start = trained[0, member]
        flow = residuals(kernel, start, gradient_flow(times, len(kernel)))
        steps = residuals(kernel, start, gradient_descent(rate, record, len(kernel)))
        scale = np.linalg.norm(start)
        assert np.linalg.norm(flow - steps, axis=(1, 2)).max() / scale < 0.01
        found.append(np.linalg.norm(trained[:, member] - flow, axis=(1, 2)).max() / scale)
    return np.array(found)


def test_wide_networks_follow_the_limit_flow() -> None:
    """Below 3% at m = 2^14 in every member; from 2^10 the mean falls fourfold, within a third."""
    wide, narrow = distances(2**14), distances(2**10)
    assert wide.max() < 0.03
    assert narrow.mean() / wide.mean() == pytest.approx(4, rel=1 / 3)
