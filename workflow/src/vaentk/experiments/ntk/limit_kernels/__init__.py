"""W1, Lemma 1: the kernels of an infinitely wide network."""

from typing import Self

from pydantic import model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.ntk.settings import Inputs, refuse_other_norms
from vaentk.experiments.settings import Deviations, Names, Strict


class LimitKernels(Strict):
    """W1, Lemma 1: inputs of the infinite-width kernels and their smallest eigenvalue."""

    inputs: Inputs = Inputs()
    activations: Names = ("erf", "tanh", "relu", "soft_clipping")
    sigma0: Deviations = (0.1, 0.5, 1.0)

    _unit_norm = model_validator(mode="after")(refuse_other_norms)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        self.distinct("activations", "sigma0")
        return self


EXPERIMENT = Experiment(
    settings=LimitKernels,
    measured_from=("mnist",),
    measures=("eigenvalues", "variance"),
    arrays=("kernels",),
    figures={"limit_kernels": ("eigenvalues", "kernels")},
    tables={"limit_kernels": ("eigenvalues",)},
)
