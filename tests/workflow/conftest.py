"""The workflow on copies of the source tree: what a user's clone does, leaving this one alone."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from trees import (
    ROOT,
    TINY,
    Completed,
    copy_sources,
    environment,
    run_snakemake,
    snakemake_command,
)


@pytest.fixture
def snakemake() -> Callable[..., Completed]:
    """Run Snakemake in a tree to its end."""
    return run_snakemake


@pytest.fixture(scope="session")
def loaded() -> Callable[..., dict[str, dict]]:
    """Load a tree's rules as Snakemake does, without running any."""

    def load(tree: Path, configs: tuple[str, ...] = TINY) -> dict[str, dict]:
        result = subprocess.run(
            [sys.executable, ROOT / "tests/load_rules.py", *configs],
            cwd=tree,
            env=environment(tree),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert result.returncode == 0, result.stderr
        rules: dict[str, dict] = json.loads(result.stdout)
        return rules

    return load


@pytest.fixture
def plan() -> Callable[..., Completed]:
    """Run what `make plan` runs, in a tree."""

    def call(tree: Path, *arguments: str) -> Completed:
        return subprocess.run(
            [sys.executable, "workflow/plan/plan.py", *arguments],
            cwd=tree,
            env=environment(tree),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return call


@pytest.fixture
def start_snakemake() -> Callable[..., "subprocess.Popen[bytes]"]:
    """Start Snakemake in a tree, in a process group of its own, so that all of it can be killed."""

    def start(
        tree: Path, *arguments: str, configs: tuple[str, ...] = TINY
    ) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            snakemake_command(*arguments, configs=configs),
            cwd=tree,
            env=environment(tree),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    return start


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree in which the tiny configuration has run once; read only, copy it to change it."""
    tree = copy_sources(tmp_path_factory.mktemp("finished") / "tree")
    result = run_snakemake(tree)
    assert result.returncode == 0, result.stdout[-8000:]
    return tree


def copy_or_link(source: str, target: str) -> None:
    """Copy a file with its times; images are half a gigabyte and never written twice: link them."""
    if source.endswith(".safetensors") and "/results/data/" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


@pytest.fixture(scope="session")
def copy_finished_to(finished: Path) -> Callable[[Path], Path]:
    """Copy the finished tree with its times to a folder, to change and run again."""

    def copy(target: Path) -> Path:
        return shutil.copytree(finished, target, symlinks=True, copy_function=copy_or_link)

    return copy


@pytest.fixture
def copy_finished(copy_finished_to: Callable, tmp_path: Path) -> Callable[[str], Path]:
    """Copy the finished tree under a name."""

    def copy(name: str) -> Path:
        return copy_finished_to(tmp_path / name)

    return copy


@pytest.fixture
def copy_of_finished(copy_finished: Callable[[str], Path]) -> Path:
    """One such copy."""
    return copy_finished("tree")


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A tree in which nothing has run."""
    return copy_sources(tmp_path / "tree")
