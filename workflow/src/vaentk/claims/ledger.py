"""The rows of claims.yaml, assumptions.yaml and remarks.yaml in config/: typed, strict, closed."""

from math import inf
from typing import Annotated, ClassVar, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator
from pydantic.types import StringConstraints

from vaentk.errors import UserError
from vaentk.experiments.settings import RunName, Strict

EXTREMES = ("max", "min")
"""The values of `Test.where` that are found in the measure."""

Text = Annotated[str, StringConstraints(min_length=1)]
FigurePath = Annotated[str, StringConstraints(pattern=r"^figures/[a-z0-9_]+\.svg$")]
Paper = Literal["Wang & Huang 2024", "Surendran et al. 2024", "both", "beyond"]
Number = Annotated[float, Field(allow_inf_nan=False)]
Wanted = bool | int | float | str | list[str] | list[float]


class Expectation(Strict):
    """What a statement says of a number or of a text; one form of four.

    These are the band ``value - within`` to ``value + within``, one of the bounds ``at_most`` and
    ``at_least``, all ends included, or the text ``equal``.
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
    def direction(self) -> str:
        """Which numbers would fail it: those above, those below, or both."""
        if self.value is not None:
            return "two-sided"
        if self.equal is not None:
            return "equal"
        return "at least" if self.at_most is None else "at most"

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
    """Where the number is: rows and columns of a table under ``results/measure``.

    ``where`` selects rows, by column: a value, a list of which any will do, or ``max`` or ``min``,
    the rows with that extreme. One row is left, whose ``column`` has the value, and whose ``low``
    and ``high`` have the ends of its interval; by the column ``over`` all three are divided. Or:

    - ``across: seed``: a row of each seed is left, and the mean of the values has Student's
      interval, that of the logarithm where ``log`` says that the quantity is positive. An
      extreme of ``column`` itself is then that of each seed.
    - ``exact``: the number has no chance in it, and no interval.
    - ``every``: rows that these columns tell apart are all read, with intervals that hold together.
    - ``choices``: further runs of the kind, which differ in the choice of images. Those that the
      configuration has are read too, told apart by a column ``run``, which ``every`` must name.
    """

    __test__ = False  # Not one of pytest's.

    measure: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+/[a-z0-9-]+/[a-z0-9_]+\.csv$")]
    where: dict[str, Wanted]
    column: Text
    low: Text | None = None
    high: Text | None = None
    over: Text | None = None
    across: Text | None = None
    log: bool = False
    every: list[Text] = Field(default_factory=list)
    choices: list[RunName] = Field(default_factory=list)
    exact: bool = False

    @property
    def interval(self) -> bool:
        """Whether what is read has an interval, or needs none."""
        return self.exact or self.low is not None or self.across is not None

    @property
    def measures(self) -> dict[str, str]:
        """The measures that are read, by run: one, or one a choice of images."""
        kind, run, name = self.measure.split("/")
        return {each: f"{kind}/{each}/{name}" for each in (run, *self.choices)}

    def __str__(self) -> str:
        """Say where the number is: file, columns and row, as a reader would look it up."""
        column = f"{self.column} / {self.over}" if self.over else self.column
        columns = f"{column} [{self.low}, {self.high}]" if self.low else column
        terms = [f"{key} {_written(wanted)}" for key, wanted in self.where.items()]
        terms += [f"every {key}" for key in self.every]
        terms += [f"and in {run}" for run in self.choices]
        mean = f"{'geometric ' if self.log else ''}mean over each {self.across}"
        row = ", ".join([*terms, mean] if self.across else terms)
        return f"measure/{self.measure}: {columns}" + (f" where {row}" if row else "")

    @model_validator(mode="after")
    def _one_interval(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("names one end of an interval: give low and high, or neither")
        if sum((self.low is not None, self.across is not None, self.exact)) > 1:
            raise ValueError("takes one of low and high, across, exact")
        if self.log and self.across is None:
            raise ValueError("has log, which needs across")
        if self.choices:
            extremes = {key for key, wanted in self.where.items() if wanted in EXTREMES}
            if "run" not in self.every or extremes - {self.column}:
                # An extreme over all runs would leave out those that have a lesser one.
                raise ValueError("has choices: every must name run, and where no other extreme")
        return self


class Evidence(Strict):
    """One number, read from a measure, and what it shows."""

    shows: Text
    test: Test


class Premise(Strict):
    """What a statement is said of: where it does not hold, the statement is not judged.

    ``beyond`` is what is known of the statement where it does hold: a number that follows from the
    statement's own formula, or an extrapolation.
    """

    says: Text
    test: Test
    expect: Expectation
    beyond: Evidence | None = None


class Claim(Strict):
    """One statement that can fail; without a test it is not implemented yet.

    ``premise`` has what it is said of, all of which must hold. ``certain`` says why a run could
    hardly have failed it, where that is so. ``headline`` marks the few statements that the one-page
    summary shows.
    """

    file: ClassVar = "config/claims.yaml"

    id: Annotated[str, StringConstraints(pattern=r"^(W[1-6]|S[1-5]|X([1-9]|1[0-3]))(-[a-z0-9]+)+$")]
    paper: Paper
    where: Text
    statement: Text
    expect: Expectation | None = None
    expected: Text | None = None
    test: Test | None = None
    premise: list[Premise] = Field(default_factory=list)
    certain: Text | None = None
    figure: FigurePath | None = None
    headline: bool = False

    @property
    def origin(self) -> str:
        """Whose statement it is: a paper's, or ours."""
        return "ours" if self.paper == "beyond" else "paper"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.expect is None) == (self.expected is None):
            raise ValueError("needs either expect or expected, and not both")
        if self.test is None:
            return self
        if self.expect is None:
            raise ValueError("has a test, which needs expect")
        if self.expect.equal is None and not self.test.interval:
            raise ValueError("has a test without interval: give low and high, across, or exact")
        return self


