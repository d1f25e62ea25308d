"""The rows of claims.yaml, assumptions.yaml and remarks.yaml in config/: typed, strict, closed."""

from math import inf
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator
from pydantic.types import StringConstraints

from vaentk.errors import UserError
from vaentk.experiments.settings import Strict

CLAIMS, ASSUMPTIONS = "config/claims.yaml", "config/assumptions.yaml"
REMARKS = "config/remarks.yaml"
"""Where the rows come from, as errors name it."""

EXTREMES = ("max", "min")
"""The values of `Test.where` that are found in the measure."""

Text = Annotated[str, StringConstraints(min_length=1)]
Paper = Literal["Wang & Huang 2024", "Surendran et al. 2024", "both", "beyond"]
Number = Annotated[float, Field(allow_inf_nan=False)]
Wanted = bool | int | float | str | list[str]


class Expectation(Strict):
    """What a statement says of a number (a band or a bound) or of a text; one form of four.

    Attributes
    ----------
    value, within
        The band ``value - within`` to ``value + within``, ends included.
    at_most, at_least
        The bounds, included.
    equal
        The text.
    """

    value: Number | None = None
    within: Annotated[Number, Field(gt=0)] | None = None
    at_most: Number | None = None
    at_least: Number | None = None
    equal: Text | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = set(self.model_dump(exclude_none=True))
        if given not in ({"value", "within"}, {"at_most"}, {"at_least"}, {"equal"}):
            raise ValueError("takes value and within, or one of at_most, at_least, equal")
        return self

    @property
    def band(self) -> tuple[float, float]:
        """The numbers that meet it, from lowest to highest, ends included."""
        if self.value is not None and self.within is not None:
            return self.value - self.within, self.value + self.within
        lower = -inf if self.at_least is None else self.at_least
        return lower, inf if self.at_most is None else self.at_most

    def __str__(self) -> str:
        """Say it in words."""
        if self.value is not None:
            return f"{self.value:.4g} ± {self.within:.4g}"
        if self.equal is not None:
            return self.equal
        if self.at_most is not None:
            return f"at most {self.at_most:.4g}"
        return f"at least {self.at_least:.4g}"


class Test(Strict):
    """Where the number is.

    Attributes
    ----------
    measure
        Path of a table under ``results/measure``.
    where
        What selects exactly one row of it, by column: a value, a list of which any will do, or
        ``max`` or ``min``, the row with that extreme.
    column, low, high
        Columns of the value and of the ends of its interval, if it has one.
    over
        Column by which all three are divided.
    """

    __test__ = False  # Not one of pytest's.

    measure: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+/[a-z0-9-]+/[a-z0-9_]+\.csv$")]
    where: dict[str, Wanted]
    column: Text
    low: Text | None = None
    high: Text | None = None
    over: Text | None = None

    def __str__(self) -> str:
        """Say where the number is: file, columns and row, as a reader would look it up."""
        column = f"{self.column} / {self.over}" if self.over else self.column
        columns = f"{column} [{self.low}, {self.high}]" if self.low else column
        row = ", ".join(f"{key} {_written(wanted)}" for key, wanted in self.where.items())
        return f"measure/{self.measure}: {columns}" + (f" where {row}" if row else "")

    @model_validator(mode="after")
    def _whole_interval(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("names one end of an interval: give low and high, or neither")
        return self


class Claim(Strict):
    """One statement that can fail; without a test it is not implemented yet.

    ``headline`` marks the few statements that the one-page summary shows.
    """

    id: Annotated[str, StringConstraints(pattern=r"^(W[1-6]|S[1-5]|X[1-6])(-[a-z0-9]+)+$")]
    paper: Paper
    where: Text
    statement: Text
    expect: Expectation | None = None
    expected: Text | None = None
    test: Test | None = None
    figure: Annotated[str, StringConstraints(pattern=r"^figures/[a-z0-9_]+\.svg$")] | None = None
    headline: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.expect is None) == (self.expected is None):
            raise ValueError("needs either expect or expected, and not both")
        if self.test is not None and self.expect is None:
            raise ValueError("has a test, which needs expect")
        return self


class Assumption(Strict):
    """One choice that a paper leaves open; ``{key}`` in choice and tried stands for a setting."""

    id: Annotated[str, StringConstraints(pattern=r"^A[1-9]\d*$")]
    paper: Paper
    where: Text
    open: Text
    choice: Text
    tried: Text


class Evidence(Strict):
    """One number that a remark rests on, read from a measure."""

    shows: Text
    test: Test


class Remark(Strict):
    """One place where a paper's text and the evidence part."""

    id: Annotated[str, StringConstraints(pattern=r"^R[1-9]\d*$")]
    paper: Paper
    where: Text
    printed: Text
    found: Text
    evidence: Annotated[list[Evidence], Field(min_length=1)]
    figure: Annotated[str, StringConstraints(pattern=r"^figures/[a-z0-9_]+\.svg$")]


Row = TypeVar("Row", Claim, Assumption, Remark)


def parse_claims(rows: object) -> list[Claim]:
    """Check the rows of `config/claims.yaml`, as a YAML reader gives them.

    Raises
    ------
    UserError
        One sentence naming the row and its first mistake: an unknown or missing key, a wrong type,
        an id twice or not of the form ``W4-name``.
    """
    return _parse(rows, Claim, CLAIMS)


def parse_assumptions(rows: object) -> list[Assumption]:
    """Check the rows of `config/assumptions.yaml`, as `parse_claims` does those of claims."""
    return _parse(rows, Assumption, ASSUMPTIONS)


def parse_remarks(rows: object) -> list[Remark]:
    """Check the rows of `config/remarks.yaml`, as `parse_claims` does those of claims."""
    return _parse(rows, Remark, REMARKS)


def _written(wanted: Wanted) -> str:
    """Write what selects a row."""
    if isinstance(wanted, list):
        return " or ".join(wanted)
    if isinstance(wanted, bool):
        return "yes" if wanted else "no"
    return f"{wanted:g}" if isinstance(wanted, float) else str(wanted)


def _parse(rows: object, kind: type[Row], path: str) -> list[Row]:
    """Check every row of a list, and that no id comes twice."""
    if not isinstance(rows, list):
        raise UserError(f"{path} must hold a list of rows")
    parsed: dict[str, Row] = {}
    for number, given in enumerate(rows, start=1):
        name = f"row {number}"
        if isinstance(given, dict) and isinstance(given.get("id"), str):
            name = given["id"]
        try:
            row = kind.model_validate(given)
        except ValidationError as error:
            raise UserError(f"{path}: {name}: {_mistake(error)}") from None
        if row.id in parsed:
            raise UserError(f"{path}: {name}: the id is used twice")
        parsed[row.id] = row
    return list(parsed.values())


def _mistake(error: ValidationError) -> str:
    """Put the first mistake into words."""
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"]) or "the row"
    if first["type"] == "extra_forbidden":
        return f"unknown key {key}"
    if first["type"] == "missing":
        return f"{key} is missing"
    if first["type"] == "value_error":
        return f"{key} {first['ctx']['error']}"
    return f"{key} is {first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}"
