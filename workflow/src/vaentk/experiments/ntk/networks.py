"""The networks of Wang & Huang 2024 as settings ask for them, ready to be trained."""

from dataclasses import replace
from functools import partial
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.ridge import PenalisedMean
from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.kernels.limit import greatest_eigenvalue, limit_kernels
from vaentk.models.latent import Latent, Noiseless, Sampled
from vaentk.models.mlp_vae import MlpVae
from vaentk.models.snn import StochasticNetwork
from vaentk.training.footprints import eq2_member, figure2_member
from vaentk.training.objectives import Divergence, gaussian_kl
from vaentk.training.priors import laplace_kl, mixture_kl
from vaentk.training.problem import Problem
from vaentk.training.schedule import (
    Moments,
    Schedule,
    eq7_learning_rate,
    literal,
    moments,
    paper_duration,
)

Array = NDArray[np.float64]

GROWTH: Final = 1.5
"""How far latent standard deviations of Eq. 2's network may grow: so far quadrature is checked."""

PER_OCTAVE: Final = 2
"""Observed times of Eq. 2's network that double a time."""

DIVERGENCES: Final[dict[str, Divergence]] = {
    "gaussian": gaussian_kl,
    "laplace": laplace_kl,
    "mixture": mixture_kl,
}

TOLERANCE: Final = {"float32": 1e-6, "float64": 1e-11}
"""Error of the latent's smoothing that training in a precision can tell from rounding."""


def eq7_problem(
    case: LinearRate | PenalisedMean,
    width: int,
    x: Array,
    dtype: str,
    device: str,
    schedule: Moments,
) -> Problem:
    """Eq. 2's network on Eq. 7 for inputs and targets (n, d)."""
    # The latent's initial standard deviation is sigma0 times the norm of what it is fed, rows of x.
    reach = max(1.0, float(np.linalg.norm(x, axis=1).max()))
    network = partial(
        eq2_network,
        case=case,
        width=width,
        largest_deviation=case.sigma0 * GROWTH * reach,
        tolerance=TOLERANCE[dtype],
    )
    member_bytes = partial(eq2_member, len(x), x.shape[1], width, dtype)
    return Problem(width, network, x, dtype, device, schedule, member_bytes)


def eq12_problem(
    case: PenalisedMean, width: int, x: Array, dtype: str, device: str, held_out: Array
) -> Problem:
    """Eq. 2's network, W_mu alone on Eq. 12, whose outputs on ``held_out`` (n', d) are kept too."""
    kernel = limit_kernels(ACTIVATIONS[case.activation], case.sigma0, x).mu
    fastest = greatest_eigenvalue(kernel) / len(x) + case.beta
    schedule = moments(case.horizon / case.beta, case.accuracy, fastest, PER_OCTAVE)
    problem = eq7_problem(case, width, x, dtype, device, schedule)
    return replace(problem, penalty=case.beta, held_out=held_out)


def eq4_problem(case: WeightChange, width: int, x: Array, dtype: str, device: str) -> Problem:
    """Figure 2's network on Eq. 4, for the paper's time of gradient flow or its steps."""
    paper = case.learning_rate, case.inputs.outputs, case.reduction
    schedule: Schedule
    if case.stepping == "literal":
        schedule = literal(eq7_learning_rate(*paper), case.steps)
    else:
        schedule = moments(paper_duration(case.steps, *paper), case.accuracy)
    network = partial(figure2_network, case=case, width=width, tolerance=TOLERANCE[dtype])
    member_bytes = partial(figure2_member, len(x), x.shape[1], width, dtype)
    return Problem(
        *(width, network, x, dtype, device, schedule, member_bytes),
        beta=case.beta,
        # Outputs over sqrt(m) and time times m are targets times sqrt(m) and time as it is.
        target_scale=sqrt(width) if case.parametrisation == "mean-field" else 1.0,
        divergence=DIVERGENCES[case.prior],
    )


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
    trained = tuple(name for name in case.layers if name not in case.frozen)
    return MlpVae(x, width, case.sigma0, function, latent, trained, case.depth)
