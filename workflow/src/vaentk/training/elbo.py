"""The reconstruction term of the ELBO for Eq. 2's network with erf, without sampling.

Eq. 7 has the squared error of the mean ``E f``; the ELBO has the mean of the squared error. With
independent noise per unit they differ by a variance term:

    1/(2n) sum_i E |f(x_i) - x_i|^2 = 1/(2n) |E f(X) - X|_F^2 + V
    V = 1/(2 n m) sum_i sum_r |w_d_r|^2 Var phi(z_ir)
"""

from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from vaentk.models.erf_variance import erf_variance
from vaentk.models.forward import Cotangent, Model, Weights
from vaentk.training.gradient import GeneralGradient, Observation, Vector
from vaentk.training.objectives import Objective
from vaentk.training.problem import Problem


def variance_term(model: Model, weights: Weights) -> Float[Tensor, " S"]:
    """Evaluate V of every member for Eq. 2's network with erf, in Eq. 7's units."""
    forward = model.forward(weights)
    spread = erf_variance(forward.mean, forward.variance).value
    lengths = weights["d"].square().sum(dim=2)
    return (spread.mean(dim=1) * lengths).mean(dim=1) / 2


class ElboGradient(GeneralGradient):
    """The gradient of Eq. 7 plus V by the trained layers of Eq. 2's network with erf."""

    def __init__(self, model: Model, objective: Objective, initial: Weights) -> None:
        super().__init__(model, objective, initial)
        self.weights = self.initial
        self.decay = initial["d"].new_empty(0)

    def evaluate(self, increment: Vector | None = None, step: int = 0) -> None:
        """Go forward and back through the network."""
        self.weights = self.initial | self.place.at(increment).layers
        forward = self.model.forward(self.weights, step)
        members, samples, width = forward.mean.shape
        spread = erf_variance(forward.mean, forward.variance)
        by_spread = self.weights["d"].square().sum(dim=2).view(members, 1, width)
        by_spread = by_spread / (2 * samples * width)
        cotangent = Cotangent(
            self.objective.cotangent(forward).outputs,
            spread.by_mean.mul_(by_spread),
            spread.by_variance.mul_(by_spread),
        )
        self.factors = self.model.gradients(self.weights, forward, cotangent)
        # V is quadratic in W_d: each row decays at a rate of its own.
        self.decay = spread.value.mean(dim=1).div_(width).unsqueeze(2)

    def add_to_(self, vector: Vector, scale: float, keep: float = 1.0) -> None:
        """Add the factors' products, and V's part that is proportional to W_d."""
        super().add_to_(vector, scale, keep)
        if "d" in vector.layers:
            vector.layers["d"].addcmul_(self.decay, self.weights["d"], value=scale)

    def observe(self, step: int = 0) -> Observation:
        """Evaluate at the base point: V is in the total, the reconstruction is Eq. 7's."""
        seen = super().observe(step)
        total = seen.value.total + variance_term(self.model, seen.weights)
        return seen._replace(value=replace(seen.value, total=total))


@dataclass(frozen=True)
class ElboProblem(Problem):
    """Eq. 2's network with erf on Eq. 7 plus V, without a KL term or a penalty."""

    def gradient(self, seeds: tuple[int, ...]) -> ElboGradient:
        """Build the gradient of members, at their initial weights."""
        assert self.beta == self.penalty == 0, "the reconstruction term alone"
        model = self.model(seeds)
        initial = model.initial_weights(seeds)
        return ElboGradient(model, self.objective(model, initial), initial)
