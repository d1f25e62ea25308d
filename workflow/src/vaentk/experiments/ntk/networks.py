"""The networks of Wang & Huang 2024 as settings ask for them, ready to be trained."""

from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.ridge import PenalisedMean
from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.models.latent import Latent, Noiseless, Sampled
from vaentk.models.mlp_vae import MlpVae
from vaentk.models.snn import StochasticNetwork
from vaentk.training.footprints import eq2_member, figure2_member
from vaentk.training.problem import Problem
from vaentk.training.schedule import eq7_learning_rate, literal, paper_duration, time_equivalent

Array = NDArray[np.float64]

GROWTH: Final = 1.5
"""How far a latent deviation of Eq. 2's network may grow before the quadrature was not checked."""

TOLERANCE: Final = {"float32": 1e-6, "float64": 1e-11}
"""Error of the latent's smoothing that training in a precision can tell from rounding."""


def eq7_problem(
    case: LinearRate | PenalisedMean, width: int, x: Array, dtype: str, device: str, duration: float
) -> Problem:
    """Eq. 2's network on Eq. 7 for inputs and targets (n, d) and a time of gradient flow."""
    # The latent's initial standard deviation is sigma0 times the norm of what it is fed, rows of x.
    reach = max(1.0, float(np.linalg.norm(x, axis=1).max()))
    network = partial(
        eq2_network,
        case=case,
        width=width,
        largest_deviation=case.sigma0 * GROWTH * reach,
        tolerance=TOLERANCE[dtype],
    )
    samples, inputs = x.shape
    steps = partial(time_equivalent, duration, fraction=case.step_fraction)
    member_bytes = partial(eq2_member, samples, inputs, width, dtype)
    return Problem(width, network, x, dtype, device, steps, member_bytes)


def eq12_problem(
    case: PenalisedMean, width: int, x: Array, dtype: str, device: str, held_out: Array
) -> Problem:
    """Eq. 2's network, W_mu alone on Eq. 12, whose outputs on ``held_out`` (n', d) are kept too."""
    problem = eq7_problem(case, width, x, dtype, device, case.horizon / case.beta)
    return replace(problem, penalty=case.beta, held_out=held_out)


def eq4_problem(case: WeightChange, width: int, x: Array, dtype: str, device: str) -> Problem:
    """Figure 2's network on Eq. 4, for the paper's number of steps or as long in fewer."""
    samples, inputs = x.shape
    paper = case.learning_rate, inputs, case.reduction
    if case.stepping == "literal":
        rate = eq7_learning_rate(*paper)
        steps = partial(literal, rate, case.steps, subject=f"width {width}")
    else:
        duration = paper_duration(case.steps, *paper)
        steps = partial(time_equivalent, duration, fraction=case.step_fraction)
    network = partial(figure2_network, case=case, width=width, tolerance=TOLERANCE[dtype])
    member_bytes = partial(figure2_member, samples, inputs, width, dtype)
    return Problem(width, network, x, dtype, device, steps, member_bytes, beta=case.beta)


def eq2_network(
    x: Tensor,
    seeds: tuple[int, ...],
    *,
    case: LinearRate | PenalisedMean,
    width: int,
    largest_deviation: float,
    tolerance: float,
) -> StochasticNetwork:
    """Build Eq. 2's network on inputs (n, d), its noise in expectation."""
    latent = Smoothing(ACTIVATIONS[case.activation], largest_deviation, tolerance)
    return StochasticNetwork(x, width, case.sigma0, latent, case.trained, case.antisymmetric)


def figure2_network(
    x: Tensor, seeds: tuple[int, ...], *, case: WeightChange, width: int, tolerance: float
) -> MlpVae:
    """Build Figure 2's network on inputs (n, d); without seeds, sampled noise is in expectation."""
    function = ACTIVATIONS[case.activation]
    latent: Latent
    if case.noise == "none":
        latent = Noiseless(function)
    elif case.noise == "sampled" and seeds:
        latent = Sampled(function, seeds)
    else:  # quadrature's activations bound hidden units by 1 before the 1/sqrt(m)
        latent = Smoothing(function, case.sigma0, tolerance)
    return MlpVae(x, width, case.sigma0, function, latent)
