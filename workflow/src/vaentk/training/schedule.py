"""When members are observed on their way, and how far a way is, in the units of Eq. 7's objective.

Gradient descent's time is step x learning rate.
"""

from dataclasses import dataclass
from math import ceil, log2

from vaentk.errors import UserError

OCTAVES = 6
"""Runs are observed at T/2^k for all k up to this."""

BLOCK = 25
"""Steps of minibatch training whose losses are fetched, and whose noise is drawn, at once."""

EARLIEST = 0.05
"""First observed time of a flow, at most, over its fastest mode's 1/lambda_max."""


@dataclass(frozen=True)
class Moments:
    """Gradient flow, observed at some times."""

    times: tuple[float, ...]
    """Increasing, from 0 to the end."""
    accuracy: float
    """Error of a step, see `vaentk.training.flow`."""

    @property
    def steps(self) -> int:
        """Number of the last moment."""
        return len(self.times) - 1


@dataclass(frozen=True)
class Descent:
    """Constant-step gradient descent."""

    learning_rate: float
    """Step of gradient flow's time, in Eq. 7's units."""
    steps: int
    """Number of updates."""
    record: tuple[int, ...]
    """Steps at which the run is observed, increasing, from 0 to ``steps``."""

    def time(self, step: int) -> float:
        """Return gradient flow's time at a step."""
        return self.steps * self.learning_rate * (step / self.steps)


Schedule = Moments | Descent


def moments(duration: float, accuracy: float, fastest: float = 0.0, per_octave: int = 1) -> Moments:
    """Observe gradient flow at ``duration * 2^(-k/per_octave)``, k up to `OCTAVES` octaves or more.

    With the rate of the fastest mode, in Eq. 7's units, down to where nothing has happened yet. A
    duration of 0 observes the start alone.
    """
    if duration == 0:
        return Moments((0.0,), accuracy)
    octaves = max(OCTAVES, ceil(log2(max(1.0, duration * fastest / EARLIEST))))
    places = range(per_octave * octaves, -1, -1)
    return Moments((0.0, *(duration * 2 ** (-k / per_octave) for k in places)), accuracy)


def literal(learning_rate: float, steps: int) -> Descent:
    """Take the steps as they are printed; observe powers of two, and halvings of all."""
    halvings = {steps >> k for k in range(OCTAVES + 1) if steps % 2**k == 0}
    powers = {2**k for k in range(steps.bit_length())}
    return Descent(learning_rate, steps, (0, *sorted(powers | halvings)))


def refuse_unstable(descent: Descent, limit: float, subject: str) -> None:
    """Refuse a learning rate at which gradient descent would not follow the flow.

    The limit is ``2 / lambda_max`` of the objective's Hessian at initialisation, in Eq. 7's units
    as the learning rate is; the subject names the run in the error.

    Raises
    ------
    UserError
        When the learning rate is above the stability limit.
    """
    if descent.learning_rate > limit:
        raise UserError(
            f"{subject}: learning rate {descent.learning_rate:.4g} (Eq. 7's units) is above the "
            f"stability limit 2n/lambda_max = {limit:.4g}: multiply the run's learning rate by "
            f"less than {limit / descent.learning_rate:.3g}, or follow gradient flow"
        )


def paper_duration(steps: int, learning_rate: float, outputs: int, reduction: str) -> float:
    """Convert a paper's steps and learning rate to gradient flow's time in Eq. 7's units.

    With ``reduction`` "mean" the loss is the mean over samples and outputs, 2/d times Eq. 7 for d
    outputs; with "sum" it is Eq. 7 itself.
    """
    return steps * eq7_learning_rate(learning_rate, outputs, reduction)


def eq7_learning_rate(learning_rate: float, outputs: int, reduction: str) -> float:
    """Convert a learning rate of the configured loss reduction to Eq. 7's units."""
    return learning_rate * (2 / outputs) if reduction == "mean" else learning_rate
