"""The Dockerfile built, and run as a stranger without a network: what a machine in a cloud sees."""

import json
import os
import re
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.container

ROOT = Path(__file__).parents[2]
RESULTS = "/vaentk/results"
TINY = ("--cores", "2", "--configfile", "config/tiny.yaml")
BUILDERS = {"gcc", "cc", "g++", "c++", "clang", "ld", "make", "nvcc", "uv", "git"}

Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def inside(image) -> Path:
    """The image's files, mounted."""
    return Path(image.engine.done("podman", "image", "mount", image.inspect()["Id"]).strip())


def owned(folder: Path, user: int) -> Path:
    """Make a folder that a user owns."""
    folder.mkdir()
    os.chown(folder, user, user)
    return folder


def test_image_is_one_layer_of_packages_and_little_more(image, record_property: Record) -> None:
    history = json.loads(
        image.engine.done("podman", "history", "--format", "json", image.inspect()["Id"])
    )
    layers = [(step["size"], step["CreatedBy"]) for step in reversed(history) if step["size"]]
    size, step = max(layers)
    assert "requirements.lock" in step
    assert size < 7e9
    assert sum(others for others, _ in layers[1:]) - size < 30e6, "without the base, which is first"
    record_property("base made, s", round(image.seconds["base"]))
    record_property("image built, s", round(image.seconds["build"]))
    for size, step in layers:
        made = re.sub(r"^/bin/sh -c (#.nop. )?", "", step)[:50]
        record_property(f"layer of {made}, MB", round(size / 1e6, 1))
    record_property("image, MB", round(image.inspect()["Size"] / 1e6))


