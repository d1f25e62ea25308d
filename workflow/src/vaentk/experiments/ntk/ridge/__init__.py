"""W3, Theorem 2: kernel ridge regression."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.ntk.settings import Inputs, Training, refuse_other_norms
from vaentk.experiments.settings import ActivationName, Count, Deviations, Positive, exact


class PenalisedMean(Training):
    """W3, Theorem 2, one case: only W_mu is trained, on Eq. 12."""

    activation: ActivationName = "erf"
    beta: Positive = Field(0.01, description="Eq. 12's weight")
    horizon: Positive = Field(12.0, description="time to train for, in units of 1/beta")
    antisymmetric: bool = Field(False, description="whether the initial output is zero")

    trained: ClassVar[tuple[str, ...]] = ("mu",)

    @property
    def initial(self) -> str:
        """Name of the initialisation."""
        return "antisymmetric" if self.antisymmetric else "standard"


class Ridge(Training):
    """W3, Theorem 2: one run, for several beta, with and without an initial output."""

    inputs: Inputs = Inputs(samples=32, components=16)
    held_out: Count = Field(64, description="class-balanced number of test images")
    activation: ActivationName = "erf"
    betas: Deviations = Field((0.001, 0.01, 0.1, 1.0), description="Eq. 12's weights")
    horizon: Positive = Field(12.0, description="time to train for, in units of 1/beta")

    _unit_norm = model_validator(mode="after")(refuse_other_norms)

    @model_validator(mode="after")
    def _even_widths(self) -> Self:
        if any(width % 2 for width in self.widths):
            raise ValueError("widths must be even: the antisymmetric network has pairs of units")
        return self

    def variants(self) -> dict[str, PenalisedMean]:
        """Return a case for every beta and both initialisations."""
        plain = self.model_dump(mode="json")
        shared = {key: plain[key] for key in PenalisedMean.model_fields if key in plain}
        return {
            f"beta{exact(beta)}-{name}": PenalisedMean.from_plain(
                shared | {"beta": beta, "antisymmetric": antisymmetric}
            )
            for beta in self.betas
            for name, antisymmetric in (("standard", False), ("antisymmetric", True))
        }


EXPERIMENT = Experiment(
    settings=Ridge,
    jobs="width_jobs",
    takes=("mnist",),
    trained={"records": "parquet", "outputs": "safetensors"},
    measured_from=("mnist", "records", "outputs"),
    measures=(
        *("errors", "path", "summary", "slopes"),
        *("error_term", "growth", "printed_path", "displacements"),
    ),
    arrays=("pictures",),
    figures={"ridge": ("errors", "summary", "path"), "ridge_pictures": ("pictures",)},
    tables={
        "ridge": ("summary",),
        "ridge_slopes": ("slopes",),
        "ridge_error_term": ("error_term",),
        "ridge_growth": ("growth",),
        "ridge_displacements": ("displacements",),
    },
)
