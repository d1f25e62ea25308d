"""X2: Theorem 1's run with W_sigma trained and frozen."""

from typing import ClassVar

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.ntk.linear_rate import LinearRate


class FrozenSigma(LinearRate):
    """X2: Theorem 1's run with W_sigma trained and frozen, for the same time."""

    common_time: ClassVar[bool] = True

    def variants(self) -> dict[str, LinearRate]:
        """Return both runs."""
        kinds = {"trained": True, "frozen": False}
        return {name: self._plain(train_sigma=trained) for name, trained in kinds.items()}


EXPERIMENT = Experiment(
    settings=FrozenSigma,
    jobs="width_jobs",
    takes=("mnist",),
    trained={"records": "parquet", "outputs": "safetensors"},
    measured_from=("mnist", "records", "outputs"),
    measures=("curves", "members", "summary", "difference"),
    figures={"frozen_sigma": ("curves", "difference")},
    tables={"frozen_sigma": ("summary", "difference")},
)
