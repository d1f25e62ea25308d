"""W4: Figure 2 with one setting changed at a time."""

from typing import Any, ClassVar, Self

from pydantic import Field, ValidationError, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.experiments.settings import VariantName


class Sensitivity(WeightChange):
    """W4: Figure 2's run with one setting changed at a time."""

    shared: ClassVar[tuple[str, ...]] = (
        *("widths", "seeds", "slope_widths"),
        *("inputs.samples", "inputs.data_seed", "inputs.components"),
    )

    changes: dict[VariantName, dict[str, Any]] = Field(
        description="variants by name: the settings of a weight_change run that differ"
    )

    @model_validator(mode="after")
    def _variants_are_runs(self) -> Self:
        for name, change in self.changes.items():
            if name == "base":
                raise ValueError("changes names a variant base, which is the run itself")
            inputs = change.get("inputs")
            keys = [*change, *(f"inputs.{key}" for key in inputs or {} if isinstance(inputs, dict))]
            fixed = [key for key in keys if key in self.shared]
            if fixed:
                raise ValueError(f"changes.{name}.{fixed[0]} cannot differ from the run's own")
        self.variants()
        return self

    def variants(self) -> dict[str, WeightChange]:
        """Return the base and every variant."""
        plain = self.model_dump(mode="json", exclude={"changes"})
        runs = {"base": WeightChange.from_plain(plain)}
        for name, change in self.changes.items():
            merged = plain | change
            if isinstance(change.get("inputs"), dict):
                merged["inputs"] = plain["inputs"] | change["inputs"]
            try:
                runs[name] = WeightChange.from_plain(merged)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                key = ".".join(map(str, ("changes", name, *first["loc"])))
                said = first["msg"].removeprefix("Value error, ")
                raise ValueError(f"{key}: {said}") from None
        return runs


EXPERIMENT = Experiment(
    settings=Sensitivity,
    jobs="width_jobs",
    takes=("mnist",),
    trained={"records": "parquet"},
    measured_from=("records",),
    measures=("slopes",),
    figures={"sensitivity": ("slopes",)},
    tables={"sensitivity": ("slopes",)},
)
