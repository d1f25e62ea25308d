"""What the report says in words: leads, captions, headings, from YAML files."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from vaentk.errors import UserError


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


Entry = TypeVar("Entry", bound=_Entry)


class Words(_Entry):
    """What the page says about one figure or table."""

    name: str
    title: str
    caption: str


class Section(_Entry):
    """One experiment on the page: the ``words.yaml`` of its room, with the experiment as ``id``.

    ``dataset`` is what all its runs take; None where each run names its own. ``drawn`` says what
    data the runs draw themselves, with their settings under ``data`` in braces.
    """

    id: str
    protocol: str
    title: str
    lead: str
    claimed: str
    dataset: str | None = None
    drawn: str | None = None
    figures: tuple[Words, ...] = ()
    tables: tuple[Words, ...] = ()


class Paper(_Entry):
    """A paper whose statements are tested, or what goes beyond it.

    ``letter`` is what the ids of its claims begin with, ``short`` its name as claims give it.
    """

    letter: str
    short: str
    citation: str
    url: str


class Dataset(_Entry):
    """A data set: for each label its provenance may carry, the honest words for it.

    ``{images}`` in the words stands for the number of images.
    """

    title: str
    words: dict[str, str]


class Sections(_Entry):
    """All that the page says and is not a result: `workflow/report/sections.yaml`.

    Attributes
    ----------
    verdicts
        What each verdict means.
    beyond
        What stands for the statements that are none of a paper's; without an address.
    references
        What stands above the reference runs.
    remarks
        What stands above the remarks on the papers' text.
    origins
        What to write for a claim's paper, where it is not the name of one.
    protocols
        Title by the label that claim ids begin with, in the order of the page.
    sheets
        Caption of every contact sheet.
    labels, formats
        Heading and Python format of a column by its name, for every table.
    """

    title: str
    summary: str
    verdicts: dict[str, str]
    papers: tuple[Paper, ...]
    beyond: Paper
    references: str
    remarks: str
    origins: dict[str, str]
    protocols: dict[str, str]
    datasets: dict[str, Dataset]
    sheets: str
    sections: tuple[Section, ...]
    labels: dict[str, str]
    formats: dict[str, str]


def read_sections(text: str, rooms: Mapping[str, str]) -> Sections:
    """Read what the report says of all, and of each experiment.

    Parameters
    ----------
    text
        Of ``workflow/report/sections.yaml``.
    rooms
        Text of ``words.yaml`` by experiment, in the order of the page.

    Raises
    ------
    UserError
        One sentence naming the first file and key that is wrong.
    """
    sections = [read_section(kind, words) for kind, words in rooms.items()]
    plain = _plain("workflow/report/sections.yaml", text)
    plain["sections"] = [section.model_dump() for section in sections]
    return _checked(Sections, "workflow/report/sections.yaml", plain)


def read_section(kind: str, text: str) -> Section:
    """Read one experiment's ``words.yaml``; errors as for `read_sections`."""
    place = f"{kind}/words.yaml"
    plain = _plain(place, text) | {"id": kind}
    for key in ("figures", "tables"):
        plain[key] = [{"name": name} | words for name, words in plain.get(key, {}).items()]
    return _checked(Section, place, plain)


def _plain(place: str, text: str) -> dict[str, Any]:
    try:
        return dict(yaml.safe_load(text))
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{place} is not YAML: {reason}") from None


def _checked(entry: type[Entry], place: str, plain: Mapping[str, Any]) -> Entry:
    try:
        return entry.model_validate_json(json.dumps(plain))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise UserError(f"{place}: {key}: {first['msg']}") from None
