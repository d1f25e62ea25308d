"""What the page says in words: titles, leads, captions, headings, from YAML files."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from vaentk import strict_yaml
from vaentk.errors import UserError
from vaentk.experiments.settings import Strict

PAGE = "workflow/report/page.yaml"
"""Where the words about all experiments are, as errors name it."""

Entry = TypeVar("Entry", bound=Strict)


class Caption(Strict):
    """What the page says about one figure or table.

    A figure's ``takeaway`` is a sentence of what it shows; ``{id}`` in it is a statement's number.
    """

    name: str
    title: str
    takeaway: str = ""
    caption: str


class Section(Strict):
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
    columns: dict[str, str] = Field({})
    formats: dict[str, str] = Field({})


class Paper(Strict):
    """A paper whose statements are tested, or what goes beyond it.

    ``letter`` is what the ids of its claims begin with, ``short`` its name as claims give it.
    """

    letter: str
    short: str
    citation: str
    url: str


class Dataset(Strict):
    """A data set: for each label its provenance may carry, the honest words for it.

    ``{images}`` in the words stands for the number of images.
    """

    title: str
    words: dict[str, str]


class FindingText(Strict):
    """A finding that the page begins with: a statement, and a sentence for some of its verdicts."""

    claim: str
    says: dict[str, str]
    otherwise: str


class PageText(Strict):
    """All that the page says and is not a result: `workflow/report/page.yaml` and the rooms'.

    ``beyond`` stands for the statements that are none of a paper's, ``references`` and ``remarks``
    above what they name; ``origins`` replaces a claim's paper that is none. ``protocols`` is titles
    by the label that claim ids begin with, in the order of the page; ``sheets`` is the caption of
    every contact sheet; ``columns`` and ``formats`` are for the tables of all experiments.
    """

    title: str
    summary: str
    findings: tuple[FindingText, ...] = ()
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

    ``text`` is that of ``workflow/report/page.yaml``, ``rooms`` that of ``words.yaml`` by
    experiment, in the order of the page. A mistake is a `UserError`, one sentence that names the
    first file and key that is wrong.
    """
    sections = [read_section(kind, words).model_dump() for kind, words in rooms.items()]
    return checked(PageText, PAGE, _mapping(text, PAGE) | {"sections": sections})


def read_section(kind: str, text: str) -> Section:
    """Read one experiment's ``words.yaml``; errors as for `read_page_text`."""
    place = f"{kind}/words.yaml"
    plain = _mapping(text, place) | {"id": kind}
    for key in ("figures", "tables"):
        plain[key] = [{"name": name} | words for name, words in plain.get(key, {}).items()]
    return checked(Section, place, plain)


def checked(entry: type[Entry], place: str, plain: object) -> Entry:
    """Build an entry of what a file holds; a mistake is one sentence that names file and key."""
    try:
        return entry.model_validate_json(json.dumps(plain))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise UserError(f"{place}: {key}: {first['msg']}") from None
    except TypeError as error:  # YAML's dates
        raise UserError(f"{place}: {error}") from None


def _mapping(text: str, place: str) -> dict[str, Any]:
    plain = strict_yaml.read(text, place)
    if not isinstance(plain, dict):
        raise UserError(f"{place} must hold a mapping")
    return plain
