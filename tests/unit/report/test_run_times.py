"""What jobs took, and on what machine."""

from pathlib import Path

from vaentk.report.run_times import describe_machine, read_run_times
from vaentk.runtime import io


def test_machine_in_words() -> None:
    record = {"cpu": "A CPU", "cores": 2, "memory_gb": 8, "gpu": None, "threads": 1}
    assert describe_machine(record) == "A CPU, 2 cores, 8 GB, no GPU"
    assert describe_machine(record | {"gpu": "A GPU"}).endswith("8 GB, A GPU")


def test_run_times_are_read_beside_their_machines(tmp_path: Path) -> None:
    machine = {"cpu": "A CPU", "cores": 2, "memory_gb": 8, "gpu": None}
    for job, memory in (("train/a", 99.5), ("train/b", 40.0)):
        took = {"seconds": 1.5, "max_rss_mb": memory}
        io.write_json(took | machine, tmp_path / f"{job}.json")
    table = read_run_times(tmp_path, ["train/b", "train/a", "train/none"])
    assert table["job"].tolist() == ["train/b", "train/a"]
    assert table["seconds"].tolist() == [1.5, 1.5]
    assert table["machine"].unique().tolist() == ["A CPU, 2 cores, 8 GB, no GPU"]
    assert table["max_rss_mb"].tolist() == [40.0, 99.5]
