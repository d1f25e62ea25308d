"""Copies of the source tree, as a user's clone is one, and Snakemake in them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
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
    dropped = ("VAENTK_", "SNAKEMAKE_", "PYTHONDONTWRITEBYTECODE")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
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
