"""The check of a GPU, tried out on the CPU: every part writes rows, and its file makes a card."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from vaentk.costs.cards import PRECISIONS, refitted

SCRIPT = Path(__file__).parents[2] / "workflow/bench/gpu_check.py"


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("gpu_check", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    parts = [part for part in module.PARTS if part is not module.tests]
    monkeypatch.setattr(module, "PARTS", parts)
    return module


def run(check: Any, path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "argv", ["gpu_check", str(path), "--device", "cpu", "--small"])
    with pytest.raises(SystemExit) as ended:
        check.main()
    assert not ended.value.code
    return json.loads(path.read_text("utf-8"))


def test_every_part_writes_rows_and_the_file_is_a_card(
    check: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = run(check, tmp_path / "gpu.json", monkeypatch)
    named = {row["part"] for row in found["rows"]}
    assert named == {
        *("machine", "ceilings", "figure 2", "ensembles", "deep VAEs", "S5", "kernels")
    }
    assert not [row for row in found["rows"] if "failed" in row["what"]]
    card = refitted(found)
    assert set(card.products) == set(PRECISIONS)
    assert min(*card.products.values(), card.copied, card.launched, card.replayed) > 0
    assert not torch.are_deterministic_algorithms_enabled()


def test_no_part_begins_late_and_what_it_had_is_kept(
    check: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "BEGAN", check.BEGAN - check.LAST_START)
    found = run(check, tmp_path / "gpu.json", monkeypatch)
    assert {row["what"] for row in found["rows"]} == {"not begun: no time is left"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_it_says_how_to_try_it_out(
    check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu_check"])
    with pytest.raises(SystemExit, match="no GPU: to try the check out, add --device cpu --small"):
        check.main()


WITHOUT = """
import sys
sys.modules |= dict.fromkeys(("snakemake", "docutils", "playwright", "matplotlib"))
import pytest
sys.exit(pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


def test_what_it_runs_of_the_tests_needs_little(check: Any) -> None:
    """On a machine that is lent there is torch, and no Snakemake."""
    files = [f"tests/unit/{name}" for name in check.TESTS]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *files],
        cwd=SCRIPT.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "test_on_a_gpu.py" in done.stdout
