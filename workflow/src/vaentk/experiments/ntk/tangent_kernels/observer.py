"""Theta of some networks while they are trained: at the start, and how far it goes from there."""

from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.experiments.ntk.tangent_kernels import TangentKernels
from vaentk.kernels import limit as limits
from vaentk.kernels.blocks import greatest_change
from vaentk.kernels.finite import PARTS, TangentKernel
from vaentk.kernels.flow import gradient_flow, implicit_residuals, losses, residuals
from vaentk.kernels.limit import LimitKernels, limit_kernels
from vaentk.kernels.spectrum import distance, greatest_eigenvalue, least_eigenvalue
from vaentk.models.forward import Weights
from vaentk.models.snn import StochasticNetwork
from vaentk.statistics.intervals import line_slope
from vaentk.training.problem import Problem
from vaentk.training.schedule import moments

Array = NDArray[np.float64]
Observations = dict[str, float]

BLOCK_OUTPUTS = 8
"""Outputs whose blocks are materialised to see them become equal and independent."""

PER_OCTAVE = 4
"""Times that double a time, of the flows of two kernels."""

FLOW_TOLERANCE = 1e-5
"""Error of the flow of Theta, relative to ``|f - X|_F``."""

DIFFERENCE_STEP = 1e-5
"""Step of the central difference of the loss along its gradient, over the gradient's norm."""


