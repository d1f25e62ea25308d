"""A SLURM of one node on this machine, without accounting or systemd, that goes away again."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

TOOLS = {"munged": "munge", "slurmctld": "slurm-wlm", "slurmd": "slurm-wlm", "sbatch": "slurm-wlm"}
"""Programs that it takes, and Debian's packages of them."""

ETC = Path("/etc/slurm")
"""Where programs inside of a job look, whatever SLURM_CONF says: Snakemake unsets that for srun."""

LIFETIME = 3000  # seconds after which a daemon is killed, whatever became of the test

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
# A container gives no cgroups away, and has no systemd.
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completed.txt
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
# The node has what is said here, whatever the machine has; the GPU is /dev/null.
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} Gres=gpu:1 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
ReturnToService=2
KillWait=2
# The test reads what jobs had asked for at its end.
MinJobAge=3600
"""

CORES, MEMORY = 4, 16000


def missing() -> str:
    """Say why there can be no SLURM here, if so."""
    if absent := sorted({TOOLS[tool] for tool in TOOLS if not shutil.which(tool)}):
        return f"needs {' and '.join(absent)} (Debian's packages of these names)"
    if os.geteuid():
        return "needs root, to write /etc/slurm"
    ping = killed_after(20, "scontrol", "ping")
    if (ETC / "slurm.conf").exists() and not subprocess.run(ping, capture_output=True).returncode:
        return "runs on this machine already, and a test would be in its way"
    return ""


def killed_after(seconds: int, *command: str) -> list[str]:
    """Return a command that is killed when it takes too long."""
    return ["timeout", "-s", "KILL", str(seconds), *command]


class Slurm:
    """The running cluster.

    Attributes
    ----------
    folder
        Of its configuration, state, sockets and logs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.controller: subprocess.Popen[bytes] | None = None

    def ask(self, *command: str) -> str:
        """Return what a command of SLURM prints; it fails the test when it fails."""
        done = subprocess.run(
            killed_after(60, *command), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        """Start a daemon in a process group of its own."""
        with (self.folder / f"{command[0]}.log").open("ab") as log:
            return subprocess.Popen(
                killed_after(LIFETIME, *command),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def start_controller(self) -> None:
        """Start slurmctld, and wait until it answers and has its node."""
        self.controller = self.start("slurmctld", "-D")
        self.wait_for(lambda: self.node() in ("idle", "mix", "alloc"), "the node")

    def stop_controller(self) -> None:
        """Stop slurmctld, as `systemctl stop` does; jobs go on."""
        assert self.controller is not None
        stop(self.controller)

    def node(self) -> str:
        """Return the node's state, nothing while there is no controller."""
        asked = killed_after(20, "sinfo", "--noheader", "--format=%t")
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()

    def jobs(self) -> list[dict[str, str]]:
        """Return what the controller knows of every job: JobId, JobState, Comment, ..."""
        lines = self.ask("scontrol", "show", "job", "--oneliner").splitlines()
        return [dict(re.findall(r"(\w+)=(\S*)", line)) for line in lines if "JobId=" in line]

    def completed(self) -> dict[str, str]:
        """Return the state in which every job ended, from the log of completed jobs."""
        text = (self.folder / "completed.txt").read_text()
        return dict(re.findall(r"^JobId=(\d+) .* JobState=(\w+)", text, re.M))

    def queue(self) -> str:
        """Return the jobs that wait or run."""
        return self.ask("squeue", "--noheader")

    def empty(self) -> None:
        """Cancel every job and wait until none is left."""
        self.ask("scancel", "--user=root")
        self.wait_for(lambda: not self.queue(), "an empty queue")

    def wait_for(self, happened: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Wait until something has happened."""
        deadline = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
            time.sleep(0.2)


@contextmanager
def running(folder: Path) -> Iterator[Slurm]:
    """Start munged, slurmctld and slurmd with a configuration of their own, and stop them."""
    slurm = Slurm(folder)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o600)
    host = socket.gethostname().partition(".")[0]
    text = CONFIGURATION.format(
        folder=folder,
        host=host,
        cores=CORES,
        memory=MEMORY,
        controller_port=free_port(),
        node_port=free_port(),
    )
    gpu = f"NodeName={host} Name=gpu File=/dev/null\n"
    with ExitStack() as stack:
        stack.enter_context(instead_of(ETC / "slurm.conf", text))
        stack.enter_context(instead_of(ETC / "gres.conf", gpu))
        files = {"socket": "munge.socket", "key-file": "munge.key", "seed-file": "munge.seed"}
        files |= {"pid-file": "munged.pid", "log-file": "munged.log"}
        options = [f"--{option}={folder / name}" for option, name in files.items()]
        stack.callback(stop, slurm.start("munged", "--foreground", "--force", *options))
        slurm.wait_for((folder / "munge.socket").exists, "munged")
        stack.callback(stop, slurm.start("slurmd", "-D", "-N", host))
        stack.callback(slurm.stop_controller)
        slurm.start_controller()
        stack.callback(slurm.empty)
        yield slurm


@contextmanager
def instead_of(path: Path, text: str) -> Iterator[None]:
    """Have a file say something for a while; a killed test leaves what was there beside it."""
    kept = path.with_name(f"{path.name}.before-test")
    path.parent.mkdir(exist_ok=True)
    if path.exists() and not kept.exists():
        path.rename(kept)
    path.write_text(text)
    try:
        yield
    finally:
        path.unlink()
        if kept.exists():
            kept.rename(path)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a daemon, or Snakemake, with what it started."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
