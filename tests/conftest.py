"""What all tests share: one thread a process, who runs with whom, and the times they measured."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent

LONG = ("workflow", "container", "cluster", "browser")
"""Folders whose tests share a costly fixture: each folder is one worker's, and starts first."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests measured and kept by `record_property`: times and sizes."""
    measured = [
        f"{name}: {value}"
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
    ]
    if measured:
        terminalreporter.section("measured")
        for line in measured:
            terminalreporter.line(line)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """One thread, so that sums have one order and small problems are fast."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long folders first, each in one group of pytest-xdist's."""
    folders = {item: item.path.relative_to(HERE).parts[0] for item in items}
    for item, folder in folders.items():
        if folder in LONG:
            item.add_marker(pytest.mark.xdist_group(folder))
    items.sort(key=lambda item: (*LONG, folders[item]).index(folders[item]))
