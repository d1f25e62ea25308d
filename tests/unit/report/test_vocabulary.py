"""What a reader sees uses the field's terms; CONTRIBUTING.md has the list."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]

SHOWN = (
    *("README.md", "CONTRIBUTING.md", "docs/*.md", "config/*.yaml"),
    *("workflow/report/*.yaml", "workflow/report/*.j2", "workflow/src/**/words.yaml"),
)
"""Files whose text a reader sees."""

INSTEAD = {
    r"least eigenvalue": "smallest eigenvalue",
    r"latent deviation": "latent standard deviation",
    r"\ba (row|panel|line|column|point|job) an? (?=\w+[ .,:;])": "one ... per ...",
    r"power of (the width|m\b|n\b|K\b|B\b)": "exponent",
    r"stands? still": "fixed",
    r"even in the logarithm": "log-spaced",
    r"evidence part\b": "disagree",
}
"""Expressions that made readers stumble, and what says it."""


def texts() -> Iterator[tuple[str, str]]:
    for pattern in SHOWN:
        for path in sorted(ROOT.glob(pattern)):
            lines = path.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if "instead of" not in line]
            yield str(path.relative_to(ROOT)), " ".join(" ".join(kept).split())


@pytest.mark.parametrize("expression", INSTEAD)
def test_readers_do_not_meet_an_expression_that_made_them_stumble(expression: str) -> None:
    found = [
        f"{path}: {text[max(0, match.start() - 40) : match.end() + 20]}"
        for path, text in texts()
        for match in re.finditer(expression, text, re.IGNORECASE)
    ]
    assert found == [], f"say: {INSTEAD[expression]}"


def test_the_list_is_in_the_style_guide_too() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [term for term in set(INSTEAD.values()) if term.strip(". ") not in guide] == []


def test_captions_and_leads_are_of_short_sentences() -> None:
    """At most sixty words to a sentence, and thirty on average."""
    lengths = []
    for path in sorted(ROOT.glob("workflow/src/**/words.yaml")):
        words = yaml.safe_load(path.read_text(encoding="utf-8"))
        said = [words["lead"], words["claimed"]]
        said += [
            entry["caption"]
            for kind in ("figures", "tables")
            for entry in words.get(kind, {}).values()
        ]
        for text in said:
            for sentence in re.split(r"[.:;] ", text):
                lengths.append((len(sentence.split()), sentence))
    assert [sentence for length, sentence in lengths if length > 60] == []
    assert sum(length for length, _ in lengths) < 30 * len(lengths)
