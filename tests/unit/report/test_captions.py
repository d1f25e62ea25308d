"""The words of the report: the real ones, and mistakes in one sentence."""

import html
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest
from docutils.core import publish_parts
from docutils.writers.html4css1 import Writer
from pages import PAGE, ROOM, TEXTS, rooms

from vaentk.errors import UserError
from vaentk.report.captions import read_page_text, read_section


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("title: A title", "titel: A title", "page.yaml: title: Field required"),
        ("protocol: W4", "protocol: 4", "weight_change/words.yaml: protocol: Input should be"),
        ("title: A title", "title: [", "page.yaml is not YAML"),
        ("title: A title", "- title", "page.yaml is not YAML"),
        ("columns: {held: holds}", "columns: {held: a, held: b}", "the key 'held' stands twice"),
        ("caption: By layer.", "capt: x", "weight_change/words.yaml: tables.0.caption: Field"),
    ],
)
def test_wrong_words_are_one_sentence(old: str, new: str, sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)):
        read_page_text(PAGE.replace(old, new, 1), {"weight_change": ROOM.replace(old, new, 1)})


def test_the_real_words_are_whole() -> None:
    text = read_page_text((TEXTS / "page.yaml").read_text(encoding="utf-8"), rooms())
    assert len(text.sections) == len(rooms()) > 10
    for section in text.sections:
        assert section.figures
        assert section.tables
        # What a column is called anyway needs no words, nor what it is called everywhere.
        for name, heading in section.columns.items():
            assert heading != text.columns.get(name), (section.id, name)
            assert heading != name.replace("_", " ") or name in text.columns, (section.id, name)


LABELS = {
    "mnist": {"embedded subset", "real"},
    "dsprites": {"drawn", "real"},
    "celeba": {"partial", "real"},
    "celeba_whole": {"partial", "real"},
    "faces": {"stand-in"},
    "cars3d": {"real"},
    "cifar10": {"real"},
    "cifar100": {"real"},
}
"""What the scripts that make images say that they are."""


def test_every_data_set_has_words_for_what_it_may_be() -> None:
    datasets = read_page_text((TEXTS / "page.yaml").read_text(encoding="utf-8"), {}).datasets
    assert {name: set(dataset.words) for name, dataset in datasets.items()} == LABELS


def rendered(path: Path, **params: Any) -> str:
    """A caption of Snakemake's own report as HTML."""
    job = SimpleNamespace(config={"name": "tiny"}, params=params)
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    text = environment.from_string(path.read_text(encoding="utf-8")).render(snakemake=job)
    return publish_parts(text, writer=Writer(), settings_overrides={"halt_level": 2})["body"]


@pytest.mark.parametrize("path", sorted(TEXTS.rglob("*.rst")), ids=lambda path: path.stem)
def test_captions_are_valid_text(path: Path) -> None:
    body = rendered(path, captions={"A title": "One of nine words which say what it is."})
    assert len(re.sub(r"<[^>]+>", "", body).split()) > 8
    assert "{" not in body


@pytest.mark.parametrize("kind", rooms())
def test_captions_of_experiments_are_shown_as_they_are_written(kind: str) -> None:
    section = read_section(kind, rooms()[kind])
    for entries in (section.figures, section.tables):
        said = {entry.title: entry.caption for entry in entries}
        body = rendered(TEXTS / "captions" / "made.rst", captions=said)
        shown = html.unescape(re.sub(r"<[^>]+>", "", body))
        words = [word for pair in said.items() for word in ": ".join(pair).split()]
        assert shown.split() == words
