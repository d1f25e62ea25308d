"""Every rule has what the house asks for: log, provenance, its own script's digest."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from trees import ROOT, environment

UNTRACKED = ("logs", "benchmarks", "report")
Rules = dict[str, dict]


@pytest.fixture(scope="module")
def rules(loaded: Callable[..., Rules]) -> Rules:
    """The rules of the tiny configuration as Snakemake loads them."""
    return loaded(ROOT)


def test_what_the_rules_import_is_read_quickly() -> None:
    """Every start of Snakemake waits for it."""
    text = (ROOT / "workflow/rules/common.smk").read_text()
    imports = re.findall(r"^(?:from|import) .*", text, flags=re.M)
    assert "from vaentk.config import experiments, load" in imports
    said = subprocess.run(
        [sys.executable, "-c", "\n".join([*imports, "import sys", "print(*sys.modules)"])],
        env=environment(ROOT),
        check=True,
        capture_output=True,
        text=True,
    )
    slow = {"torch", "scipy", "pandas", "sklearn", "matplotlib"}
    assert not slow & set(said.stdout.split())


def test_every_experiment_has_its_rules(rules: Rules) -> None:
    assert {"train_ridge", "measure_ridge", "show_ridge"} <= rules.keys()
    assert "measure_gradient_noise" in rules
    assert "train_gradient_noise" not in rules
    for name, rule in rules.items():
        if name.startswith("show_"):
            assert rule["local"], f"{name} takes seconds and would be sent to a cluster"
        if name.startswith(("train_", "measure_")):
            assert not rule["local"]
            assert {"gpu", "mem_mb", "runtime"} <= set(rule["resources"]), name


def test_rules_have_log_provenance_and_digest(rules: Rules) -> None:
    for name, rule in rules.items():
        if name == "all":
            continue
        [log] = rule["log"]
        assert re.match(r"results/logs/.+\.log$", log), f"rule {name} has no log in results/logs"
        outputs = set(rule["outputs"])
        results = {path for path in outputs if not path.endswith(".json")}
        assert outputs == results | {f"{path}.json" for path in results}, f"provenance of {name}"
        assert re.fullmatch(r"[0-9a-f]{64}", rule["code"]), f"rule {name} has no code digest"


def test_rules_of_one_script_have_digests_of_their_own(rules: Rules) -> None:
    digests = {name: rule["code"] for name, rule in rules.items() if rule["functions"]}
    assert len(set(digests.values())) == len(digests)


def test_no_run_blocks_and_no_lambdas() -> None:
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        text = path.read_text()
        assert not re.search(r"^\s+run:", text, flags=re.M), path
        assert "lambda" not in text, path


def test_scripts_are_thin_and_all_are_used(rules: Rules) -> None:
    used = {Path(rule["script"]).name for rule in rules.values() if rule["script"]}
    scripts = {path.name: path for path in (ROOT / "workflow" / "scripts").glob("*.py")}
    unused = set(scripts) - used
    assert used <= set(scripts)
    assert unused <= set(), f"no rule runs {unused}"
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
        assert re.fullmatch(r"[0-9a-f]{64}", record["code"]), path
        assert all(value.startswith("sha256:") for value in record["inputs"].values()), path
        assert record["device"] == "cpu"
        assert record["versions"]["torch"]
        assert str(finished) not in json.dumps(record), "provenance names no folder of a machine"


def test_every_job_left_its_log_and_what_it_took(finished: Path) -> None:
    logs = list((finished / "results" / "logs").rglob("*.log"))
    assert len(logs) > 15
    for path in logs:
        took = Path(str(path).replace("/logs/", "/benchmarks/")).with_suffix(".json")
        record = json.loads(took.read_text())
        assert record["cores"] >= 1
        assert 0.1 < record["seconds"] < 3600
        assert 20 < record["max_rss_mb"] < 20_000
