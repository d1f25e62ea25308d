"""The report: known words for known values, and a page that holds what it was given."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import numpy as np
import pandas as pd
import pytest
from docutils.core import publish_parts
from docutils.writers.html4css1 import Writer

from vaentk.data.table import DataFile
from vaentk.errors import UserError
from vaentk.report import (
    Source,
    describe_machine,
    gather,
    read_reference,
    read_sections,
    render,
    sources,
)
from vaentk.report.inputs import inputs
from vaentk.report.page import columns, settings
from vaentk.report.reference import agreement
from vaentk.report.text import number, plain, quantity, typeset
from vaentk.report.verdicts import claim_groups, overview, statements

TEXTS = Path(__file__).parents[3] / "workflow" / "report"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt" viewBox="0 0 72 36"/>'
WORDS = """
title: A title
summary: What this is.
verdicts: {reproduced: held, not reproduced: failed, inconclusive: unclear, not run: absent}
papers: [{letter: W, short: First 2024, citation: "A. First, 2024", url: "https://arxiv.org/abs/1"}]
beyond: {letter: X, short: Beyond, citation: Our own, url: ""}
references: Made elsewhere.
remarks: What follows is offered.
origins: {beyond: ours}
protocols: {W1: Kernels, W4: "Figure 2: weights", X1: Beyond}
datasets: {digits: {title: Digits, words: {embedded subset: "real digits, {images} of them"}}}
sheets: In rows.
sections:
  - id: weight_change
    protocol: W4
    title: Weights
    lead: The change falls.
    claimed: As m^(-1/2).
    dataset: digits
    figures: [{name: change, title: Change, caption: By width.}]
    tables: [{name: slopes, title: Slopes, caption: By layer.}]
