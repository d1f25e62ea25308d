"""What jobs took, and on what machine."""

from pathlib import Path

import pandas as pd

from vaentk.report.run_times import describe_machine, read_run_times


def test_machine_in_words() -> None:
    record = {"cpu": "A CPU", "cores": 2, "memory_gb": 8, "gpu": None, "threads": 1}
    assert describe_machine(record) == "A CPU, 2 cores, 8 GB, no GPU"
    assert describe_machine(record | {"gpu": "A GPU"}).endswith("8 GB, A GPU")


def test_run_times_are_read_beside_their_machines(tmp_path: Path) -> None:
    machine = '{"cpu": "A CPU", "cores": 2, "memory_gb": 8, "gpu": null}'
    for job, memory in (("train/a", "99.5"), ("train/b", "-"), ("train/lost", "1")):
        (tmp_path / job).parent.mkdir(exist_ok=True)
        (tmp_path / f"{job}.tsv").write_text(f"s\tmax_rss\n1.5\t{memory}\n")
        (tmp_path / f"{job}.machine.json").write_text(machine)
    (tmp_path / "train/lost.machine.json").unlink()
    table = read_run_times(tmp_path, ["train/b", "train/a", "train/lost", "train/none"])
    assert table["job"].tolist() == ["train/b", "train/a"]
    assert table["seconds"].tolist() == [1.5, 1.5]
    assert table["machine"].unique().tolist() == ["A CPU, 2 cores, 8 GB, no GPU"]
    assert pd.isna(table["max_rss_mb"][0])
    assert table["max_rss_mb"][1] == 99.5
