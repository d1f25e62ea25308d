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

WANTED = (
    "results/figures/disentanglement.svg",
    "results/figures/images_spots.svg",
    "results/measure/alignment/mnist-7x7/alignment.csv",
)
"""What shows the three additions; the rest of a run takes minutes and shows no more of them."""


def follow(guide: str, tree: Path) -> None:
    """Do what a guide says."""
    for step in STEP.finditer(guide):
        if step["new"]:
            assert not (tree / step["new"]).exists()
            (tree / step["new"]).write_text(step["text"])
            continue
        path = tree / step["old"]
        text = f"\n{path.read_text()}"
        anchor = f"{step['line']}\n"
        assert text.count(f"\n{anchor}") == 1, f"{step['line']!r} in {step['old']}"
        both = [anchor, step["text"]] if step["side"] == "after" else [step["text"], "\n\n", anchor]
        path.write_text(text.replace(f"\n{anchor}", "\n" + "".join(both))[1:])


@pytest.mark.parametrize("guide", GUIDES, ids=[guide.splitlines()[0] for guide in GUIDES])
def test_a_guide_shows_less_than_thirty_lines(guide: str) -> None:
    shown = [line for step in STEP.finditer(guide) for line in step["text"].splitlines() if line]
    assert guide.count("```") == 2 * len(STEP.findall(guide)) > 0
    assert len(shown) < 30


def test_what_the_guides_add_runs(copy_of_finished: Path, snakemake: Callable) -> None:
    for guide in GUIDES:
        follow(guide, copy_of_finished)
    result = snakemake(copy_of_finished, *WANTED)
    assert result.returncode == 0, result.stdout[-4000:]
    measures = copy_of_finished / "results/measure"
    scores = pd.read_csv(measures / "disentanglement/dsprites-short/scores.csv")
    assert scores[scores["metric"] == "modularity"]["score"].between(0, 1).all()
    assert scores["metric"].nunique() == 8
    cosine = pd.read_csv(measures / "alignment/mnist-7x7/alignment.csv")["cosine"]
    assert 0 < cosine.item() < 1
    facts = pd.read_csv(measures / "data/facts.csv").set_index("name")
    assert facts.loc["spots", "images"] == 16 * 16 * 8
    trained = pd.read_csv(measures / "disentanglement/spots/summary.csv")
    assert (trained["kl"] > 0).all()
    figures = copy_of_finished / "results/figures"
    assert "Modularity" in json.loads((figures / "disentanglement.svg.json").read_text())["alt"]
    assert (figures / "images_spots.svg").is_file()
