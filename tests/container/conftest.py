"""The image, built and run without an engine: buildah and podman as root, in one folder."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("buildah", "podman", "runc", "mmdebstrap")
DISK = 27e9
"""Bytes: the packages' six billion lie there four times while their layer is committed."""

BASE, IMAGE, COMMIT = "localhost/python:bookworm", "localhost/vaentk:test", "c0ffee" * 6 + "beef"
PROMISED = "python3,python3-venv,ca-certificates,libstdc++6"
"""What the Dockerfile asks of BASE, in Debian's names."""

STRANGER = 4321
"""A user and group that the image has no entry for, as `--user "$(id -u):$(id -g)"` names it."""

# Where pip and uv of this machine look for packages, and whose certificates they trust.
SETTING = re.compile(
    r"PIP_(INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|PROXY|CERT|DEFAULT_TIMEOUT)"
    r"|UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|SYSTEM_CERTS|HTTP_TIMEOUT)"
    r"|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE"
)
CONFIGURATION = ("/etc/ssl/certs", "/etc/pip.conf", "/etc/uv/uv.toml")
OF_HOME = (".config/pip/pip.conf", ".pip/pip.conf", ".config/uv/uv.toml")
BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")

Completed = subprocess.CompletedProcess[str]


def told_to_installers() -> dict[str, str]:
    """Variables that pip and uv heed in the build as they do here."""
    told = {name: value for name, value in os.environ.items() if SETTING.fullmatch(name)}
    trust = {"SSL_CERT_FILE": str(BUNDLE), "PIP_CERT": str(BUNDLE)} if BUNDLE.exists() else {}
    return trust | told


def mounts_of_installers(told: Mapping[str, str]) -> dict[Path, str]:
    """Files and folders here that pip and uv are to find in the build, and where."""
    mounts = {Path(path): path for path in CONFIGURATION}
    mounts |= {Path.home() / path: f"/root/{path}" for path in OF_HOME}
    words = (word.removeprefix("file://") for value in told.values() for word in value.split())
    mounts |= {Path(word): word for word in words if word.startswith("/")}
    covered = {p for p in mounts if any(parent in mounts for parent in p.parents)}
    return {
        path: inside for path, inside in mounts.items() if path.exists() and path not in covered
    }