class Observer:
    """Looks at the kernels of some members, in float64, whenever they are observed.

    ``x`` are the inputs, (n, d) float64, and ``initial`` the members' W(0), (S, m, d) by layer;
    ``last`` is the step at which blocks are looked at too, which takes long.
    """

    def __init__(self, settings: TangentKernels, x: Array, initial: Weights, last: int) -> None:
        self.settings = settings
        self.activation = ACTIVATIONS[settings.activation]
        self.limit = limit_kernels(self.activation, settings.sigma0, x)
        self.x = torch.from_numpy(x).to(initial["mu"].device)
        self.smoothing = Smoothing(self.activation, 2 * settings.sigma0)
        self.initial, self.last = initial, last

    def __call__(self, step: int, weights: Weights) -> list[Observations]:
        """Observe every member: all of the start, or the distance from it."""
        members = range(len(weights["mu"]))
        if step == 0:
            return [self._start(weights, member) for member in members]
        return [self._later(weights, member, step == self.last) for member in members]

    def _kernel(self, weights: Weights, member: int) -> TangentKernel:
        chosen = {name: weight[member].double() for name, weight in weights.items()}
        return TangentKernel.of(chosen, self.x, self.smoothing)

    def _start(self, weights: Weights, member: int) -> Observations:
        kernel = self._kernel(weights, member)
        seen = self._spectrum(kernel)
        greatest = greatest_eigenvalue(kernel, self.settings.tolerance)
        seen |= {"lambda_max": greatest.value, "lambda_max_error": greatest.error}
        for part in PARTS:
            alone = kernel.only((part,))
            norm = distance(alone, getattr(self.limit, part), self.settings.tolerance)
            seen[f"norm_{part}"] = norm.value
        seen |= block_deviations(kernel, self.limit)
        seen |= self._loss(kernel, weights, member)
        return seen | (self._flows(kernel, weights, member) if self.settings.flows else {})

    def _later(self, weights: Weights, member: int, last: bool) -> Observations:
        kernel, start = self._kernel(weights, member), self._kernel(self.initial, member)
        drift = distance(kernel, start, self.settings.tolerance)
        seen = {"drift": drift.value, "drift_error": drift.error}
        if last:
            seen["drift_equal"] = greatest_change(kernel, start)
        return seen | self._spectrum(kernel)

    def _spectrum(self, kernel: TangentKernel) -> Observations:
        """Return lambda_min and ``|Theta - Theta_inf|_2`` with their errors."""
        tolerance = self.settings.tolerance
        least = least_eigenvalue(kernel, tolerance)
        norm = distance(kernel, self.limit.total, tolerance)
        return {
            "lambda_min": least.value,
            "lambda_min_error": least.error,
            "norm": norm.value,
            "norm_error": norm.error,
            "products": least.products,
        }

    def _flows(self, kernel: TangentKernel, weights: Weights, member: int) -> Observations:
        """Compare the flows of Theta and of its limit from the network's outputs: no training.

        The largest Frobenius distance over times up to n/lambda_0, relative to ``|f - X|_F``, when
        it is attained, and the late rates of the loss of both.
        """
        model, layers = self._network(weights, member)
        start = model.forward(layers).outputs[0] - self.x
        limit, samples = self.limit.total, len(self.x)
        duration = samples / limits.least_eigenvalue(limit)
        fastest = limits.greatest_eigenvalue(limit) / samples
        times = np.array(moments(duration, 0.0, fastest, PER_OCTAVE).times)
        filter_ = gradient_flow(times, samples)
        own = implicit_residuals(kernel, start, filter_, FLOW_TOLERANCE).cpu().numpy()
        wide = residuals(limit, start.cpu().numpy(), filter_)
        distances = np.linalg.norm(own - wide, axis=(1, 2)) / np.linalg.norm(wide[0])
        late = times >= duration / 2
        rates = [-line_slope(times[late], np.log(losses(left[late]))).value for left in (own, wide)]
        return {
            "flow_distance": float(distances.max()),
            "flow_distance_time": float(times[distances.argmax()]),
            "rate": rates[0],
            "rate_over_limit": rates[0] / rates[1],
        }

    def _network(self, weights: Weights, member: int) -> tuple[StochasticNetwork, Weights]:
        """Return one member's network in float64, and its weights."""
        layers = {k: w[member : member + 1].double() for k, w in weights.items()}
        width, sigma0 = layers["mu"].shape[1], self.settings.sigma0
        return StochasticNetwork(self.x, width, sigma0, self.smoothing), layers

    def _loss(self, kernel: TangentKernel, weights: Weights, member: int) -> Observations:
        """Return the size of the outputs, and how fast the loss falls, measured and by formula.

        The measured slope is a central difference of Eq. 7 along its gradient.
        """
        model, layers = self._network(weights, member)
        outputs = model.forward(layers).outputs[0]
        residual = outputs - self.x
        samples = len(self.x)
        quadratic = float((residual * kernel.matvec(residual)).sum())
        gradient = kernel.pull_back(residual / samples)
        squared = sum(float(part.square().sum()) for part in gradient.values())
        step = DIFFERENCE_STEP / sqrt(squared)
        around = []
        for move in (step, -2 * step):  # in place: a wide network's weights are large
            layers = {
                # A slice of float64 weights is the weights themselves, which stay.
                k: w.add_(gradient[k], alpha=move)
                if w.data_ptr() != weights[k][member].data_ptr()
                else w.add(gradient[k], alpha=move)
                for k, w in layers.items()
            }
            left = model.forward(layers).outputs[0] - self.x
            around.append(float(left.square().sum()) / (2 * samples))
        return {
            "initial_error": float(residual.square().sum()) / samples,
            "initial_output": float(outputs.square().sum(dim=1).mean().sqrt()),
            "slope_measured": (around[0] - around[1]) / (2 * step),
            "slope_derived": quadratic / samples**2,
            "slope_printed": quadratic / samples,
        }


def observe(settings: TangentKernels, problem: Problem, seeds: tuple[int, ...]) -> Observer:
    """Make the observer of some members of one width, whatever the precision of their training."""
    initial = problem.model().initial_weights(seeds)
    return Observer(settings, problem.x, initial, problem.schedule.steps)


def block_deviations(kernel: TangentKernel, limit: LimitKernels) -> Observations:
    """Measure how far blocks between some outputs are from ``K x I``, each kernel in units of K.

    ``between_<part>``: root mean square over pairs of samples and of different outputs, which tends
    to 0; ``within_<part>``: that of the deviation from K over equal outputs.
    """
    outputs = min(BLOCK_OUTPUTS, kernel.shape[1])
    equal = torch.eye(outputs, dtype=torch.bool, device=kernel.decoder.device)
    deviations = {}
    for part in PARTS:
        block = kernel.only((part,)).block(range(outputs)).permute(1, 3, 0, 2)
        exact = torch.from_numpy(getattr(limit, part)).to(block)
        scale = float(exact.square().mean().sqrt())
        for name, deviation in (("between", block[~equal]), ("within", block[equal] - exact)):
            deviations[f"{name}_{part}"] = float(deviation.square().mean().sqrt()) / scale
    return deviations
