"""What all sections of settings are made of."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

ActivationName = Literal[
    "identity",
    "erf",
    "relu",
    "leaky_relu",
    "gelu",
    "tanh",
    "softplus",
    "sigmoid",
    "soft_clipping",
]
PrecisionName = Annotated[
    Literal["float32", "tf32", "bfloat16"],
    Field(description="of the layers: float32; tf32, on a GPU; or bfloat16, with float32 weights"),
]
# What lies beyond these is a slip of the hand, and what is computed of it overflows.
Positive = Annotated[float, Field(ge=1e-9, le=1e9, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Count = Annotated[int, Field(gt=0, le=10**9)]
Small = Annotated[int, Field(gt=0, le=1000)]
Many = Annotated[int, Field(gt=0, le=10**6)]
Several = Annotated[int, Field(ge=2, le=10**5)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Width = Annotated[int, Field(gt=0, le=2**20)]
Widths = Annotated[tuple[Width, ...], Field(min_length=2)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1)]
Names = Annotated[tuple[ActivationName, ...], Field(min_length=1)]
Deviations = Annotated[tuple[Positive, ...], Field(min_length=1)]
RunName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)]
VariantName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=60)]


def exact(value: float) -> str:
    """Write a number as short as names can be that tell it from every other number."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


class Strict(BaseModel):
    """Frozen, strict (no silent conversion) and closed (no unknown key)."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    @classmethod
    def from_plain(cls, settings: Mapping[str, Any]) -> Self:
        """Build one checked section from plain data, as a rule's parameters hold it."""
        return cls.model_validate_json(json.dumps(settings))

    def of_part(self, part: Any) -> "Strict":
        """Return the settings that one training job depends on: all, unless a class says less."""
        return self

    def distinct(self, *keys: str) -> None:
        """Raise ValueError where a setting, if the class has it, names a value twice."""
        for key in keys:
            values = getattr(self, key, ())
            if len(set(values)) < len(values):
                raise ValueError(f"{key} names a value twice")

    def but(self, **changes: Any) -> Self:
        """Return the same settings with some of them changed, checked again."""
        return type(self).from_plain(self.model_dump(mode="json") | changes)