@dataclass(frozen=True)
class Engine:
    """buildah and podman whose storage, locks and temporary files lie in one folder.

    Attributes
    ----------
    folder
        That folder.
    """

    folder: Path

    def call(self, *command: str | Path, timeout: float = 1500) -> Completed:
        """Run a command with standard output and error together; it may fail."""
        return subprocess.run(
            command,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout,
        )

    def done(self, *command: str | Path) -> str:
        """Run a command that has to succeed; what it printed."""
        result = self.call(*command)
        assert result.returncode == 0, f"{command[0]} {command[1]}: {result.stdout[-6000:]}"
        return result.stdout

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment with the folder in all places where storage is looked for."""
        return os.environ | {
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "XDG_RUNTIME_DIR": str(self.folder),
            "TMPDIR": str(self.folder / "tmp"),
        }

    def prepare(self) -> None:
        """Write the configuration. A lock is a file here, not shared memory that stays behind."""
        (self.folder / "tmp").mkdir()
        (self.folder / "containers.conf").write_text(
            '[engine]\nlock_type = "file"\nevents_logger = "none"\n'
            f'tmp_dir = "{self.folder}/libpod"\n[containers]\nlog_driver = "k8s-file"\n'
        )
        (self.folder / "storage.conf").write_text(
            '[storage]\ndriver = "overlay"\n'
            f'graphroot = "{self.folder}/storage"\nrunroot = "{self.folder}/run"\n'
        )

    def remove(self) -> None:
        """End what runs, unmount and delete everything."""
        self.call("podman", *PODMAN, "rm", "--all", "--force", "--time", "0")
        self.call("buildah", "rm", "--all")
        mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for place in reversed([m for m in mounted if m.startswith(f"{self.folder}/")]):
            subprocess.run(["umount", place], check=True)
        shutil.rmtree(self.folder)


# runc and cgroupfs need no systemd; podman would raise limits beyond what this machine allows.
PODMAN = ("--runtime", "runc", "--cgroup-manager=cgroupfs")
LIMITS = ("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=8192:8192")


@dataclass(frozen=True)
class Image:
    """The built image.

    Attributes
    ----------
    engine
        What built it.
    seconds
        How long its base and its build took.
    commit
        The commit that the build was told.
    user
        Number of the user and group that containers run as.
    """

    engine: Engine
    seconds: dict[str, float]
    commit: str = COMMIT
    user: int = STRANGER

    def run(self, *arguments: str, volumes: Mapping[Path, str] | None = None) -> Completed:
        """Run a new container without a network and remove it."""
        mounted = [f"--volume={here}:{inside}" for here, inside in (volumes or {}).items()]
        options = ["--rm", f"--user={self.user}:{self.user}", *mounted]
        return self.podman_run(options, arguments)

    def podman_run(self, options: Sequence[str], arguments: Sequence[str]) -> Completed:
        """Run a new container without a network, with options of `docker run`."""
        command = ("podman", *PODMAN, "run", "--network", "none", *LIMITS)
        return self.engine.call(*command, *options, IMAGE, *arguments)

    def inspect(self) -> dict:
        """Its configuration, as `docker inspect` shows it."""
        (facts,) = json.loads(self.engine.done("podman", *PODMAN, "image", "inspect", IMAGE))
        return facts


def built(engine: Engine) -> Image:
    """Make a base with nothing but what is promised of it, and the image on it."""
    told = told_to_installers()
    start = time.monotonic()
    tar = engine.folder / "base.tar"
    engine.done("mmdebstrap", "--variant=essential", f"--include={PROMISED}", "bookworm", tar)
    # A build hands no variable to RUN that its Dockerfile does not name, so the base carries them.
    variables = [f'--change=ENV {name}="{value}"' for name, value in told.items()]
    engine.done("podman", *PODMAN, "import", *variables, tar, BASE)
    tar.unlink()
    middle = time.monotonic()
    engine.done(
        *("buildah", "bud", "--isolation", "chroot", "--layers", "--tag", IMAGE),
        *(f"--volume={here}:{inside}:ro" for here, inside in mounts_of_installers(told).items()),
        *(f"--unsetenv={name}" for name in told),
        *("--build-arg", f"BASE={BASE}", "--build-arg", f"COMMIT={COMMIT}"),
        ROOT,
    )
    return Image(engine, {"base": middle - start, "build": time.monotonic() - middle})


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    """The image of this source tree, on a base made here; nothing of it stays."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(
            f"needs {', '.join(missing)} (Debian: apt install buildah podman runc mmdebstrap)"
        )
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount overlays and make a Debian base")
    if shutil.disk_usage(tempfile.gettempdir()).free < DISK:
        pytest.skip(f"needs {DISK / 1e9:.0f} GB for temporary files (TMPDIR)")
    engine = Engine(Path(tempfile.mkdtemp(prefix="vaentk-image-")))
    try:
        engine.prepare()
        yield built(engine)
    finally:
        engine.remove()


@dataclass(frozen=True)
class Run:
    """A finished run of the tiny configuration: its results folder, output and seconds."""

    results: Path
    said: str
    seconds: float


@pytest.fixture(scope="session")
def tiny(image: Image) -> Run:
    """The tiny configuration, run in a container into a mounted folder that its user owns."""
    results = image.engine.folder / "results"
    results.mkdir()
    os.chown(results, image.user, image.user)
    start = time.monotonic()
    arguments = ("--cores", "2", "--configfile", "config/tiny.yaml")
    result = image.run(*arguments, volumes={results: "/vaentk/results"})
    assert result.returncode == 0, result.stdout[-8000:]
    return Run(results, result.stdout, time.monotonic() - start)
