"""One environment, said in several files: the lock, and everything that must agree with it."""

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
ENVS = ROOT / "envs"
LOCKS = ["requirements", "checks", "installer"]


def named(path: Path) -> dict[str, Requirement]:
    """Requirements of a .in file by canonical name."""
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    requirements = [Requirement(line) for line in lines if line and not line.startswith("-r ")]
    return {canonicalize_name(r.name): r for r in requirements}


def locked(path: Path) -> dict[str, list[tuple[Requirement, list[str]]]]:
    """Entries of a compiled lock: canonical name to (pinned requirement, hashes) pairs."""
    text = re.sub(r"\\\n", " ", path.read_text())
    entries: dict[str, list[tuple[Requirement, list[str]]]] = {}
    for line in text.splitlines():
        if not line or line.lstrip().startswith("#"):
            continue
        pin, *hashes = re.split(r"\s+--hash=", line.strip())
        requirement = Requirement(pin)
        entries.setdefault(canonicalize_name(requirement.name), []).append((requirement, hashes))
    return entries


def version_of(requirement: Requirement) -> Version:
    """The one version that a pinned requirement admits."""
    (pin,) = requirement.specifier
    assert pin.operator == "==", f"{requirement} is no pin"
    return Version(pin.version)


def unsatisfied(wanted: dict[str, Requirement], lock: Path) -> list[str]:
    """What ``wanted`` names and ``lock`` lacks or pins to a version that is not admitted."""
    entries = locked(lock)
    return [
        str(requirement)
        for name, requirement in wanted.items()
        if not any(version_of(pin) in requirement.specifier for pin, _ in entries.get(name, []))
    ]


@pytest.fixture(scope="module")
def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize("name", LOCKS)
def test_lock_satisfies_what_is_asked_for(name: str) -> None:
    assert unsatisfied(named(ENVS / f"{name}.in"), ENVS / f"{name}.lock") == []


def test_an_unlocked_or_outdated_requirement_is_noticed() -> None:
    wanted = {"absent": Requirement("absent"), "torch": Requirement("torch>=99")}
    assert unsatisfied(wanted, ENVS / "requirements.lock") == ["absent", "torch>=99"]


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes(name: str) -> None:
    entries = locked(ENVS / f"{name}.lock")
    assert entries
    sha256 = re.compile(r"sha256:[0-9a-f]{64}")
    for pins in entries.values():
        for requirement, hashes in pins:
            assert hashes, f"{requirement} has no hash"
            assert all(sha256.fullmatch(h) for h in hashes), f"{requirement}: odd hash"


@pytest.mark.parametrize("name", LOCKS)
def test_lock_names_no_index(name: str) -> None:
    text = (ENVS / f"{name}.lock").read_text()
    assert "://" not in text
    options = re.findall(r"(?m)(?:^|\s)(--?[a-z][a-z-]*)", text)
    assert set(options) <= {"--hash", "-r", "-c"}


def test_torch_and_torchvision_are_the_pair_that_was_tested() -> None:
    entries = locked(ENVS / "requirements.lock")
    pair = {name: [str(r.specifier) for r, _ in entries[name]] for name in ("torch", "torchvision")}
    assert pair == {"torch": ["==2.14.1"], "torchvision": ["==0.29.1"]}


def test_tests_run_on_the_versions_of_a_run() -> None:
    run, checks = (locked(ENVS / f"{name}.lock") for name in ("requirements", "checks"))
    pins = {name: {str(r.specifier) for r, _ in entries} for name, entries in run.items()}
    assert pins == {name: {str(r.specifier) for r, _ in checks[name]} for name in pins}


def test_this_environment_is_the_locked_one() -> None:
    """What runs the tests is what the lock names, so a stale .venv does not pass for it."""
    entries = locked(ENVS / "checks.lock")
    for name in named(ENVS / "requirements.in") | named(ENVS / "checks.in"):
        pins = [r for r, _ in entries[name] if r.marker is None or r.marker.evaluate()]
        assert [version_of(pin) for pin in pins] == [Version(version(name))], name