class Assumption(Strict):
    """One choice that a paper leaves open; ``{key}`` in choice and tried stands for a setting."""

    file: ClassVar = "config/assumptions.yaml"

    id: Annotated[str, StringConstraints(pattern=r"^A[1-9]\d*$")]
    paper: Paper
    where: Text
    open: Text
    choice: Text
    tried: Text


class Remark(Strict):
    """One place where a paper's text and the evidence part."""

    file: ClassVar = "config/remarks.yaml"

    id: Annotated[str, StringConstraints(pattern=r"^R[1-9]\d*$")]
    paper: Paper
    where: Text
    printed: Text
    found: Text
    evidence: Annotated[list[Evidence], Field(min_length=1)]
    figure: FigurePath


Row = TypeVar("Row", Claim, Assumption, Remark)


def parse(rows: object, kind: type[Row]) -> list[Row]:
    """Check the rows of one file of the ledger, as a YAML reader gives them.

    A mistake is a `UserError`, one sentence that names the row and its first mistake: an unknown or
    missing key, a wrong type, an id twice or not of the form that such rows have.
    """
    if not isinstance(rows, list):
        raise UserError(f"{kind.file} must hold a list of rows")
    parsed: dict[str, Row] = {}
    for number, given in enumerate(rows, start=1):
        name = f"row {number}"
        if isinstance(given, dict) and isinstance(given.get("id"), str):
            name = given["id"]
        try:
            row = kind.model_validate(given)
        except ValidationError as error:
            raise UserError(f"{kind.file}: {name}: {_mistake(error)}") from None
        if row.id in parsed:
            raise UserError(f"{kind.file}: {name}: the id is used twice")
        parsed[row.id] = row
    return list(parsed.values())


def _written(wanted: Wanted) -> str:
    """Write what selects a row."""
    if isinstance(wanted, list):
        return " or ".join(_written(one) for one in wanted)
    if isinstance(wanted, bool):
        return "yes" if wanted else "no"
    return f"{wanted:g}" if isinstance(wanted, float) else str(wanted)


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
