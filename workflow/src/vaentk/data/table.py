"""The table of data files, `config/datasets.csv`: what each is, its mirrors, its checksum."""

import csv
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from vaentk.errors import UserError

_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
_Url = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+/\S+$")]
_Checksum = Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64}|md5:[0-9a-f]{32})$")]
_Text = Annotated[str, StringConstraints(min_length=1)]


class DataFile(BaseModel):
    """One file of a data set, a row of ``config/datasets.csv``.

    Mirrors are tried in their order; there are none where nobody offers the file. Where no source
    states its size, ``bytes`` is None and the checksum alone decides.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    name: _Name
    version: _Text
    file: _Name
    mirrors: tuple[_Url, ...]
    bytes: Annotated[int, Field(gt=0)] | None
    checksum: _Checksum
    licence: _Text
    citation: _Text

    @property
    def identity(self) -> str:
        """Size and checksum, by which a person knows the right file."""
        return f"{self.bytes} bytes, {self.checksum}" if self.bytes else self.checksum

    @model_validator(mode="after")
    def _open_lines_need_a_strong_checksum(self) -> Self:
        if any(url.startswith("http:") for url in self.mirrors) and "sha256:" not in self.checksum:
            raise ValueError("an http mirror needs a checksum sha256: others may change the line")
        return self

    def path(self, cache: Path) -> Path:
        """Where the file lies in the folder `cache`."""
        return cache / self.name / self.file


def read_table(path: Path) -> list[DataFile]:
    """Read a table with exactly the columns of `DataFile`; mirrors are separated by a space.

    A `UserError` names the line and the column of what breaks the schema.
    """
    columns = list(DataFile.model_fields)
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream, strict=True)
            if list(reader.fieldnames or ()) != columns:
                raise UserError(f"{path} must begin with the columns {','.join(columns)}.")
            files = [_row(path, reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as a csv table: {error}.") from error
    seen: set[tuple[str, str]] = set()
    for file in files:
        if (file.name, file.file) in seen:
            raise UserError(f"{path} lists {file.file} of {file.name} twice: keep one of the rows.")
        seen.add((file.name, file.file))
    return files


def _row(path: Path, line: int, row: dict[str, str]) -> DataFile:
    """One checked row; `row` is what csv.DictReader read up to `line`."""
    here = f"{path}, row at line {line}"
    if None in row or None in row.values():
        wanted = len(DataFile.model_fields)
        raise UserError(f"{here} must have {wanted} columns: quote a value that has a comma.")
    values: dict[str, object] = {**row, "mirrors": tuple(row["mirrors"].split())}
    if not row["bytes"]:
        values["bytes"] = None
    elif row["bytes"].isascii() and row["bytes"].isdigit():
        values["bytes"] = int(row["bytes"])
    try:
        return DataFile.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        column = str(first["loc"][0]) if first["loc"] else "mirrors"
        raise UserError(
            f"{here}, column {column}: {first['msg'][0].lower()}{first['msg'][1:]} "
            f"(found {row[column]!r})."
        ) from error
