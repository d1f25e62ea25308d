"""W2 beyond Eq. 7: the ELBO's reconstruction term, which has the variance of the outputs too."""

from typing import Final, Literal

from pydantic import Field

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.settings import Positive

OBJECTIVES: Final = ("mean", "elbo")
"""What is trained: Eq. 7, the error of the mean network; and the ELBO's reconstruction term."""


class Elbo(LinearRate):
    """W2: Theorem 1's network on Eq. 7 and on the ELBO's reconstruction term, for one time."""

    activation: Literal["erf"] = "erf"
    horizon: Positive = Field(2.0, description="time to train for, in units of n / lambda_0")

    def variants(self) -> dict[str, LinearRate]:
        """Return what is trained, by objective: the same run twice."""
        return {objective: self._plain() for objective in OBJECTIVES}


EXPERIMENT = Experiment(
    settings=Elbo,
    jobs="width_jobs",
    takes=("mnist",),
    trained={"records": "parquet"},
    measured_from=("mnist", "records"),
    measures=("times", "members", "summary", "slopes"),
    figures={"elbo": ("times", "summary")},
    tables={"elbo": ("summary",), "elbo_slopes": ("slopes",)},
)
