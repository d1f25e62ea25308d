"""A page that holds what it was given, whole and alone."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
from pages import DIGITS, ROOM, SLOPES, SVG, material, page, without_run_times

from vaentk.report.figure import Figure
from vaentk.report.page import columns, settings
from vaentk.report.text import plain


def test_columns_join_intervals_and_label_what_they_show() -> None:
    frame = pd.DataFrame(
        {
            "run": ["a", "b"],
            "slope": [-0.5, 1 / 3],
            "low": [-0.61, np.nan],
            "high": [-0.4, np.nan],
            "some_low": [1.0, 2.0],
            "below": [False, True],
        }
    )
    made = columns(frame, {"interval": "95% interval"}, {"slope": ".3f"})
    assert [column.heading for column in made] == [
        "run",
        "slope",
        "95% interval",
        "some low",
        "below",
    ]
    assert made[1].cells == ["−0.500", "0.333"]
    assert made[2].cells == ["[−0.61, −0.4]", "–"]
    assert made[4].cells == ["no", "yes"]
    assert [column.numeric for column in made] == [False, True, True, True, False]


def test_an_experiment_has_headings_of_its_own() -> None:
    text = page()
    assert "holds</th>" in text
    assert "is it</th>" not in text
    assert "is it</th>" in page(words=ROOM.replace("columns: {held: holds}", ""))


def test_settings_are_flat_and_a_run_may_lack_one() -> None:
    frame = settings(
        {"a": {"inputs": {"samples": 8}, "beta": 0.1}, "b": {"inputs": {"samples": 9}}}
    )
    assert frame.to_numpy().tolist() == [["inputs.samples", "8", "9"], ["beta", "0.1", "–"]]


def test_cells_carry_the_number_that_they_are_sorted_by() -> None:
    text = page()
    assert '<td class="number" data-value="-0.98765">−0.988</td>' in text
    assert "<dt>Measured</dt><dd>−0.4988" in text
    assert [plain(value) for value in ("1e-06", "", "n beta", np.nan)] == ["1e-06", "", "", ""]


def test_the_policy_allows_the_one_script_by_its_hash() -> None:
    text = page()
    script = re.search(r"<script>(.*)</script>", text, re.DOTALL)
    assert script
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'\"" in text
    assert "unsafe-inline" not in text[text.index("script-src") :][:80]


class Tags(HTMLParser):
    """Collects every tag with its attributes, and fails on one that is not closed in order."""

    VOID = ("meta", "link", "img", "br", "input")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_whole_and_alone() -> None:
    tags = Tags(page()).found
    sources = [value for _, known in tags for name, value in known.items() if name == "src"]
    assert len(sources) == 1
    assert all(str(source).startswith("data:image/svg+xml,<svg") for source in sources)
    assert not [tag for tag, _ in tags if tag in ("iframe", "object")]
    assert [known for tag, known in tags if tag == "script"] == [{}]
    loaded = [known["href"] for tag, known in tags if tag == "link"]
    assert loaded == ["data:,"]
    ids = {known["id"] for _, known in tags if "id" in known}
    links = [str(known["href"]) for tag, known in tags if tag == "a"]
    targets = {link[1:] for link in links if link.startswith("#")}
    beside = {f"../{SLOPES}", "../tables/slopes.csv"}
    assert {link for link in links if link[0] != "#"} == {
        *("summary.html", "https://arxiv.org/abs/1"),
        *beside,
    }
    assert targets <= ids
    assert {"figure-change", "claim-W4-a", "weight_change"} <= targets


def test_the_summary_has_the_headlines_alone() -> None:
    text = page("summary.html.j2")
    Tags(text)
    assert "W4-a" in text
    assert "W4-c" not in text
    for said in (
        "−0.4988",
        "a machine",
        "<strong>2</strong> of the papers' statements and 0 of our own",
        "tiny",
        "abc",
        "embedded subset",
    ):
        assert said in text


def test_page_says_what_it_was_given() -> None:
    text = page()
    assert "2 of the papers' 4 statements were tested, and 0 of our own 1" in re.sub(
        r"\s+", " ", text
    )
    assert "−0.4988" in text
    assert "[−0.6123, −0.4]" in text
    assert "real digits, 5,000 of them, 128 images, mean-pooled to 7×7, unit-norm" in text
    assert 'alt="Falling &#34;lines&#34;"' in text
    assert 'width="96" height="48"' in text
    assert "2.13.0, 2.14.1" in text
    assert "f" * 12 + "<" in text
    assert "which &amp; why" in text
    assert "First 2024: Lemma 1" in text
    assert "ours: Eq. 2" in text
    assert text.count("<script>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_only_the_run_times_depend_on_the_machine() -> None:
    other = pd.DataFrame(
        {
            "job": ["train/x", "train/y"],
            "seconds": [7777.7, 1.0],
            "max_rss_mb": [8888.8, 2.0],
            "machine": ["another machine", "a third"],
        }
    )
    for name in ("index.html.j2", "summary.html.j2"):
        before, after = page(name), page(name, run_times=other)
        assert page(name) == before
        assert before != after
        assert without_run_times(before) == without_run_times(after)
        assert "another machine" in after


def test_a_data_set_shows_its_images_and_facts() -> None:
    shown = replace(
        DIGITS, facts=(("Shape", "1 x 28 x 28"),), sheet=Figure(SVG, "Digits in <rows>")
    )
    text = page(sources={"digits": shown})
    assert 'id="figure-images_digits"' in text
    assert 'alt="Digits in &lt;rows&gt;"' in text
    assert "<dt>Shape</dt><dd>1 x 28 x 28</dd>" in text
    assert 'id="figure-images_digits"' not in page()


def test_an_experiment_that_did_not_run_has_no_section() -> None:
    text = page(
        config={"name": "none", "experiments": {"weight_change": {}}}, figures={}, tables={}
    )
    assert 'id="weight_change"' not in text
    assert "claim-W4-a" in text


def test_a_configuration_may_warn_its_reader() -> None:
    config = material()["config"] | {"note": "Says nothing about <the> papers."}
    assert "<strong>Mind:</strong> Says nothing about &lt;the&gt; papers." in page(config=config)
    assert "Mind:" not in page()