def test_conda_installs_from_the_lock() -> None:
    environment = yaml.safe_load((ENVS / "environment.yaml").read_text())
    (pip,) = (d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert pip == ["--require-hashes", "-r requirements.lock"]
    assert (ENVS / "requirements.lock").is_file()  # conda reads the path from the file's folder


@pytest.mark.parametrize("name", ["environment.yaml", "rule.yaml"])
def test_conda_python_is_one_that_the_package_takes(name: str, pyproject: dict) -> None:
    environment = yaml.safe_load((ENVS / name).read_text())
    (python,) = (
        Requirement(d) for d in environment["dependencies"] if str(d).startswith("python ")
    )
    required = SpecifierSet(pyproject["project"]["requires-python"])
    lower = [s.version for s in python.specifier if s.operator == ">="]
    assert lower == [s.version for s in required if s.operator == ">="]
    admitted = [f"3.{minor}" for minor in range(30) if python.specifier.contains(f"3.{minor}")]
    assert admitted == ["3.11", "3.12", "3.13"]
    assert all(required.contains(version) for version in admitted)


def test_rule_environment_is_tied_to_the_lock() -> None:
    """Snakemake makes a new environment when this script changes, so a new lock must change it."""
    script = (ENVS / "rule.post-deploy.sh").read_text()
    digest = hashlib.sha256((ENVS / "requirements.lock").read_bytes()).hexdigest()
    assert f"requirements.lock sha256: {digest}\n" in script
    assert "--no-build-isolation --require-hashes -r envs/requirements.lock" in script


@pytest.mark.parametrize("path", ["envs/install.sh", "Dockerfile"])
def test_what_is_built_is_built_with_what_is_locked(path: str) -> None:
    """No build fetches what no hash holds: the builder is installed first, and isolation is off."""
    text = re.sub(r"\\\n\s*", "", (ROOT / path).read_text())
    first, second = text.index("envs/installer.lock"), text.index("uv pip sync")
    assert "--require-hashes -r envs/installer.lock" in text[:second]
    assert first < second
    assert "--no-deps --no-build-isolation --require-hashes -r" in text[first:second]
    builder, run = (locked(ENVS / f"{name}.lock") for name in ("installer", "requirements"))
    assert builder["setuptools"] == run["setuptools"]


def test_package_asks_for_no_more_than_the_lock_has(pyproject: dict) -> None:
    declared = [Requirement(d) for d in pyproject["project"]["dependencies"]]
    by_name = {canonicalize_name(r.name): r for r in declared}
    assert set(by_name) <= set(named(ENVS / "requirements.in"))
    assert unsatisfied(by_name, ENVS / "requirements.lock") == []
    assert "snakemake" not in by_name


def imported(path: Path) -> set[str]:
    """Top-level names that a module imports from outside the standard library and itself."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            modules.add(node.module.split(".")[0])
    return modules - sys.stdlib_module_names - {"vaentk"}


def test_package_declares_what_it_imports(pyproject: dict) -> None:
    declared = {
        canonicalize_name(Requirement(d).name) for d in pyproject["project"]["dependencies"]
    }
    owners = packages_distributions()
    undeclared = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "workflow" / "src" / "vaentk").rglob("*.py")
        for name in imported(path)
        # What is run beside the workflow may know Snakemake; the library works without it.
        if not (path.parent.name == "commands" and name.startswith("snakemake"))
        and not declared & {canonicalize_name(d) for d in owners.get(name, [])}
    }
    assert undeclared == set()


def instructions() -> list[tuple[str, str]]:
    """(instruction, argument) pairs of the Dockerfile, continuation lines joined."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_image_starts_from_a_pinned_base_that_can_be_changed() -> None:
    first, second = instructions()[:2]
    assert first[0] == "ARG"
    assert re.fullmatch(r"BASE=[a-z0-9./-]+:[\w.-]+@sha256:[0-9a-f]{64}", first[1])
    assert second == ("FROM", "${BASE}")
    assert [word for word, _ in instructions()].count("FROM") == 1


def test_image_takes_the_lock_before_the_code() -> None:
    steps = instructions()
    lock = next(i for i, s in enumerate(steps) if s[0] == "COPY" and "requirements.lock" in s[1])
    install = next(i for i, s in enumerate(steps) if "--require-hashes envs/requirements" in s[1])
    code = steps.index(("COPY", ". ."))
    assert lock < install < code
    assert steps[lock][1].split()[:-1] == ["envs/installer.lock", "envs/requirements.lock"]


def test_image_starts_its_own_program_and_not_as_root() -> None:
    steps = instructions()
    # By number: what runs only images that are not root's can tell without a look into them.
    assert [rest for word, rest in steps if word == "USER"] == ["1000:1000"]
    assert steps.index(("USER", "1000:1000")) > steps.index(("COPY", ". ."))
    start, arguments = steps[-2:]
    assert start == ("ENTRYPOINT", '["sh", "/vaentk/envs/entrypoint.sh"]')
    assert (ENVS / "entrypoint.sh").is_file()
    assert arguments == ("CMD", '["--cores", "all"]')


def test_image_says_what_the_package_says(pyproject: dict) -> None:
    (labels,) = (rest for word, rest in instructions() if word == "LABEL")
    said = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', labels))
    project = pyproject["project"]
    assert said.pop("revision") == "${COMMIT}"
    assert said == {
        "title": project["name"],
        "description": project["description"],
        "version": project["version"],
        "licenses": project["license"],
    }


@pytest.mark.parametrize(
    ("arguments", "run"),
    [
        ([], "snakemake []"),
        (["--cores", "4"], "snakemake [--cores 4]"),
        (["results/report/index.html"], "snakemake [results/report/index.html]"),
        (["echo", "a  b", "c"], "a  b c"),
    ],
)
def test_image_runs_a_program_or_snakemake(arguments: list, run: str, tmp_path: Path) -> None:
    program = tmp_path / "snakemake"
    program.write_text('#!/bin/sh\necho "snakemake [$*]"\n')
    program.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        ["sh", ENVS / "entrypoint.sh", *arguments],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{run}\n", "")
    assert (tmp_path / "results/.snakemake").is_dir() == run.startswith("snakemake")


def test_image_context_denies_by_default() -> None:
    lines = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert lines[0] == "*"
    for allowed in (line[1:] for line in lines if line.startswith("!")):
        assert (ROOT / allowed).exists(), f".dockerignore allows {allowed}, which is not there"


@pytest.fixture
def make(tmp_path: Path):
    """Call make in a copy that has no .venv, with Python programs that only report a version."""
    clone, programs = tmp_path / "clone", tmp_path / "programs"
    (clone / "envs").mkdir(parents=True)
    programs.mkdir()
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, clone)
    for path in ENVS.iterdir():
        shutil.copy(path, clone / "envs")
    for tool in ("sh", "date", "grep", "awk", "make"):
        found = shutil.which(tool)
        assert found, f"this test needs {tool}"
        (programs / tool).symlink_to(found)

    def call(*arguments: str, **reported: str) -> subprocess.CompletedProcess:
        for program, answer in reported.items():
            path = programs / program.replace("_", ".")
            path.write_text(f"#!/bin/sh\n{answer}\n")
            path.chmod(0o755)
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        environment = {k: v for k, v in keep.items() if k != "PYTHON"} | {"PATH": str(programs)}
        return subprocess.run(
            [shutil.which("make"), *arguments],
            cwd=call.clone,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    call.clone, call.programs = clone, programs
    return call


def said(result: subprocess.CompletedProcess) -> list[str]:
    """What make's recipe wrote to standard error, without make's own closing line."""
    return [line for line in result.stderr.splitlines() if not line.startswith("make")]


def test_too_old_python_is_one_sentence(make) -> None:
    result = make("report", python3="echo 3.9.18")
    assert result.returncode != 0
    assert said(result) == [
        "vaentk needs Python 3.11 or newer, found 3.9.18 (python3): "
        "install it or run make PYTHON=/path/to/python report"
    ]
    assert not (make.clone / ".venv").exists()


def test_named_python_is_used_and_not_replaced_by_another(make) -> None:
    fake = make.programs / "python3"
    result = make(f"PYTHON={fake}", "test", python3="echo 3.9.18", python3_12="echo 3.12.1")
    assert result.returncode != 0
    assert said(result)[0].startswith(
        f"vaentk needs Python 3.11 or newer, found 3.9.18 ({fake}): install it"
    )


def test_missing_python_is_one_sentence(make) -> None:
    result = make("report")
    assert result.returncode != 0
    (line,) = said(result)
    assert line.startswith("vaentk needs Python 3.11 or newer, found no Python (python3): install")


def test_python_without_venv_is_one_sentence(make) -> None:
    result = make("lint", python3='case "$2" in *ensurepip*) exit 1 ;; esac; echo 3.11.2')
    assert result.returncode != 0
    (line,) = said(result)
    assert line.startswith("vaentk needs the venv module, which Python 3.11.2 (python3) lacks")


def test_newer_python_is_found_beside_an_old_one(make) -> None:
    result = make(
        "report",
        python3="echo 3.9.18",
        python3_12='[ "$1" = -m ] && exit 7; echo 3.12.1',
    )
    assert "vaentk: installing into .venv with Python 3.12.1" in result.stdout
    assert result.returncode != 0  # its venv fails, and that is not passed over
    assert not (make.clone / ".venv" / "installed").exists()


def test_a_clone_in_a_path_with_a_space_is_refused_before_anything_is_installed(
    make, tmp_path: Path
) -> None:
    make.clone = make.clone.rename(tmp_path / "my clone")
    result = make("report")
    assert result.returncode != 0
    assert "has a space, which Snakemake does not quote: move the clone" in result.stderr
    assert not (make.clone / ".venv").exists()


@pytest.mark.parametrize("name", ["PIP_USER", "PIP_CONSTRAINT", "UV_SYSTEM_PYTHON"])
def test_what_a_shell_sets_for_installations_does_not_reach_ours(
    make, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "/nowhere")
    result = make("report", python3='echo "3.9.18 [$' + "{" + name + '-}]"')
    assert said(result)[0].startswith("vaentk needs Python 3.11 or newer, found 3.9.18 [] (")


def test_make_alone_lists_every_target(make) -> None:
    result = make()
    assert result.returncode == 0, result.stderr
    listed = re.findall(r"(?m)^  make (\w+) +\S", result.stdout)
    own = [
        "help",
        "report",
        "plan",
        "compare",
        "reference",
        "test",
        "docs",
        "sbom",
        "lint",
        "bench",
        "peers",
    ]
    assert listed == [*own, "clean", "unlock", "lock"]


def test_bill_of_materials_has_every_locked_package_and_no_index() -> None:
    """Asks the index that packages come from, as an installation does."""
    call = [sys.executable, ENVS / "packages.py", "bill"]
    first, second = (subprocess.run(call, capture_output=True, text=True) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    made = json.loads(first.stdout)
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.5")
    listed = {(c["name"], c["version"]): c["hashes"] for c in made["components"]}
    for name, pins in locked(ENVS / "requirements.lock").items():
        for requirement, hashes in pins:
            files = listed[name, str(version_of(requirement))]
            known = {f"sha256:{file['content']}" for file in files}
            assert known, name
            assert known <= set(hashes), name
    assert "://" not in first.stdout


def test_audit_says_when_nobody_can_be_asked() -> None:
    nobody = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, ENVS / "packages.py", "audit"],
        env=os.environ | nobody,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "known faults" in done.stdout or "vulnerabilit" in done.stdout.lower()
    assert "Traceback" not in done.stderr
