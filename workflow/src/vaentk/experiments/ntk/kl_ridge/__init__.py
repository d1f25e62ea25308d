"""W3, Theorem 2 with the KL term: the ridge regression that Eq. 4 itself leads to."""

from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.ntk.settings import Inputs, Training, refuse_other_norms
from vaentk.experiments.settings import ActivationName, Count, Deviations, Positive, exact

Sigma = Literal["frozen", "trained"]
"""What becomes of W_sigma: constant as in Theorem 2, or trained as in a VAE."""

SIGMAS: tuple[Sigma, ...] = get_args(Sigma)


class KlCase(Training):
    """W3, Theorem 2 on Eq. 4, one case."""

    activation: ActivationName
    beta: Positive
    sigma: Sigma
    horizon: Positive

    @property
    def trained(self) -> tuple[str, ...]:
        """Layers of Eq. 2's network that are trained."""
        return ("mu", "sigma") if self.sigma == "trained" else ("mu",)


class KlRidge(Training):
    """W3, Theorem 2 on Eq. 4: one run, for several beta, with W_sigma frozen and trained."""

    inputs: Inputs = Inputs(samples=32, components=16)
    held_out: Count = Field(64, description="class-balanced number of test images")
    activation: ActivationName = "erf"
    betas: Deviations = Field((0.025, 0.25), description="Eq. 4's weights of the KL term")
    horizon: Positive = Field(
        8.0,
        description="time to train for, in units of sigma0^2/(beta lambda), lambda the smallest "
        "nonzero eigenvalue of (1/n) X^T X: the slowest mode shrinks by e to that number or more",
    )
    # What is compared is where training ends, which does not depend on the way there.
    accuracy: float = Field(
        1e-2,
        ge=1e-6,
        le=0.1,
        description="error of a step of gradient flow, relative to each layer's displacement",
    )

    _unit_norm = model_validator(mode="after")(refuse_other_norms)

    @model_validator(mode="after")
    def _even_widths(self) -> Self:
        if any(width % 2 for width in self.widths):
            raise ValueError("widths must be even: the antisymmetric network has pairs of units")
        return self

    def variants(self) -> dict[str, KlCase]:
        """Return a case for every beta, with W_sigma frozen and trained."""
        plain = self.model_dump(mode="json")
        shared = {key: plain[key] for key in KlCase.model_fields if key in plain}
        return {
            f"beta{exact(beta)}-{sigma}": KlCase.from_plain(shared | {"beta": beta, "sigma": sigma})
            for beta in self.betas
            for sigma in SIGMAS
        }


EXPERIMENT = Experiment(
    settings=KlRidge,
    jobs="width_jobs",
    takes=("mnist",),
    trained={"records": "parquet", "outputs": "safetensors"},
    measured_from=("mnist", "records", "outputs"),
    measures=("errors", "slopes", "summary"),
    figures={"kl_ridge": ("errors",)},
    tables={"kl_ridge": ("summary",)},
)
