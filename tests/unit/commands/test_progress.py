"""How far a run is said to be, against a clock of our own."""

import io
import logging
import sys

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_vaentk import LogHandler
from vaentk.commands import progress
from vaentk.commands.progress import Progress, name_of


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def run(clock: Clock) -> Progress:
    """Three jobs of 100 planned core seconds on two cores."""
    names = {1: "train ridge a, 64", 2: "train ridge a, 256", 7: "measure ridge a"}
    return Progress(names, {1: 20.0, 2: 70.0, 7: 10.0}, 2, clock)


def test_before_anything_is_done_the_time_left_is_the_planned_one(run: Progress) -> None:
    assert run.share == 0
    assert run.left == 50


def test_the_time_left_follows_what_the_run_has_taken(run: Progress, clock: Clock) -> None:
    run.start(1)
    clock.now = 40.0  # a fifth of the work, for which the plan had 10 seconds
    assert run.finish(1) == "[1/3] train ridge a, 64 · 20% · about 3 min left"
    assert run.left == pytest.approx(160)


def test_a_job_that_failed_is_at_work_no_longer(run: Progress) -> None:
    run.start(1)
    run.start(2)
    run.fail(1)
    assert "train ridge a, 256" in run.waiting()
    assert "train ridge a, 64" not in run.waiting()
    assert run.share == 0


def test_the_last_job_is_the_end(run: Progress) -> None:
    lines = [run.finish(job) for job in (1, 2, 7)]
    assert lines[-1] == "[3/3] measure ridge a · 100%"
    assert run.left == 0


def test_what_is_no_work_or_was_said_already_is_not_said(run: Progress) -> None:
    assert run.finish(0) == ""  # Snakemake's target
    assert run.finish(1)
    assert run.finish(1) == ""


def test_a_long_wait_names_what_is_at_work(run: Progress, clock: Clock) -> None:
    assert run.waiting() == ""
    run.start(1)
    run.start(2)
    clock.now = 30.0
    assert run.waiting() == (
        "    at work: train ridge a, 64 (30 s), train ridge a, 256 (30 s) · 0% · about 50 s left"
    )


@pytest.mark.parametrize(
    ("rule", "wildcards", "name"),
    [
        ("train_kl_ridge", {"run": "pca-16", "part": "64-256"}, "train kl ridge pca-16, 64-256"),
        ("measure_ridge", {"run": "pca-16"}, "measure ridge pca-16"),
        ("show_weight_change", {}, "show weight change"),
        ("data_facts", {}, "data facts"),
        ("claims", {}, "claims"),
    ],
)
def test_names_are_for_people(rule: str, wildcards: dict, name: str) -> None:
    assert name_of(rule, wildcards) == name


def test_a_run_that_begins_is_the_one_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "current", None)
    progress.begin({3: ("claims", 2.0)}, 4)
    assert progress.current is not None
    assert (progress.current.names, progress.current.cores) == ({3: "claims"}, 4)


class Screen(io.StringIO):
    """A terminal, or a file."""

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


def written(screen: Screen, run: Progress, monkeypatch: pytest.MonkeyPatch) -> str:
    """What two jobs, a fault and a third job leave on a screen."""
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "current", run)
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv(progress.CALM, "")
    handler = LogHandler(None, None)
    for level, event, job in (
        (logging.INFO, LogEvent.JOB_FINISHED, 1),
        (logging.INFO, LogEvent.JOB_FINISHED, 0),
        (logging.INFO, LogEvent.JOB_FINISHED, 2),
        (logging.ERROR, LogEvent.JOB_ERROR, None),
        (logging.INFO, LogEvent.JOB_FINISHED, 7),
    ):
        record = logging.LogRecord("run", level, "", 0, "a fault", None, None)
        record.event, record.job_id = event, job
        handler.emit(record)
    handler.close()
    return screen.getvalue()


def test_in_a_terminal_a_line_takes_the_place_of_the_one_before_and_faults_stay(
    run: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = written(Screen(is_terminal=True), run, monkeypatch)
    assert text.split("\r\x1b[K") == [
        "[1/3] train ridge a, 64 · 20%",
        "[2/3] train ridge a, 256 · 90",
        "a fault\n[3/3] measure ridge a · 100%\n",
    ]


def test_in_a_file_every_line_stays(run: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = written(Screen(is_terminal=False), run, monkeypatch).splitlines()
    assert [line[:5] for line in lines] == ["[1/3]", "[2/3]", "a fau", "[3/3]"]
