"""What the README names exists: claims, targets, files."""

import re
from pathlib import Path

import pandas as pd
import pytest
import snakemake.exceptions
import yaml
from readme import README

ROOT = Path(__file__).parents[2]


def test_the_claims_of_the_readme_are_in_the_register() -> None:
    named = set(re.findall(r"`((?:W|S|X)\d+-[a-z0-9-]+)`", README))
    rows = yaml.safe_load((ROOT / "config/claims.yaml").read_text(encoding="utf-8"))
    assert len(named) > 5
    assert named <= {row["id"] for row in rows}


TARGETS = sorted(set(re.findall(r"(?:`|^ {4})make ([a-z]+(?:-[a-z]+)*)\b", README, flags=re.M)))


@pytest.mark.parametrize("target", TARGETS)
def test_the_targets_of_the_readme_are_in_the_makefile(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, flags=re.M)


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"\b(?:config|envs|workflow)/[\w./-]+\w", README)))
)
def test_the_files_of_the_readme_are_there(path: str) -> None:
    assert (ROOT / path).exists()


def said_by_the_sources() -> str:
    """All texts of the sources, with literals that stand on several lines joined."""
    paths = [*(ROOT / "workflow").rglob("*.py"), *ROOT.glob("envs/*.sh"), ROOT / "Makefile"]
    paths.append(Path(snakemake.exceptions.__file__))
    texts = (path.read_text(encoding="utf-8") for path in paths)
    return "\n".join(re.sub(r'"\s*\n\s*f?"', "", text) for text in texts)


def test_the_errors_of_the_readme_are_real() -> None:
    table = README.partition("| what it says |")[2].partition("\n\n")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines()[2:]]
    corpus = said_by_the_sources()
    assert len(rows) > 8
    for row in rows:
        for sentence in re.findall(r"`([^`]+)`", row):
            parts = [part.strip() for part in re.split(r"\.\.\.|\d{2,}", sentence)]
            assert [part for part in parts if part not in corpus] == []


def test_the_findings_of_the_readme_are_those_of_the_reference_run() -> None:
    path = ROOT / "results/reference/quick/claims/claims.csv"
    claims = pd.read_csv(path, dtype=str, keep_default_na=False).set_index("id")
    rows = re.findall(r"\(`([WSX]\d+-[a-z0-9-]+)`\) \| .* \| (.+) \| (.+) \|$", README, flags=re.M)
    assert {name for name, _, _ in rows} == set(claims.index[claims["headline"] == "yes"])
    for name, measured, verdict in rows:
        found = claims.loc[name]
        assert found["verdict"] == verdict, name
        numbers = re.findall(r"-?[\d.]+(?:e-?\d+)?", found["measured"] + found["interval"])
        said = re.findall(r"-?[\d.]+(?:e-?\d+)?", measured)
        # Three digits are shown.
        expected = [pytest.approx(float(number), rel=0.006) for number in numbers]
        assert [float(number) for number in said] == expected, name


def test_the_evening_tests_as_many_statements_as_the_readme_says() -> None:
    path = ROOT / "results/reference/evening/claims/claims.csv"
    verdicts = pd.read_csv(path)["verdict"]
    said = re.search(r"tests (\d+) of the (\d+) statements", re.sub(r"\s+", " ", README))
    assert said
    assert [int(number) for number in said.groups()] == [
        (verdicts != "not run").sum(),
        len(verdicts),
    ]


def test_the_exponents_at_full_size_are_those_of_the_reference_run() -> None:
    path = ROOT / "results/reference/theory/claims/claims.csv"
    measured = pd.read_csv(path, dtype=str).set_index("id")["measured"]
    for outputs, size in ((49, "7x7"), (196, "14x14"), (784, "28x28")):
        found = [float(measured[f"W4-{layer}-{size}"]) for layer in ("enc", "hid", "mu", "dec")]
        said = " / ".join(f"{exponent:.2f}" for exponent in found)
        assert re.search(rf"- {outputs} outputs[^:]*: {re.escape(said)}", README), said
