"""X1: Theorem 1's run for several activations."""

from typing import ClassVar

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.settings import Names


class Activations(LinearRate):
    """X1: Theorem 1's run for several activations, all for the longest of their times."""

    common_time: ClassVar[bool] = True

    activations: Names = (
        *("erf", "tanh", "soft_clipping", "softplus", "gelu", "relu", "leaky_relu"),
    )

    def variants(self) -> dict[str, LinearRate]:
        """Return a run an activation."""
        return {name: self._plain(activation=name) for name in self.activations}


EXPERIMENT = Experiment(
    settings=Activations,
    jobs="width_jobs",
    takes=("mnist",),
    trained={"records": "parquet", "outputs": "safetensors"},
    measured_from=("mnist", "records", "outputs"),
    measures=("curves", "members", "summary", "agreement"),
    figures={"activations": ("curves", "members", "agreement")},
    tables={"activations": ("members", "summary")},
)