labels: {interval: 95% interval, lambda_0: lambda_0}
formats: {slope: ".3f"}
"""
SLOPES = "measure/weight_change/small/slopes.csv"
DIGITS = Source("digits", "embedded subset", 5000, 28, "free", "Someone", "sha256:1")


def claim(name: str, verdict: str, **known: Any) -> dict[str, Any]:
    blank = dict.fromkeys(
        ("measured", "interval", "reason", "figure", "source", "headline"), np.nan
    )
    row = {
        "id": name,
        "paper": "First 2024",
        "where": "Lemma 1",
        "statement": "it holds",
        "expected": "> 0",
    }
    return row | dict.fromkeys(blank, np.nan) | {"verdict": verdict} | known


def material(**changes: Any) -> dict[str, Any]:
    run = {
        "inputs": {"samples": 128, "resolution": 7, "scaling": "unit-norm"},
        "widths": [64, 16384],
        "beta": 0.01,
    }
    given: dict[str, Any] = {
        "config": {"name": "tiny", "experiments": {"weight_change": {"small": run}}},
        "claims": pd.DataFrame(
            [
                claim("X1-a", "not run", reason="not implemented yet"),
                claim("W1-a", "not run", reason="not implemented yet"),
                claim(
                    "W4-a",
                    "reproduced",
                    measured="-0.4987654",
                    figure="figures/change.svg",
                    source=f"{SLOPES}: slope [low, high] where layer enc",
                    headline="yes",
                ),
                claim("W4-b", "not run", reason="<script>alert(1)</script>"),
                claim("W4-c", "inconclusive", interval="[-0.61234, -0.4]", figure="elsewhere"),
            ]
        ),
        "assumptions": pd.DataFrame(
            {
                "id": ["A1"],
                "paper": ["beyond"],
                "where": ["Eq. 2"],
                "open": ["which & why"],
                "choice": ["`sigma0`"],
                "tried": [np.nan],
            }
        ),
        "remarks": pd.DataFrame(
            {
                "id": ["R1"],
                "paper": ["beyond"],
                "where": ["Eq. 13"],
                "printed": ["the ridge is beta"],
                "found": ["it is n beta"],
                "evidence": ["error to n beta: 0.0171\nerror to beta: 0.34"],
                "figure": ["figures/change.svg"],
            }
        ),
        "figures": {"change": (SVG, 'Falling "lines"')},
        "tables": {"slopes": pd.DataFrame({"layer": ["mu"], "slope": [-0.98765], "held": [True]})},
        "sources": [DIGITS],
        "benchmarks": pd.DataFrame(
            {"job": ["train/x"], "seconds": [1.26], "max_rss_mb": [99.6], "machine": ["a machine"]}
        ),
        "sidecars": {
            "b.csv": {"code": "f" * 64, "rule": "train", "versions": {"torch": "2.14.1"}},
            "a.csv": {"code": None, "versions": {"torch": "2.13.0"}, "inputs": {"b.csv": "1"}},
        },
        "references": [],
        "commit": "abc",
    }
    return given | changes


def page(template: str = "index.html.j2", words: str = WORDS, **changes: Any) -> str:
    data = gather(read_sections(words), **material(**changes))
    texts = [(TEXTS / name).read_text("utf-8") for name in (template, "style.css", "page.js")]
    return render(*texts, data)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.498765, "−0.4988"),
        (0.5, "0.5"),
        (64.0, "64"),
        (np.int64(131072), "131,072"),
        (4096, "4096"),
        (3.2e-07, "3.2\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10⁻⁷"),
        (-1.23456e12, "−1.235\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10¹²"),
        (True, "yes"),
        (np.False_, "no"),
        ("False", "no"),
        (float("nan"), "–"),
        (None, "–"),
        (pd.NA, "–"),
        ("", "–"),
        (float("-inf"), "−∞"),
        ([64, 16384], "64, 16384"),
        ([0.1, 1.0], "0.1, 1"),
        ([], "–"),
        ("mnist-7x7", "mnist-7x7"),
    ],
)
def test_number(value: object, text: str) -> None:
    assert number(value) == text


def test_number_with_a_format() -> None:
    assert number(-0.5, ".3f") == "−0.500"
    assert number(1234.56, ",.1f") == "1,234.6"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("[-0.5123456, -0.49]", "[−0.5123, −0.49]"),
        ("-0.50", "−0.50"),
        ("1.23456e-05 of 128", "1.235\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10⁻⁵ of 128"),
        ("below -0.123456", "below −0.1235"),
        (0.0171234, "0.01712"),
        ("version 2.14.1 of mnist-7x7", "version 2.14.1 of mnist-7x7"),
    ],
)
def test_quantity(value: object, text: str) -> None:
    assert quantity(value) == text


@pytest.mark.parametrize(
    ("plain", "html"),
    [
        ("lambda_0 > 0", "λ<sub>0</sub> &gt; 0"),
        ("m^(-1/2) and 2^17", "m<sup>−1/2</sup> and 2<sup>17</sup>"),
        ("|Theta(0) - Theta_inf|_2", "|Θ(0) - Θ<sub>∞</sub>|<sub>2</sub>"),
        ("L <= exp(-(lambda_0/n) t)", "L ≤ exp(−(λ<sub>0</sub>/n) t)"),
        ("W_mu, sigma0 = .5", "W<sub>μ</sub>, σ<sub>0</sub> = .5"),
        ("slope -0.5 at 7x7", "slope −0.5 at 7×7"),
        ("-1 +- 0.1", "−1\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.1"),
        ("mnist-7x7 and W4-1", "mnist-7x7 and W4-1"),
        ("betting on flow_distance", "betting on flow_distance"),
        ("`sigma0 <x>` beta", "<code>sigma0 &lt;x&gt;</code> β"),
        ("a lone ` tick", "a lone ` tick"),
        ("<b>&", "&lt;b&gt;&amp;"),
    ],
)
def test_typeset(plain: str, html: str) -> None:
    assert str(typeset(plain)) == html


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


def test_settings_are_flat_and_a_run_may_lack_one() -> None:
    frame = settings(
        {"a": {"inputs": {"samples": 8}, "beta": 0.1}, "b": {"inputs": {"samples": 9}}}
    )
    assert frame.to_numpy().tolist() == [["inputs.samples", "8", "9"], ["beta", "0.1", "–"]]


def test_claims_stand_by_protocol_measured_ones_first() -> None:
    data = gather(read_sections(WORDS), **material())
    groups = claim_groups(data, statements(data))
    assert [group.label for group in groups] == ["W4", "W1", "X1"]
    assert [row.id for row in groups[0].tested] == ["W4-a", "W4-c"]
    assert [row.id for row in groups[0].untested] == ["W4-b"]
    assert [row.figure for row in groups[0].tested] == ["change", ""]


def test_the_overview_counts_every_protocol_and_names_its_data() -> None:
    data = gather(read_sections(WORDS), **material())
    ours, beyond = overview(data, claim_groups(data, statements(data)))
    assert [line.label for line in ours.lines] == ["W1", "W4"]
    assert ours.lines[1].counts == {
        "reproduced": (1, "W4-a"),
        "not reproduced": (0, ""),
        "inconclusive": (1, "W4-c"),
        "not run": (1, "W4-b"),
    }
    assert [line.data for line in ours.lines] == [(), ("embedded subset",)]
    assert [(line.label, line.counts["not run"]) for line in beyond.lines] == [("X", (1, "X1-a"))]


def test_a_claim_names_file_row_and_settings_of_its_number() -> None:
    data = gather(read_sections(WORDS), **material())
    row = next(row for row in statements(data) if row.id == "W4-a")
    assert (row.file, row.columns) == (
        "measure/weight_change/small/slopes.csv",
        "slope [low, high] where layer enc",
    )
    assert (row.kind, row.run, row.settings) == ("weight_change", "small", True)
    text = page()
    assert "From <code>measure/weight_change/small/slopes.csv</code>: slope [low, high]" in text
    assert '<a href="#settings-weight_change"><code>experiments.weight_change.small' in text


def test_figures_and_tables_name_the_measures_they_are_made_of() -> None:
    measures = ["results/measure/weight_change/small/members.csv", "config/datasets.csv"]
    sidecars = {
        "results/figures/change.svg": {"inputs": dict.fromkeys(measures, "sha256:1")},
        "results/tables/slopes.csv": {"inputs": {f"results/measure/{n}.csv": "1" for n in "abc"}},
    }
    text = page(sidecars=sidecars)
    assert "Made from <code>measure/weight_change/small/members.csv</code>" in text
    assert "Made from 3 measures" in text
    assert "<code>measure/b.csv</code>" in text
    assert "config/datasets.csv</code>" not in text


def test_cells_carry_the_full_number_that_they_are_sorted_by() -> None:
    text = page()
    assert '<td class="number" data-value="-0.98765">−0.988</td>' in text
    assert 'data-head="Measured" data-value="-0.4987654">−0.4988' in text
    assert [plain(value) for value in ("1e-06", "", "n beta", np.nan)] == ["1e-06", "", "", ""]


def test_the_policy_allows_the_one_script_by_its_hash() -> None:
    text = page()
    script = re.search(r"<script>(.*)</script>", text, re.DOTALL)
    assert script
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'\"" in text
    assert "unsafe-inline" not in text[text.index("script-src") :][:80]


ABOUT = """
title: Long run
configuration: paper
commit: 0123456789abcdef
machine: {cpu: A CPU, cores: 16, memory_gb: 128, gpu: A GPU}
seconds: 7200.0
data: all digits
"""


def reference(about: str = ABOUT, **verdicts: str) -> Any:
    rows = [claim(f"W4-{name}", verdict, measured="-0.51") for name, verdict in verdicts.items()]
    return read_reference("long", about, pd.DataFrame(rows))


def test_reference_runs_stand_beside_this_run_and_are_compared() -> None:
    run = reference(a="reproduced", b="reproduced", c="not reproduced", other="inconclusive")
    counted = agreement(run, {"W4-a": "reproduced", "W4-b": "not run", "W4-c": "inconclusive"})
    assert (counted.measured, counted.shared, counted.same) == (4, 2, 1)
    text = re.sub(r"\s+", " ", page(references=[run]))
    assert "A CPU, 16 cores, 128 GB, A GPU" in text
    assert 'data-value="7200.0">120</td>' in text
    said = re.findall(r"reference: −0.51, ([a-z ]+) <a href=\"#reference-long\">Long run", text)
    assert said == ["reproduced", "not reproduced", "reproduced"]
    assert '; 1 of them in a <a href="#references">' in text
    assert "W4-other" not in text
    assert 'id="references"' not in page()


@pytest.mark.parametrize(
    ("about", "sentence"),
    [
        ("title: [", "results/reference/long/about.yaml is not plain YAML"),
        ("- a list", "results/reference/long/about.yaml: the file: Input should be an object"),
        ("when: 2026-01-01", "results/reference/long/about.yaml is not plain YAML"),
        (ABOUT.replace("cores: 16", "cores: many"), "about.yaml: machine.cores: Input should be"),
        (ABOUT.replace("title", "titel"), "about.yaml: title: Field required"),
    ],
)
def test_a_mistake_about_a_reference_run_is_one_sentence(about: str, sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)):
        reference(about)


def test_a_mistake_in_the_claims_of_a_reference_run_is_one_sentence() -> None:
    with pytest.raises(UserError, match=re.escape("claims.csv lacks the column measured")):
        read_reference("long", ABOUT, pd.DataFrame({"id": ["W4-a"]}))
    with pytest.raises(UserError, match=re.escape("claims.csv holds the unknown verdict 'yes'")):
        reference(a="yes")


def test_the_summary_has_the_headlines_alone() -> None:
    text = page("summary.html.j2")
    Tags(text)
    assert "W4-a" in text
    assert "W4-c" not in text
    for said in (
        "−0.4988",
        "a machine",
        "<strong>2 of 5</strong>",
        "tiny",
        "abc",
        "embedded subset",
    ):
        assert said in text


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
    assert all(str(source).startswith("data:image/svg+xml;base64,") for source in sources)
    assert not [tag for tag, _ in tags if tag in ("iframe", "object")]
    assert [known for tag, known in tags if tag == "script"] == [{}]
    loaded = [known["href"] for tag, known in tags if tag == "link"]
    assert loaded == ["data:,"]
    ids = {known["id"] for _, known in tags if "id" in known}
    links = [str(known["href"]) for tag, known in tags if tag == "a"]
    targets = {link[1:] for link in links if link.startswith("#")}
    assert {link for link in links if link[0] != "#"} == {"summary.html", "https://arxiv.org/abs/1"}
    assert targets <= ids
    assert {"figure-change", "claim-W4-a", "weight_change"} <= targets


def test_inputs_at_full_size_are_not_called_pooled() -> None:
    run = {"inputs": {"samples": 16, "resolution": 28, "scaling": "raw"}, "sigma0": [0.1, 1.0]}
    text = page(config={"name": "one", "experiments": {"weight_change": {"full": run}}})
    assert "16 images, 28×28 pixels, raw" in text
    assert "<td>0.1, 1</td>" in text


def test_inputs_of_a_network_that_another_run_trains_are_that_runs() -> None:
    network = {"dataset": "celeba", "side": 32, "images": 512}
    sources = {
        name: SimpleNamespace(name=name, dataset=of, label="partial", images=10_000, pixels=64)
        for name, of in (("celeba", "celeba"), ("celeba_whole", "celeba"), ("cifar10", "cifar10"))
    }
    datasets = {name: SimpleNamespace(words={"partial": f"{{images}} {name}"}) for name in sources}
    runs = {"deep_vae": {"a": {"network": network}}, "gradient_noise": {"b": {"network": "a"}}}
    data: Any = SimpleNamespace(
        runs=runs, sources=sources, sections=SimpleNamespace(datasets=datasets)
    )
    words = "10,000 celeba_whole, 512 of them for training, mean-pooled to 32×32"
    for kind, run in (("deep_vae", "a"), ("gradient_noise", "b")):
        section: Any = SimpleNamespace(id=kind, drawn=None, dataset=None)
        assert inputs(data, section) == [(run, words)]
    data.runs["discovery"] = {"faces": {"dataset": "celeba"}}
    section = SimpleNamespace(id="discovery", drawn=None, dataset=None)
    assert inputs(data, section) == [("faces", "10,000 celeba")]


def test_page_says_what_it_was_given() -> None:
    text = page()
    assert "2 of 5 statements were tested" in re.sub(r"\s+", " ", text)
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
    def stripped(text: str) -> str:
        return re.sub(r'<section id="run-times".*?</section>', "", text, flags=re.DOTALL)

    other = pd.DataFrame(
        {
            "job": ["train/x"],
            "seconds": [7777.7],
            "max_rss_mb": [8888.8],
            "machine": ["another machine"],
        }
    )
    before, after = page(), page(benchmarks=other)
    assert page() == before
    assert before != after
    assert stripped(before) == stripped(after)
    assert "another machine" in after


def test_a_data_set_shows_its_images_and_facts() -> None:
    shown = replace(DIGITS, facts=(("Shape", "1 x 28 x 28"),), sheet=(SVG, "Digits in <rows>"))
    text = page(sources=[shown])
    assert 'id="figure-images_digits"' in text
    assert 'alt="Digits in &lt;rows&gt;"' in text
    assert "<dt>Shape</dt><dd>1 x 28 x 28</dd>" in text
    assert 'id="figure-images_digits"' not in page()


FILE = DataFile(
    name="cars3d",
    version="1",
    file="cars.tar.gz",
    mirrors=(),
    bytes=None,
    checksum="md5:" + 32 * "0",
    licence="theirs",
    citation="Someone 2015",
)
FACTS = {
    "name": "cars3d",
    "dataset": "cars3d",
    "data": "real",
    "source": "cars.tar.gz",
    "images": 17568,
    "channels": 3,
    "height": 64,
    "width": 64,
    "mean": 0.5,
    "std": 0.25,
    "factors": "elevation (4), azimuth (24), object (183)",
    "attributes": np.nan,
    "checksum": "sha256:2",
}


def test_sources_join_facts_with_the_table_of_files() -> None:
    (cars,) = sources(pd.DataFrame([FACTS]), [FILE], {"cars3d": (SVG, "cars")})
    assert (cars.label, cars.images, cars.pixels) == ("real", 17568, 64)
    assert (cars.licence, cars.citation, cars.checksum) == ("theirs", "Someone 2015", "sha256:2")
    facts = dict(cars.facts)
    assert facts["Source"] == "cars.tar.gz"
    assert facts["Values"] == "from 0 to 1: mean 0.500000, standard deviation 0.250000"
    assert facts["Factors (sizes)"] == "elevation (4), azimuth (24), object (183)"
    assert "Attributes" not in facts


def test_a_stand_in_is_ours_and_says_after_whom() -> None:
    frame = pd.DataFrame([FACTS | {"name": "drawn", "data": "stand-in"}])
    (drawn,) = sources(frame, [FILE], {})
    assert drawn.licence == "MIT, the vaentk authors"
    assert drawn.citation == "After Someone 2015"
    assert drawn.sheet is None


def test_an_experiment_that_did_not_run_has_no_section() -> None:
    text = page(
        config={"name": "none", "experiments": {"weight_change": {}}}, figures={}, tables={}
    )
    assert 'id="weight_change"' not in text
    assert "claim-W4-a" in text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"figures": {}}, "figures/change, which sections.yaml names, was not given"),
        (
            {"tables": {"slopes": pd.DataFrame(), "more": pd.DataFrame()}},
            "tables/more has no caption",
        ),
        ({"sources": []}, "the data set digits of weight_change was not given"),
        (
            {"sources": [Source("digits", "stand-in", 1, 28, "", "", "")]},
            "sections.yaml has no words for digits data labelled 'stand-in'",
        ),
        (
            {"sources": [DIGITS, Source("letters", "real", 1, 28, "", "", "")]},
            "sections.yaml has no words for letters data labelled 'real'",
        ),
        ({"claims": pd.DataFrame([claim("W1-a", "maybe")])}, "the unknown verdict 'maybe'"),
        ({"claims": pd.DataFrame({"id": ["W1-a"]})}, "the claims lack the column paper"),
        ({"benchmarks": pd.DataFrame({"job": []})}, "the benchmarks lack the column seconds"),
    ],
)
def test_what_is_missing_is_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)):
        page(**changes)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("title: A title", "titel: A title", "sections.yaml: title: Field required"),
        ("protocol: W4", "protocol: 4", "sections.yaml: sections.0.protocol: Input should be"),
        ("title: A title", "title: [", "sections.yaml is not YAML"),
    ],
)
def test_wrong_words_are_one_sentence(old: str, new: str, sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)):
        read_sections(WORDS.replace(old, new, 1))


def test_a_configuration_may_warn_its_reader() -> None:
    config = material()["config"] | {"note": "Says nothing about <the> papers."}
    assert "<strong>Mind:</strong> Says nothing about &lt;the&gt; papers." in page(config=config)
    assert "Mind:" not in page()


def test_machine_in_words() -> None:
    record = {"cpu": "A CPU", "cores": 2, "memory_gb": 8, "gpu": None, "threads": 1}
    assert describe_machine(record) == "A CPU, 2 cores, 8 GB, no GPU"
    assert describe_machine(record | {"gpu": "A GPU"}).endswith("8 GB, A GPU")


def test_every_figure_and_table_has_a_caption_for_snakemake_too() -> None:
    sections = read_sections((TEXTS / "sections.yaml").read_text(encoding="utf-8"))
    for kind in ("figures", "tables"):
        named = {words.name for part in sections.sections for words in getattr(part, kind)}
        written = {path.stem for path in (TEXTS / "captions" / kind).glob("*.rst")}
        # All contact sheets share one caption, which the page has beside the data.
        assert written - {"images"} == named


@pytest.mark.parametrize("path", sorted(TEXTS.rglob("*.rst")), ids=lambda path: path.stem)
def test_captions_are_valid_text(path: Path) -> None:
    job = SimpleNamespace(config={"name": "tiny"})
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    text = environment.from_string(path.read_text(encoding="utf-8")).render(snakemake=job)
    body = publish_parts(text, writer=Writer(), settings_overrides={"halt_level": 2})["body"]
    assert len(re.sub(r"<[^>]+>", "", body).split()) > 8
    assert "{" not in body


def test_a_section_says_what_data_its_runs_draw() -> None:
    words = WORDS.replace("dataset: digits", 'drawn: "{samples:,} drawn points, d = {dim}"')
    run = {"data": {"samples": 1500, "dim": 5}}
    config = {"name": "tiny", "experiments": {"weight_change": {"small": run}}}
    assert "1,500 drawn points, d = 5" in page(words=words, config=config)
