"""What all tests share: one thread a process, who runs with whom, and the times they measured."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from jaxtyping import install_import_hook
from pretended_gpu import pretended
from shapes import CHECKED
from threadpoolctl import threadpool_limits

# Before any test imports the library.
install_import_hook(CHECKED, "shapes.checked")

HERE = Path(__file__).parent

LONG = ("workflow", "container", "cluster", "browser")
"""Folders whose tests take long, and start first."""

COSTLY = {"workflow": "finished", "cluster": "slurm: Slurm"}
"""What files of a folder name that share a costly fixture, a whole run; the others go alone."""


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
    with threadpool_limits(1):  # of numpy and scipy
        yield
    torch.set_num_threads(before)


@pytest.fixture
def gpu() -> Iterator[None]:
    """A GPU, or where there is none, one that the CPU plays (`pretended_gpu`)."""
    if torch.cuda.is_available():
        yield
        return
    with pretended():
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long folders first, and mark what runs on a GPU."""
    for item in items:
        if "gpu" in getattr(item, "fixturenames", ()):
            item.add_marker("gpu")
    folders = {item: item.path.relative_to(HERE).parts[0] for item in items}
    items.sort(key=lambda item: (*LONG, folders[item]).index(folders[item]))


@cache
def text_of(path: Path) -> str:
    """Text of a file of tests."""
    return path.read_text(encoding="utf-8")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand pytest-xdist's workers a long folder as one piece of work, and other files each.

    Its own groups do nothing with pytest 9.2, which no longer asks an item for its changed name.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFolder(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = Path(nodeid.partition("::")[0])
            folder = path.parts[1]
            alone = COSTLY.get(folder, "") not in text_of(config.rootpath / path)
            return folder if folder in LONG and not alone else str(path)

    config.option.loadscopereorder = False
    return ByFolder(config, log)