def test_image_says_who_it_is_and_asks_for_every_gpu(image) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    config = image.inspect()["Config"]
    labels = {k.rpartition(".")[2]: v for k, v in config["Labels"].items() if "opencont" in k}
    assert labels["title"] == project["name"]
    assert labels["version"] == project["version"]
    assert labels["licenses"] == "MIT"
    assert labels["revision"] == image.commit
    told = dict(line.split("=", 1) for line in config["Env"])
    assert told["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert told["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"
    assert not [name for name in told if name.startswith(("PIP_", "UV_", "SSL_"))]
    assert config["User"] == "1000:1000"
    assert set(config["Volumes"]) == {RESULTS, "/data"}


def test_image_holds_no_cache_no_toolchain_and_no_test(inside: Path) -> None:
    programs = {
        path.name
        for folder in ("usr/bin", "usr/local/bin", "opt/venv/bin")
        for path in (inside / folder).iterdir()
    }
    assert {"python3", "sh"} <= programs
    assert not programs & BUILDERS
    for folder in ("tmp", "data", "home/vaentk", "vaentk/results/.snakemake", "root/.cache"):
        path = inside / folder
        assert not path.exists() or not list(path.iterdir()), folder
    assert {path.name for path in (inside / "vaentk").iterdir()} == {
        *("LICENSE", "README.md", "Snakefile", "pyproject.toml", "config", "envs", "workflow"),
        *("profiles", "results", ".snakemake"),
    }
    odd = [
        str(folder.relative_to(inside))
        for top in ("opt/venv", "vaentk")
        for folder in (inside / top).rglob("tests")
        if folder.is_dir()
    ]
    assert odd == []


def test_packages_are_those_of_the_lock(image) -> None:
    pins = re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", (ROOT / "envs/requirements.lock").read_text())
    result = image.run("sh", "-c", "pip check >&2 && pip list --format json 2>/dev/null")
    assert result.returncode == 0, result.stdout
    installed = {
        (re.sub(r"[-_.]+", "-", entry["name"]).lower(), entry["version"])
        for entry in json.loads(result.stdout.splitlines()[-1])
    }
    assert {name for name, _ in installed - set(pins)} == {"pip", "vaentk"}
    assert {"torch", "snakemake", "snakemake-executor-plugin-kubernetes"} <= dict(installed).keys()


def test_a_stranger_can_write_at_home_and_sees_no_network(image) -> None:
    program = (
        "import os, socket, pathlib, torch; pathlib.Path.home().joinpath('x').touch();"
        "pathlib.Path(os.environ['VAENTK_CACHE'], 'x').touch();"
        "print(os.getuid(), torch.cuda.is_available(), [n for _, n in socket.if_nameindex()])"
    )
    result = image.run("python", "-c", program)
    assert result.stdout == f"{image.user} False ['lo']\n"


def test_tiny_configuration_runs_without_a_network(image, tiny, record_property: Record) -> None:
    record_property("tiny configuration in the image, s", round(tiny.seconds))
    report = (tiny.results / "report/index.html").read_text()
    assert image.commit in report
    assert "temporary cache directory" not in tiny.said  # Matplotlib has no place for its fonts
    owners = {(s.st_uid, s.st_gid) for s in (p.lstat() for p in tiny.results.rglob("*"))}
    assert owners == {(image.user, image.user)}


def test_a_second_container_has_nothing_to_do(image, tiny, record_property: Record) -> None:
    before = {p: p.stat().st_mtime_ns for p in tiny.results.rglob("*.html")}
    start = time.monotonic()
    result = image.run(*TINY, volumes={tiny.results: RESULTS})
    record_property("the same again, s", round(time.monotonic() - start))
    assert result.returncode == 0, result.stdout
    assert "Nothing to be done" in result.stdout
    assert before == {p: p.stat().st_mtime_ns for p in tiny.results.rglob("*.html")}


def test_a_second_container_knows_the_settings_of_the_first(image, tiny, tmp_path: Path) -> None:
    """Only Snakemake's memory, which outlives the container with the results, can tell."""
    mine = tmp_path / "mine.yaml"
    mine.write_text("experiments: {limit_kernels: {mnist-28x28: {sigma0: [0.7]}}}\n")
    result = image.run(
        *(*TINY, "/mine.yaml", "--dry-run"), volumes={tiny.results: RESULTS, mine: "/mine.yaml:ro"}
    )
    assert result.returncode == 0, result.stdout
    assert re.search(r"params have changed.*:\s+.*measure_limit_kernels", result.stdout, re.I)
    assert "Nothing to be done" not in result.stdout


def test_programs_of_the_image_go_by_their_names(image, tiny) -> None:
    volumes = {tiny.results: RESULTS}
    same = image.run(
        "python", "-m", "vaentk.commands.compare", "results", "results", volumes=volumes
    )
    assert same.returncode == 0, same.stdout
    assert "Claims whose verdict changed: 0" in same.stdout
    report = image.run(*TINY, "--report", "results/snakemake-report.zip", volumes=volumes)
    assert report.returncode == 0, report.stdout
    assert (tiny.results / "snakemake-report.zip").stat().st_uid == image.user


def test_a_bad_configuration_is_one_sentence(image, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("devise: cpu\n")
    volumes = {mine: "/mine.yaml:ro", owned(tmp_path / "results", image.user): RESULTS}
    result = image.run("--cores", "2", "--configfile", "/mine.yaml", volumes=volumes)
    assert result.returncode != 0
    assert "Traceback" not in result.stdout
    (sentence,) = (line for line in result.stdout.splitlines() if "configuration:" in line)
    assert "unknown key devise" in sentence


@pytest.mark.parametrize("name", ["config", "paper"])
def test_configuration_is_planned_on_an_empty_folder(name: str, image, tmp_path: Path) -> None:
    volumes = {owned(tmp_path / "results", image.user): RESULTS}
    configured = ("--configfile", f"config/{name}.yaml")
    result = image.run("--cores", "4", *configured, "--dry-run", volumes=volumes)
    assert result.returncode == 0, result.stdout
    assert "This was a dry-run" in result.stdout
    assert "rule report:" in result.stdout


def test_a_folder_of_somebody_else_is_one_sentence(image, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    result = image.run(*TINY, volumes={tmp_path / "results": RESULTS})
    assert result.returncode == 1
    assert result.stdout.startswith(f"vaentk: user {image.user}:{image.user} may not write to")
    assert len(result.stdout.splitlines()) == 1
