"""What is kept of a finished run: what is small, with its provenance, and where it was made."""

import errno
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from vaentk.commands.reference import LARGEST, keep
from vaentk.errors import UserError
from vaentk.runtime import io, records

DATASETS = Path(__file__).parents[3] / "config/datasets.csv"
MACHINE = {"cpu": "A processor", "cores": 2, "memory_gb": 24, "threads": 1, "system": "Linux"}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The results of a run of three jobs."""
    folder = tmp_path / "run/results"
    files = {
        "claims/claims.csv": "id,verdict\nW1-a,reproduced\n" + "W1-b,not run\n" * LARGEST,
        "tables/slopes.csv": "slope\n-0.5\n",
        "measure/ridge/short/slopes.csv": "slope\n-0.5\n",
        "measure/ridge/short/curves.csv": "loss\n" + "1.0\n" * LARGEST,
        "measure/ridge/short/kernels.safetensors": "many bytes",
        "measure/data/facts.csv": "name,dataset,data,images\nmnist,mnist,embedded subset,5000\n",
        "figures/weight_change.svg": "<svg/>",
        "figures/other.svg": "<svg/>",
        "report/index.html": "<html>",
        "train/ridge/short/64.parquet": "many bytes",
    }
    for name, text in files.items():
        io.write_text(text, folder / name)
        seal(folder, name)
    for job, seconds, gpu in (("train/a", 10.5, None), ("train/b", 2.0, "A GPU"), ("c", 1, None)):
        took = {"seconds": seconds, "max_rss_mb": 100.0}
        records.write(took | MACHINE | {"gpu": gpu}, folder / f"benchmarks/{job}.json")
    return folder


def seal(folder: Path, name: str) -> None:
    """Write the record of a result."""
    made = {"parameters": {"configuration": "quick"}, "inputs": {}}
    records.seal(folder / name, f"results/{name}", made)


def kept(results: Path, name: str = "mine", note: str = "", **more: bool) -> dict[str, Any]:
    """Keep a run beside the folder that it lies in."""
    folder = results.parents[1] / "reference"
    return keep(results, name, "My run", note, folder=folder, datasets=DATASETS, **more)


def test_small_results_are_kept_with_their_provenance(results: Path, tmp_path: Path) -> None:
    target = tmp_path / "reference/mine"
    io.write_text("from an earlier run", target / "tables/gone.csv")
    kept(results, replace=True)
    names = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    small = {
        "claims/claims.csv",
        "tables/slopes.csv",
        "measure/ridge/short/slopes.csv",
        "measure/data/facts.csv",
        "figures/weight_change.svg",
        "report/index.html",
    }
    assert names == small | {f"{name}.json" for name in small} | {"about.yaml", "about.yaml.json"}
    for name in small:
        assert (target / name).read_bytes() == (results / name).read_bytes()
    assert [path.name for path in target.parent.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("images", "shown"),
    [
        ("celeba,celeba,partial", False),
        ("celeba_whole,celeba,real", False),
        ("faces,celeba,stand-in", True),
        ("cars3d,cars3d,real", False),
        ("cifar10,cifar10,real", False),
        ("dsprites,dsprites,drawn", True),
        ("dsprites,dsprites,real", True),
    ],
)
def test_a_page_with_images_that_may_not_be_passed_on_is_not_kept(
    results: Path, tmp_path: Path, images: str, shown: bool
) -> None:
    facts = f"name,dataset,data,images\nmnist,mnist,real,60000\n{images},10000\n"
    io.write_text(facts, results / "measure/data/facts.csv")
    io.write_text("<html>", results / "report/summary.html")
    for name in ("measure/data/facts.csv", "report/summary.html"):
        seal(results, name)
    kept(results)
    pages = {path.name for path in (tmp_path / "reference/mine/report").glob("*.html")}
    assert pages == ({"index.html", "summary.html"} if shown else {"summary.html"})


def test_it_says_where_it_was_made(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAENTK_COMMIT", "0123456789ab")
    said = kept(results, note="Short.")
    assert said == yaml.safe_load((tmp_path / "reference/mine/about.yaml").read_text())
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
    records.write(MACHINE | other, results / "benchmarks/c.json")
    io.write_text("kept", tmp_path / "reference/mine/about.yaml")
    with pytest.raises(UserError, match="2 kinds of machines"):
        kept(results, replace=True)
    assert (tmp_path / "reference/mine/about.yaml").read_text() == "kept"


def test_a_name_that_is_taken_is_replaced_only_when_asked(results: Path, tmp_path: Path) -> None:
    io.write_text("kept", tmp_path / "reference/mine/about.yaml")
    with pytest.raises(UserError, match=r"mine is there already: .* ARGS=--replace"):
        kept(results)
    assert (tmp_path / "reference/mine/about.yaml").read_text() == "kept"
    kept(results, replace=True)
    assert [path.name for path in (tmp_path / "reference").iterdir()] == ["mine"]


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../..", "a/b", "/tmp", "-x", "Mine", "a b", "a\n", ".git", "a--b", "é"]
)
def test_a_name_is_a_name_and_no_path(results: Path, name: str) -> None:
    before = sorted(results.parents[1].rglob("*"))
    with pytest.raises(UserError, match="is no name for a reference"):
        kept(results, name, replace=True)
    assert sorted(results.parents[1].rglob("*")) == before


@pytest.mark.parametrize("call", ["shutil.copyfile", "yaml.safe_dump", "pathlib.Path.rename"])
def test_a_fault_of_storage_leaves_what_was_kept(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    kept(results)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "reference").rglob("*")}

    def refuse(path: object, *others: object, **_: object) -> None:
        if isinstance(path, Path) and path.name in ("mine", ".mine.old"):
            os.replace(path, *map(str, others))  # only that of the new one fails
            return
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(call, refuse)
    with pytest.raises(UserError, match=r"reference/mine: your quota on that disk is used up"):
        kept(results, replace=True)
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "reference").rglob("*")}
    assert after == before


def test_a_result_that_was_changed_by_hand_is_not_kept(results: Path, tmp_path: Path) -> None:
    (results / "tables/slopes.csv").write_text("slope\n-0.6\n")
    with pytest.raises(UserError, match=r"tables/slopes\.csv is not what was written"):
        kept(results)
    assert not (tmp_path / "reference").exists()


def test_an_unfinished_run_is_refused(results: Path, tmp_path: Path) -> None:
    (results / "report/index.html").unlink()
    with pytest.raises(UserError, match=r"no report/index\.html in it"):
        kept(results)


REFERENCES = sorted((Path(__file__).parents[3] / "results/reference").glob("*/about.yaml"))


@pytest.mark.parametrize("path", REFERENCES, ids=[path.parent.name for path in REFERENCES])
def test_what_is_committed_tells_its_machine_and_holds_its_claims(path: Path) -> None:
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert said["seconds"] > 0
    assert said["machine"]["cores"] >= 1
    claims = pd.read_csv(path.parent / "claims/claims.csv")
    assert (claims["verdict"] != "not run").sum() > 10
    record = records.read(path.parent / "claims/claims.csv.json")
    assert record["parameters"]["configuration"] == said["configuration"]
