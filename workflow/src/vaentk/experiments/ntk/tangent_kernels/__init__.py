"""W1, Lemmas 1 to 3: the kernel of a network of finite width."""

from typing import Self

from pydantic import Field, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.settings import NonNegative, Positive


class TangentKernels(LinearRate):
    """W1, Lemmas 2 and 3: the kernels of finite width at initialisation and along training."""

    horizon: NonNegative = Field(
        1.0, description="as for Theorem 1; 0 looks at the initialisation alone"
    )
    flows: bool = Field(
        True, description="whether the flows of Theta(0) and of its limit are computed too"
    )
    tolerance: Positive = Field(1e-2, description="relative accuracy of an eigenvalue")

    @model_validator(mode="after")
    def _whole_kernel(self) -> Self:
        if not self.train_sigma:
            raise ValueError("train_sigma must be true: the lemmas are on the kernel of all layers")
        return self


EXPERIMENT = Experiment(
    settings=TangentKernels,
    jobs="width_jobs",
    takes=("mnist",),
    trained={"records": "parquet"},
    measured_from=("mnist", "records"),
    measures=("initial", "training", "slopes", "lemma2_width"),
    figures={
        "tangent_kernels": ("initial",),
        "kernel_drift": ("initial", "training"),
        "kernel_flows": ("initial",),
    },
    tables={
        "tangent_kernels": ("initial",),
        "tangent_kernels_slopes": ("slopes",),
        "tangent_kernels_lemma2": ("lemma2_width",),
    },
)
