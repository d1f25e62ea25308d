"""What is kept of a finished run: what is small, with its provenance, and where it was made."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from vaentk.commands.reference import LARGEST, keep
from vaentk.errors import UserError
from vaentk.runtime import io

MACHINE = {"cpu": "A processor", "cores": 2, "memory_gb": 24, "threads": 1, "system": "Linux"}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The results of a run of three jobs."""
    folder = tmp_path / "run/results"
    files = {
        "claims/claims.csv": "id,verdict\nW1-a,reproduced\n",
        "tables/slopes.csv": "slope\n-0.5\n",
        "measure/ridge/short/slopes.csv": "slope\n-0.5\n",
        "measure/ridge/short/curves.csv": "loss\n" + "1.0\n" * LARGEST,
        "measure/ridge/short/kernels.safetensors": "many bytes",
        "measure/data/facts.csv": "name,data,images\nmnist,embedded subset,5000\n",
        "figures/weight_change.svg": "<svg/>",
        "figures/other.svg": "<svg/>",
        "report/index.html": "<html>",
        "train/ridge/short/64.parquet": "many bytes",
    }
    for name, text in files.items():
        io.write_text(text, folder / name)
        io.write_json({"parameters": {"configuration": "quick"}}, folder / f"{name}.json")
    for job, seconds, gpu in (("train/a", 10.5, None), ("train/b", 2.0, "A GPU"), ("c", 1, None)):
        took = {"seconds": seconds, "max_rss_mb": 100.0}
        io.write_json(took | MACHINE | {"gpu": gpu}, folder / f"benchmarks/{job}.json")
    return folder


def test_small_results_are_kept_with_their_provenance(results: Path, tmp_path: Path) -> None:
    target = tmp_path / "reference/mine"
    io.write_text("from an earlier run", target / "tables/gone.csv")
    keep(results, target, "My run")
    names = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    kept = {
        "claims/claims.csv",
        "tables/slopes.csv",
        "measure/ridge/short/slopes.csv",
        "measure/data/facts.csv",
        "figures/weight_change.svg",
        "report/index.html",
    }
    assert names == kept | {f"{name}.json" for name in kept} | {"about.yaml"}
    for name in kept:
        assert (target / name).read_bytes() == (results / name).read_bytes()
    assert [path.name for path in target.parent.iterdir()] == ["mine"]


def test_a_page_with_images_that_may_not_be_passed_on_is_not_kept(
    results: Path, tmp_path: Path
) -> None:
    facts = "name,data,images\nceleba,partial,10000\n"
    io.write_text(facts, results / "measure/data/facts.csv")
    io.write_text("<html>", results / "report/summary.html")
    io.write_text("{}", results / "report/summary.html.json")
    keep(results, tmp_path / "mine", "My run")
    assert {path.name for path in (tmp_path / "mine/report").iterdir()} == {
        *("summary.html", "summary.html.json")
    }


def test_it_says_where_it_was_made(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAENTK_COMMIT", "0123456789ab")
    said = keep(results, tmp_path / "mine", "My run", "Short.")
    assert said == yaml.safe_load((tmp_path / "mine/about.yaml").read_text())
    assert said == {
        "title": "My run",
        "configuration": "quick",
        "commit": "0123456789ab",
        "machine": {"cpu": "A processor", "cores": 2, "memory_gb": 24, "gpu": "A GPU"},
        "seconds": 14,
        "data": "mnist: embedded subset, 5000 images",
        "note": "Short.",
    }


def test_a_run_on_two_machines_is_refused_and_nothing_is_lost(
    results: Path, tmp_path: Path
) -> None:
    other = {"seconds": 1, "cores": 64, "gpu": None}
    io.write_json(MACHINE | other, results / "benchmarks/c.json")
    io.write_text("kept", tmp_path / "mine/about.yaml")
    with pytest.raises(UserError, match="2 kinds of machines"):
        keep(results, tmp_path / "mine", "My run")
    assert (tmp_path / "mine/about.yaml").read_text() == "kept"


def test_an_unfinished_run_is_refused(results: Path, tmp_path: Path) -> None:
    (results / "report/index.html").unlink()
    with pytest.raises(UserError, match=r"no report/index\.html in it"):
        keep(results, tmp_path / "mine", "My run")


REFERENCES = sorted((Path(__file__).parents[3] / "results/reference").glob("*/about.yaml"))


@pytest.mark.parametrize("path", REFERENCES, ids=[path.parent.name for path in REFERENCES])
def test_what_is_committed_tells_its_machine_and_holds_its_claims(path: Path) -> None:
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert said["seconds"] > 0
    assert said["machine"]["cores"] >= 1
    claims = pd.read_csv(path.parent / "claims/claims.csv")
    assert (claims["verdict"] != "not run").sum() > 10
    record = json.loads((path.parent / "claims/claims.csv.json").read_text(encoding="utf-8"))
    assert record["parameters"]["configuration"] == said["configuration"]
