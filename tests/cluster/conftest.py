"""One SLURM for all tests of a session, and Snakemake with the profile for it."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import slurm_node
from trees import copy_sources


@pytest.fixture(scope="session")
def slurm() -> Iterator[slurm_node.Slurm]:
    """A SLURM of one node; skips where there can be none."""
    if reason := slurm_node.missing():
        pytest.skip(f"SLURM {reason}")
    # Not in pytest's folder: a Unix socket's path has 107 characters at most.
    with TemporaryDirectory(prefix="slurm-") as folder, slurm_node.running(Path(folder)) as slurm:
        yield slurm


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A tree in which nothing has run."""
    return copy_sources(tmp_path / "tree")
