"""The README's docker lines, as podman runs them: without a GPU, without a network, planned."""

import subprocess
from pathlib import Path

import pytest
from readme import README, commands

pytestmark = pytest.mark.container

LINES = [line for line in commands(README) if line.startswith("docker run")]


def words(line: str, folder: Path, user: int) -> list[str]:
    """What a shell in a folder hands to docker, for a user."""
    typed = f"docker() {{ printf '%s\\n' \"$@\"; }}; id() {{ echo {user}; }}; {line}"
    told = subprocess.run(["bash", "-c", typed], cwd=folder, capture_output=True, check=True)
    return told.stdout.decode().splitlines()


def test_there_are_lines_for_a_cpu_and_for_a_gpu() -> None:
    assert {"--gpus" in line for line in LINES} == {True, False}


@pytest.mark.parametrize("line", LINES)
def test_docker_line_of_the_readme(line: str, image, tmp_path: Path) -> None:
    for name in ("results", "data"):
        (tmp_path / name).mkdir(mode=0o777)
        (tmp_path / name).chmod(0o777)
    given = words(line, tmp_path, image.user)
    place = given.index("vaentk")
    options, arguments = given[1:place], given[place + 1 :]
    if "--gpus" in options:  # podman would look for a driver
        del options[options.index("--gpus") : options.index("--gpus") + 2]
    if not arguments or arguments[0].startswith("--"):
        arguments = [*(arguments or ["--cores", "all"]), "--dry-run"]
    result = image.podman_run(options, arguments)
    assert result.returncode == 0, result.stdout
    assert "rule report:" in result.stdout or "0 GPU" in result.stdout
