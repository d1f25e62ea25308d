"""One update of Figure 2's network against eager autograd and the machine's matrix rate."""

import numpy as np
import torch
from peers import AutogradVae
from timing import Line, line, side_by_side

from vaentk.activations import ACTIVATIONS, gauss_hermite_degree
from vaentk.experiments.ntk.networks import eq4_problem
from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.training.descent import initial_state
from vaentk.training.gradient import Vector
from vaentk.training.vae_gradient import DualLayer, TanhVaeGradient

STEP_GOALS = {64: 1.8, 256: 1.4, 1024: 1.2}
RATE_GOALS = {256: 0.8, 1024: 0.8}


def descent_steps(x: np.ndarray, width: int) -> list[Line]:
    """One update of Figure 2's network against eager autograd, and against the matrix rate."""
    settings = WeightChange(widths=(width, 2 * width))
    problem = eq4_problem(settings, width, x, "float32", "cpu")
    gradient = problem.gradient((0,))
    assert isinstance(gradient, TanhVaeGradient)
    model, initial = problem.model(), gradient.initial
    displacement = Vector.of(initial_state(gradient, 1).tensors["displacement"], gradient.shapes)
    gradient.start_from(displacement)
    # The peer gets the fewest nodes that are right to float32 at the latent's own deviation.
    deviation = float(model.forward(initial).variance.max().sqrt())
    degree = gauss_hermite_degree(ACTIVATIONS["tanh"], deviation, 1e-6)
    peer = AutogradVae(model.x, initial, problem.beta, degree)
    updates = max(2, 2048 // width)

    def ours() -> None:
        for _ in range(updates):
            gradient.evaluate()
            gradient.add_to_(displacement, -1e-3)
            gradient.start_from(displacement)

    def theirs() -> None:
        for _ in range(updates):
            peer.step(1e-3)

    left, right = torch.randn(len(x), width), torch.randn(width, width)

    def products() -> None:
        for _ in range(9 * updates):  # about as many operations as the steps
            torch.mm(left, right)

    mine, eager, product = (t / updates for t in side_by_side(ours, theirs, products))
    what = f"gradient-descent step, d = {x.shape[1]}, m = {width}"
    lines = [line(what, "eager PyTorch autograd", 1e3 * mine, 1e3 * eager, "ms", STEP_GOALS[width])]
    if width in RATE_GOALS:
        rate = 9 * 2e-9 * len(x) * width**2 / product
        first = 2 * len(x) if isinstance(gradient.enc, DualLayer) else 4 * x.shape[1]
        operations = 1e-9 * len(x) * width * (18 * width + 6 * x.shape[1] + first)
        what += ", matrix products only"
        lines.append(
            line(what, "measured sgemm", operations / mine, rate, "GFLOP/s", RATE_GOALS[width])
        )
    return lines
