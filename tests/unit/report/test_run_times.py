"""What jobs took, and on what machine."""

from vaentk.report.run_times import describe_machine, run_times


def test_machine_in_words() -> None:
    record = {"cpu": "A CPU", "cores": 2, "memory_gb": 8, "gpu": None, "threads": 1}
    assert describe_machine(record) == "A CPU, 2 cores, 8 GB, no GPU"
    assert describe_machine(record | {"gpu": "A GPU"}).endswith("8 GB, A GPU")


def test_run_times_stand_beside_their_machines() -> None:
    machine = {"cpu": "A CPU", "cores": 2, "memory_gb": 8, "gpu": None, "seconds": 1.5}
    took = {"train/b": 40.0, "train/a": 99.5}
    table = run_times({job: machine | {"max_rss_mb": memory} for job, memory in took.items()})
    assert table["job"].tolist() == ["train/b", "train/a"]
    assert table["seconds"].tolist() == [1.5, 1.5]
    assert table["machine"].unique().tolist() == ["A CPU, 2 cores, 8 GB, no GPU"]
    assert table["max_rss_mb"].tolist() == [40.0, 99.5]
