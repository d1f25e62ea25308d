"""The workflow on copies of the source tree: what a user's clone does, leaving this one alone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("Snakefile", "workflow", "config", "envs", "pyproject.toml")

Completed = subprocess.CompletedProcess[str]


def copy_sources(target: Path) -> Path:
    """Copy what the workflow is made of."""
    target.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            shutil.copy2(source, target / name)
    return target


def environment(tree: Path) -> dict[str, str]:
    """This process's environment, with the library of a tree in front of the installed one."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("VAENTK_", "SNAKEMAKE_"))}
    return kept | {"PYTHONPATH": str(tree / "workflow" / "src")}


TINY = ("config/tiny.yaml",)


def snakemake_command(*arguments: str, configs: tuple[str, ...] = TINY) -> list[str]:
    """Command line of Snakemake on two cores, with configurations over the default."""
    cores = [] if "--cores" in arguments else ["--cores", "2"]
    return [sys.executable, "-m", "snakemake", *cores, *arguments, "--configfile", *configs]


def run_snakemake(tree: Path, *arguments: str, configs: tuple[str, ...] = TINY) -> Completed:
    """Run Snakemake in a tree; standard output and error together in `stdout`."""
    return subprocess.run(
        snakemake_command(*arguments, configs=configs),
        cwd=tree,
        env=environment(tree),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=1500,
    )


@pytest.fixture
def snakemake() -> Callable[..., Completed]:
    """Run Snakemake in a tree to its end."""
    return run_snakemake


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


@pytest.fixture
def copy_finished(finished: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copy the finished tree with its times under a name, to change and run again."""

    def copy(name: str) -> Path:
        return shutil.copytree(finished, tmp_path / name, symlinks=True, copy_function=copy_or_link)

    return copy


@pytest.fixture
def copy_of_finished(copy_finished: Callable[[str], Path]) -> Path:
    """One such copy."""
    return copy_finished("tree")


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A tree in which nothing has run."""
    return copy_sources(tmp_path / "tree")
