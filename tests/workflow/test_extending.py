"""docs/extending.md, done to the letter in a copy of the sources: what it adds runs."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
GUIDES = re.split(r"^## ", PAGE, flags=re.M)[1:]
STEP = re.compile(
    r"^(?:A new file `(?P<new>[^`]+)`"
    r"|In `(?P<old>[^`]+)`, (?P<side>after|before) `(?P<line>[^`]+)`):"
    r"\n\n```\w+\n(?P<text>.*?)^```$",
    flags=re.M | re.S,
)


def follow(guide: str, tree: Path) -> None:
    """Do what a guide says."""
    for step in STEP.finditer(guide):
        if step["new"]:
            path = tree / step["new"]
            assert not path.exists()
            path.parent.mkdir(exist_ok=True)
            path.write_text(step["text"])
            continue
        path = tree / step["old"]
        text = f"\n{path.read_text()}"
        anchor = f"{step['line']}\n"
        assert text.count(f"\n{anchor}") == 1, f"{step['line']!r} in {step['old']}"
        both = [anchor, step["text"]] if step["side"] == "after" else [step["text"], "\n\n", anchor]
        path.write_text(text.replace(f"\n{anchor}", "\n" + "".join(both))[1:])


ROOM = "workflow/src/vaentk/experiments/ntk/alignment/"


@pytest.mark.parametrize("guide", GUIDES, ids=[guide.splitlines()[0] for guide in GUIDES])
def test_a_guide_is_short(guide: str) -> None:
    """A metric and a data set take less than 30 lines; an experiment less than 100."""
    shown = [line for step in STEP.finditer(guide) for line in step["text"].splitlines() if line]
    assert guide.count("```") == 2 * len(STEP.findall(guide)) > 0
    assert len(shown) < (100 if guide.startswith("An experiment") else 30)


def test_an_experiment_is_one_folder_one_typed_line_and_rows_of_data() -> None:
    [guide] = [guide for guide in GUIDES if guide.startswith("An experiment")]
    steps = list(STEP.finditer(guide))
    assert {step["new"].removeprefix(ROOM) for step in steps if step["new"]} == {
        "__init__.py",
        "measure.py",
        "figures.py",
        "tables.py",
        "words.yaml",
    }
    edited = [(step["old"], step["text"].splitlines()) for step in steps if step["old"]]
    code = [lines for path, lines in edited if not path.startswith("config/")]
    assert [len(lines) for lines in code] == [1, 1], "the import of the settings and their line"
    assert {path for path, _ in edited} == {
        "workflow/src/vaentk/config.py",
        "config/config.yaml",
        "config/claims.yaml",
    }


def test_what_the_guides_add_runs(copy_of_finished: Path, snakemake: Callable) -> None:
    results = copy_of_finished / "results"
    trained = results / "train/ridge/pca-16/32-64.parquet"
    before = trained.stat().st_mtime_ns
    for guide in GUIDES:
        follow(guide, copy_of_finished)
    result = snakemake(copy_of_finished)
    assert result.returncode == 0, result.stdout[-4000:]
    assert trained.stat().st_mtime_ns == before, "other experiments are not trained again"
    scores = pd.read_csv(results / "measure/disentanglement/dsprites/scores.csv")
    assert scores[scores["metric"] == "modularity"]["score"].between(0, 1).all()
    assert (
        "Modularity"
        in json.loads((results / "figures/disentanglement.svg.json").read_text())["alt"]
    )
    facts = pd.read_csv(results / "measure/data/facts.csv").set_index("name")
    assert facts.loc["spots", "images"] == 16 * 16 * 8
    assert (results / "figures/images_spots.svg").is_file()
    assert (pd.read_csv(results / "measure/disentanglement/spots/summary.csv")["kl"] > 0).all()
    assert pd.read_csv(results / "tables/alignment.csv")["cosine"].between(0, 1).all()
    verdicts = pd.read_csv(results / "claims/claims.csv").set_index("id")["verdict"]
    assert verdicts["X1-alignment"] in ("reproduced", "not reproduced")
    assert "X1-alignment" in (results / "report/index.html").read_text()
