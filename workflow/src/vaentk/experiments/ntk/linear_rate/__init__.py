"""W2, Theorem 1: the linear rate of the loss."""

from typing import Any, ClassVar

from pydantic import Field, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.ntk.settings import Training, refuse_other_norms
from vaentk.experiments.settings import ActivationName, Positive


class LinearRate(Training):
    """W2, Theorem 1: one run of Eq. 2's network on Eq. 7's loss."""

    activation: ActivationName = "erf"
    horizon: Positive = Field(1.0, description="time to train for, in units of n / lambda_0")
    train_sigma: bool = Field(True, description="whether W_sigma is trained with W_mu and W_d")

    common_time: ClassVar[bool] = False
    antisymmetric: ClassVar[bool] = False

    _unit_norm = model_validator(mode="after")(refuse_other_norms)

    @property
    def trained(self) -> tuple[str, ...]:
        """Layers of Eq. 2's network that are trained."""
        return ("mu", "sigma", "d") if self.train_sigma else ("mu", "d")

    def variants(self) -> dict[str, "LinearRate"]:
        """Return what is trained, by name: here the run itself."""
        return {"base": self}

    def _plain(self, **changes: Any) -> "LinearRate":
        """Return one of its variants as a run of Theorem 1."""
        plain = self.model_dump(mode="json")
        shared = {key: plain[key] for key in LinearRate.model_fields}
        return LinearRate.from_plain(shared | changes)


EXPERIMENT = Experiment(
    settings=LinearRate,
    jobs="width_jobs",
    takes=("mnist",),
    trained={"records": "parquet", "outputs": "safetensors"},
    measured_from=("mnist", "records", "outputs"),
    measures=("curves", "summary", "members", "slopes"),
    figures={"linear_rate": ("curves", "members")},
    tables={
        "linear_rate": ("summary",),
        "linear_rate_slopes": ("slopes",),
        "linear_rate_lemma4": ("members",),
    },
)
