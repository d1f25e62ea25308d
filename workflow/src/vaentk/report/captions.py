"""What the page says in words: titles, leads, captions, headings, from YAML files."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from vaentk import strict_yaml
from vaentk.errors import UserError

PAGE = "workflow/report/page.yaml"
"""Where the words about all experiments are, as errors name it."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


Entry = TypeVar("Entry", bound=_Entry)


class Caption(_Entry):
    """What the page says about one figure or table."""

    name: str
    title: str
    caption: str


class Section(_Entry):
    """One experiment on the page: the ``words.yaml`` of its room, with the experiment as ``id``.

    ``drawn`` says what data the runs draw themselves, where they do, with their settings under
    ``data`` in braces. ``columns`` and ``formats`` are headings and Python formats of the columns
    of its tables.
    """

    id: str
    protocol: str
    title: str
    lead: str
    claimed: str
    drawn: str | None = None
    figures: tuple[Caption, ...] = ()
    tables: tuple[Caption, ...] = ()
    columns: dict[str, str] = {}
    formats: dict[str, str] = {}


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


class PageText(_Entry):
    """All that the page says and is not a result: `workflow/report/page.yaml` and the rooms'.

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
    sections
        The experiments, in the order of the page.
    columns, formats
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
    columns: dict[str, str]
    formats: dict[str, str]


def read_page_text(text: str, rooms: Mapping[str, str]) -> PageText:
    """Read what the page says of all, and of each experiment.

    Parameters
    ----------
    text
        Of ``workflow/report/page.yaml``.
    rooms
        Text of ``words.yaml`` by experiment, in the order of the page.

    Raises
    ------
    UserError
        One sentence naming the first file and key that is wrong.
    """
    sections = [read_section(kind, words) for kind, words in rooms.items()]
    plain = _mapping(text, PAGE)
    return _checked(PageText, PAGE, plain | {"sections": [s.model_dump() for s in sections]})


def read_section(kind: str, text: str) -> Section:
    """Read one experiment's ``words.yaml``; errors as for `read_page_text`."""
    place = f"{kind}/words.yaml"
    plain = _mapping(text, place) | {"id": kind}
    for key in ("figures", "tables"):
        plain[key] = [{"name": name} | words for name, words in plain.get(key, {}).items()]
    return _checked(Section, place, plain)


def _mapping(text: str, place: str) -> dict[str, Any]:
    plain = strict_yaml.read(text, place)
    if not isinstance(plain, dict):
        raise UserError(f"{place} must hold a mapping")
    return plain


def _checked(entry: type[Entry], place: str, plain: Mapping[str, Any]) -> Entry:
    try:
        return entry.model_validate_json(json.dumps(plain))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise UserError(f"{place}: {key}: {first['msg']}") from None
