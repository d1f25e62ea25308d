"""Every command of the README, typed into a shell in a clone where the default has run.

The clone's default configuration is the tiny one, and its .venv is the environment of these tests.
What is changed or done elsewhere is said in `CHANGED` and `ELSEWHERE`, nothing else is left out.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from readme import README, ROOT, commands
from trees import make_clone, typed

ELSEWHERE = {
    r"git clone .*": "these tests run in a clone",
    r"docker .*": "tests/container runs it with podman",
    r"make test": ".ci/run runs it, and this test with it",
    r"make gpu-check": "tests/unit/test_gpu_check.py runs it, on a CPU",
}
"""Commands that something else runs."""

CHANGED = {
    # Hours of a GPU and downloads: planned, not run.
    r"(snakemake .*config/(?:paper|evening|theory)\.yaml.*)": r"\1 --dry-run --quiet",
    r'(make report ARGS="[^"]*paper\.yaml[^"]*)"': r'\1 --dry-run --quiet"',
    # A server would go on: it is ended once it says where it is.
    r"(tensorboard .*)": r"grep -m 1 http:// <(timeout 60 \1 --port 0 2>&1) && kill $!",
    # The published file is not here: the one sentence, and no traceback.
    r"(python -m vaentk\.data\.dsprites .*)": r"\1 2>&1 | grep 'is missing\|cannot be read'",
}
"""How a command is changed so that it ends."""


@pytest.fixture(scope="module")
def clone(copy_finished_to: Callable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with results, the reference runs and an environment."""
    tree = copy_finished_to(tmp_path_factory.mktemp("readme") / "clone")
    shutil.copytree(ROOT / "results/reference", tree / "results/reference")
    return make_clone(tree)


def test_commands_are_found_with_their_continuations_and_without_comments() -> None:
    text = "In\n\n    make report   # all\n    docker run \\\n      --rm x\n\n    Snakefile, a\n"
    assert commands(text) == ["make report", "docker run --rm x"]
    assert len(commands(README)) > 10


@pytest.mark.parametrize("command", dict.fromkeys(commands(README)))
def test_command_of_the_readme(command: str, clone: Path) -> None:
    for pattern, reason in ELSEWHERE.items():
        if re.fullmatch(pattern, command):
            pytest.skip(reason)
    changed = command
    for pattern, replacement in CHANGED.items():
        changed = re.sub(f"^{pattern}$", replacement, changed)
    process = typed(f". .venv/bin/activate && {changed}", clone)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, f"{changed}\n{output[-3000:]}"
    assert "Traceback" not in output


@pytest.mark.parametrize("home", ["HOME=/dev/null XDG_CACHE_HOME=", "XDG_CACHE_HOME=/dev/null"])
def test_a_home_that_nobody_may_write_is_no_hindrance(home: str, clone: Path) -> None:
    process = typed(f'{home} make plan ARGS="results/data/mnist.safetensors"', clone)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert "configuration tiny, from config/config.yaml" in output
