"""Every rule has what the house asks for: log, benchmark, provenance, its own script's digest."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNTRACKED = ("logs", "benchmarks", "report")


def rules() -> dict[str, str]:
    """The text of every rule by its name."""
    found = {}
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        for part in re.split(r"^(?=rule \w+:)", path.read_text(), flags=re.M)[1:]:
            found[re.match(r"rule (\w+):", part)[1]] = part
    return found


def test_there_are_rules() -> None:
    assert len(rules()) > 10


@pytest.mark.parametrize("name", rules())
def test_rule_has_log_benchmark_provenance_and_digest(name: str) -> None:
    text = rules()[name]
    log = re.search(r'log:\s+"results/logs/(.+)\.log"', text)
    benchmark = re.search(r'benchmark:\s+"results/benchmarks/(.+)\.tsv"', text)
    script = re.search(r'script:\s+"\.\./scripts/(\w+\.py)"', text)
    digest = re.search(r'code=code\("(\w+\.py)"\)', text)
    assert log, f"rule {name} has no log under results/logs"
    assert benchmark, f"rule {name} has no benchmark under results/benchmarks"
    assert log[1] == benchmark[1], "log and benchmark go by one name"
    assert "**recorded(" in text, f"rule {name} does not declare its provenance"
    assert script, f"rule {name} runs no script"
    assert digest, f"rule {name} does not hold its code's digest"
    assert digest[1] == script[1], f"rule {name} holds the digest of another script"


def test_no_run_blocks_and_no_lambdas() -> None:
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        text = path.read_text()
        assert not re.search(r"^\s+run:", text, flags=re.M), path
        assert "lambda" not in text, path


def test_scripts_are_thin_and_all_are_used() -> None:
    used = {re.search(r"scripts/(\w+\.py)", text)[1] for text in rules().values()}
    scripts = {path.name: path for path in (ROOT / "workflow" / "scripts").glob("*.py")}
    assert used == set(scripts)
    for name, path in scripts.items():
        assert len(path.read_text().splitlines()) <= 60, f"{name} does more than open, call, save"


def test_every_result_of_a_run_has_its_provenance(finished: Path) -> None:
    results = finished / "results"
    files = [
        path
        for path in results.rglob("*")
        if path.is_file()
        and path.relative_to(results).parts[0] not in UNTRACKED
        and path.suffix != ".json"
    ]
    assert len(files) > 15
    for path in files:
        record = json.loads(path.with_name(path.name + ".json").read_text())
        assert re.fullmatch(r"[0-9a-f]{16,}", record["code"]), path
        assert all(value.startswith("sha256:") for value in record["inputs"].values()), path
        assert record["device"] == "cpu"
        assert record["versions"]["torch"]
        assert str(finished) not in json.dumps(record), "provenance names no folder of a machine"


def test_every_job_left_log_benchmark_and_machine(finished: Path) -> None:
    benchmarks = list((finished / "results" / "benchmarks").rglob("*.tsv"))
    assert len(benchmarks) > 15
    for path in benchmarks:
        machine = json.loads(path.with_suffix(".machine.json").read_text())
        assert machine["cores"] >= 1
        log = Path(str(path).replace("/benchmarks/", "/logs/")).with_suffix(".log")
        assert log.exists()
