"""What a run is made of, by requirements.lock: a bill of materials, and a look for known faults.

python envs/packages.py bill > sbom.cdx.json    CycloneDX 1.5, the same bytes for the same lock
python envs/packages.py audit                   asks the OSV service about every locked version

Both are uv's own, which takes a project: one is made of the lock in a temporary folder.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

LOCK = Path(__file__).parent / "requirements.lock"
PIN = re.compile(r"^[A-Za-z0-9].*?(?= \\$|$)", re.MULTILINE)
UNREACHABLE = ("error sending request", "dns error", "connection", "timed out")
NOBODY = "vaentk: the lock was not checked for known faults: no advisory service in reach"


def uv(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Call uv in a folder."""
    return subprocess.run(
        ["uv", "--quiet", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def project(folder: Path) -> str:
    """Make a project whose dependencies are the pins of the lock; say why it cannot be made."""
    pins = "".join(f"    '''{pin}''',\n" for pin in PIN.findall(LOCK.read_text(encoding="utf-8")))
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "vaentk-run"\nversion = "0"\nrequires-python = ">=3.11"\n'
        f"dependencies = [\n{pins}]\n",
        encoding="utf-8",
    )
    made = uv(folder, "lock")
    return made.stderr.strip() if made.returncode else ""


def nobody_answers(said: str) -> bool:
    """Whether a message is that of a machine without a network."""
    return any(words in said.lower() for words in UNREACHABLE)


def bill(folder: Path) -> str:
    """Return the bill of materials, without what differs from call to call or tells of an index."""
    exported = uv(folder, "export", "--frozen", "--no-emit-project", "--format", "cyclonedx1.5")
    plain = json.loads(exported.stdout)
    del plain["serialNumber"], plain["metadata"]["timestamp"]
    for component in plain["components"]:
        files = component.pop("externalReferences", [])
        component["hashes"] = [entry for file in files for entry in file["hashes"]]
    return json.dumps(plain, indent=2) + "\n"


def audit(folder: Path) -> int:
    """Print known faults of locked versions; 0 where there are none or nobody can be asked."""
    asked = uv(folder, "audit", "--frozen")
    said = asked.stdout + asked.stderr
    if asked.returncode and nobody_answers(said):
        print(NOBODY)
        return 0
    print(said.strip() or "vaentk: no known faults in the locked packages")
    return asked.returncode


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        failure = project(Path(temporary))
        if failure and sys.argv[1:] == ["audit"] and nobody_answers(failure):
            print(NOBODY)
        elif failure:
            sys.exit(f"packages: uv cannot resolve {LOCK}: {failure.splitlines()[-1]}")
        elif sys.argv[1:] == ["bill"]:
            print(bill(Path(temporary)), end="")
        elif sys.argv[1:] == ["audit"]:
            sys.exit(audit(Path(temporary)))
        else:
            sys.exit("packages: say bill or audit")
