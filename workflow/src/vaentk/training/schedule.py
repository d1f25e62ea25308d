"""Learning rates, steps and times of gradient descent, and the steps at which it is observed.

Time t of gradient flow is step x learning rate, always in the units of Eq. 7's objective.
"""

from dataclasses import dataclass
from math import ceil

from vaentk.errors import UserError

COMMON_OCTAVES = 6
"""Time-equivalent runs hit t = T/2^k exactly for k up to this, whatever their step."""


@dataclass(frozen=True)
class Schedule:
    """Constant-step gradient descent."""

    learning_rate: float
    """Step of gradient flow's time, in Eq. 7's units."""
    steps: int
    """Number of updates."""
    record: tuple[int, ...]
    """Steps at which the run is observed, increasing, from 0 to ``steps``."""

    @property
    def duration(self) -> float:
        """Total time of gradient flow, ``steps * learning_rate``."""
        return self.steps * self.learning_rate

    def time(self, step: int) -> float:
        """Return gradient flow's time at a step."""
        return self.duration * (step / self.steps) if self.steps else 0.0


def literal(learning_rate: float, steps: int, limit: float, subject: str) -> Schedule:
    """Take the steps as they are printed, or refuse where gradient descent would not follow.

    The limit is ``2 / lambda_max`` of the objective's Hessian at initialisation, in Eq. 7's units
    as the learning rate is; the subject names the run in the error.

    Raises
    ------
    UserError
        When the learning rate is above the stability limit.
    """
    if learning_rate > limit:
        raise UserError(
            f"{subject}: learning rate {learning_rate:.4g} (Eq. 7's units) is above the stability "
            f"limit 2n/lambda_max = {limit:.4g}: multiply learning_rate by less than "
            f"{limit / learning_rate:.3g} or set stepping: time-equivalent"
        )
    return Schedule(learning_rate, steps, recorded_steps(steps))


def time_equivalent(duration: float, limit: float, fraction: float) -> Schedule:
    """Reach a given time of gradient flow by the largest step below a fraction of the limit.

    The number of steps is a multiple of ``2^COMMON_OCTAVES``, so runs of different widths are
    observed at the same times ``duration / 2^k``. The duration is in Eq. 7's units, as the limit
    ``2 / lambda_max`` is; 0 observes the start alone.
    """
    if duration == 0:
        return Schedule(0.0, 0, (0,))
    block = 2**COMMON_OCTAVES
    steps = block * ceil(duration / (fraction * limit * block))
    return Schedule(duration / steps, steps, recorded_steps(steps))


def recorded_steps(steps: int) -> tuple[int, ...]:
    """Return the steps to observe: 0, the powers of two, and the 64ths of the run that are whole.

    The halvings ``steps / 2^k``, k up to `COMMON_OCTAVES`, are among the 64ths.
    """
    parts = 2**COMMON_OCTAVES
    powers = {2**k for k in range(steps.bit_length())}
    whole = {steps * k // parts for k in range(1, parts + 1) if steps * k % parts == 0}
    return (0, *sorted(powers | whole))


def paper_duration(steps: int, learning_rate: float, outputs: int, reduction: str) -> float:
    """Convert a paper's steps and learning rate to gradient flow's time in Eq. 7's units.

    With ``reduction`` "mean" the loss is the mean over samples and outputs, 2/d times Eq. 7 for d
    outputs; with "sum" it is Eq. 7 itself.
    """
    return steps * eq7_learning_rate(learning_rate, outputs, reduction)


def eq7_learning_rate(learning_rate: float, outputs: int, reduction: str) -> float:
    """Convert a learning rate of the configured loss reduction to Eq. 7's units."""
    return learning_rate * (2 / outputs) if reduction == "mean" else learning_rate
