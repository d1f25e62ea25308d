"""Data sets as the report shows them: the facts of a run joined with the table of files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vaentk.data.table import DataFile
from vaentk.report.figure import Figure

OURS = {"stand-in", "drawn"}
"""What vaentk draws itself, under its own licence."""

LICENCE = "MIT, the vaentk authors"


@dataclass(frozen=True)
class Source:
    """A data set as this run used it.

    Attributes
    ----------
    label
        The ``data`` entry of its provenance: real, embedded subset or stand-in.
    images, pixels
        Number of images there are, and pixels a side.
    facts
        What else is known of it: terms and words.
    sheet
        Images to look at.
    """

    name: str
    label: str
    images: int
    pixels: int
    licence: str
    citation: str
    checksum: str
    facts: Sequence[tuple[str, str]] = ()
    sheet: Figure | None = None


def sources(
    facts: pd.DataFrame, files: Sequence[DataFile], sheets: Mapping[str, Figure]
) -> dict[str, Source]:
    """Describe every data set of a run, by name.

    ``facts`` has one row per data set, as `vaentk.data.overview.facts` makes them; ``files`` is the
    table of data files, for licences and citations; ``sheets`` are contact sheets by data set.
    """
    rows = [
        {str(key): value for key, value in row.items() if pd.notna(value) and value != ""}
        for row in facts.to_dict("records")
    ]
    return {row["name"]: _source(row, files, sheets.get(row["name"])) for row in rows}


def _source(row: Mapping[str, Any], files: Sequence[DataFile], sheet: Figure | None) -> Source:
    cited = next((file for file in files if file.name == row["dataset"]), None)
    licence, citation = (cited.licence, cited.citation) if cited else ("", "")
    if row["data"] in OURS:
        licence, citation = LICENCE, f"After {citation}" if cited else "Drawn here"
    return Source(
        name=row["name"],
        label=row["data"],
        images=row["images"],
        pixels=row["height"],
        licence=licence,
        citation=citation,
        checksum=row["checksum"],
        facts=_facts(row),
        sheet=sheet,
    )


def _facts(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Terms and words for what a row says beyond the fields that every source has."""
    shape = f"{row['channels']} x {row['height']} x {row['width']}"
    said = [
        ("Source", row["source"]),
        ("Shape", f"{row['images']:,} images, uint8, {shape} (channels, height, width)"),
        ("Values", f"from 0 to 1: mean {row['mean']:.6f}, standard deviation {row['std']:.6f}"),
    ]
    named = {
        "factors": "Factors (sizes)",
        "attributes": "Attributes",
        "parts": "Parts",
        "agreement": "Agreement with the published images",
    }
    return said + [(term, row[key]) for key, term in named.items() if key in row]
