"""X7: what one fresh zeta a step adds to the exact gradient flow of the same objective."""

from typing import Annotated, Final, Literal

from pydantic import Field

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.settings import Positive

FLOW, EXACT, SAMPLED, MIRRORED = "flow", "exact", "sampled", "mirrored"
"""Ways of training: gradient flow and descent with the exact gradient, and with one zeta a step."""

MOMENTS: Final = 16
"""Observations in the last half of the time, equally apart, over which losses are averaged."""


class SampledNoise(LinearRate):
    """X7: Theorem 1's network on the ELBO's reconstruction term, zeta sampled and in expectation.

    All that is trained starts from the same weights and is observed at the same times.
    """

    activation: Literal["erf"] = "erf"
    horizon: Positive = Field(1.0, description="time to train for, in units of n / lambda_0")
    largest_rate: Positive = Field(
        0.4, description="largest learning rate, in Eq. 7's units; below the stability limit"
    )
    halvings: Annotated[int, Field(ge=1)] = Field(
        2, description="how often the largest learning rate is halved"
    )

    @property
    def learning_rates(self) -> tuple[float, ...]:
        """All learning rates, the largest first."""
        return tuple(self.largest_rate / 2**k for k in range(self.halvings + 1))

    def steps(self, duration: float) -> int:
        """Return how many steps of the largest rate last about as long, in whole `MOMENTS`."""
        return 2 * MOMENTS * max(1, round(duration / self.largest_rate / (2 * MOMENTS)))


EXPERIMENT = Experiment(
    settings=SampledNoise,
    jobs="width_jobs",
    takes=("mnist",),
    trained={"records": "parquet"},
    measured_from=("mnist", "records"),
    measures=("times", "excess", "members", "summary", "rates", "slopes"),
    figures={"sampled_noise": ("times", "summary", "members")},
    tables={
        "sampled_noise": ("summary",),
        "sampled_noise_rates": ("rates",),
        "sampled_noise_slopes": ("slopes",),
    },
)
