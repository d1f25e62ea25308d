"""What the README names exists: claims, targets, files."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_claims_of_the_readme_are_in_the_register() -> None:
    named = set(re.findall(r"`((?:W|S|X)\d-[a-z0-9-]+)`", README))
    rows = yaml.safe_load((ROOT / "config/claims.yaml").read_text(encoding="utf-8"))
    assert len(named) > 5
    assert named <= {row["id"] for row in rows}


TARGETS = sorted(set(re.findall(r"(?:`|^ {4})make ([a-z]+)\b", README, flags=re.M)))


@pytest.mark.parametrize("target", TARGETS)
def test_the_targets_of_the_readme_are_in_the_makefile(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, flags=re.M)


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"\b(?:config|envs|workflow)/[\w./-]+\w", README)))
)
def test_the_files_of_the_readme_are_there(path: str) -> None:
    assert (ROOT / path).exists()
