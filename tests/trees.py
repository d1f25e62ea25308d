"""Copies of the source tree, as a user's clone is one, and Snakemake in them."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from functools import reduce
from pathlib import Path

import yaml
from configurations import merged
from pages import without_run_times

ROOT = Path(__file__).parents[1]
SOURCES = ("Snakefile", "profiles", "workflow", "config", "envs", "pyproject.toml")

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


def make_clone(tree: Path, *configurations: str) -> Path:
    """Add to sources what a clone has: make, and a .venv, which is the environment of these tests.

    The default configuration becomes that with the given ones, texts of YAML, over it.
    """
    default = tree / "config/config.yaml"
    texts = (default.read_text(), (tree / "config/tiny.yaml").read_text(), *configurations)
    settings = reduce(merged, map(yaml.safe_load, texts))
    default.write_text(yaml.safe_dump(settings, sort_keys=False))
    for name in ("Makefile", "README.md"):
        shutil.copy2(ROOT / name, tree)
    programs = tree / ".venv/bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    library = tree / "workflow/src"
    (programs / "activate").write_text(
        f'export PATH="{Path(sys.executable).parent}:$PATH" PYTHONPATH="{library}"\n'
    )
    (tree / ".venv/pyvenv.cfg").write_text(f"command = python -m venv {tree.resolve()}/.venv\n")
    (tree / ".venv/installed").touch()
    return tree


def typed(command: str, tree: Path) -> "subprocess.Popen[str]":
    """Type a command into a shell in a clone; its output is one stream of text."""
    # A make that runs these tests hands down its own flags and variables.
    dropped = ("MAKE", "MFLAGS", "ARGS", "CORES", "VAENTK_")
    return subprocess.Popen(
        ["bash", "-c", command],
        cwd=tree,
        env={k: v for k, v in os.environ.items() if not k.startswith(dropped)},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


UNSTABLE = ("logs", "benchmarks")
"""Folders that hold times; everything else is the same bytes in every run on a CPU."""


def results(tree: Path) -> dict[str, str]:
    """Checksum of every stable result by its path; of the report without its run times."""
    found = {}
    for path in sorted((tree / "results").rglob("*")):
        relative = path.relative_to(tree / "results")
        if path.is_dir() or relative.parts[0] in UNSTABLE:
            continue
        content = path.read_bytes()
        if path.suffix == ".html":
            content = without_run_times(content.decode()).encode()
        if path.name.endswith(".html.json"):  # whose checksums are of the whole page
            record = json.loads(content)
            content = json.dumps({**record, "result": None, "checksum": None}).encode()
        found[str(relative)] = hashlib.sha256(content).hexdigest()
    return found
