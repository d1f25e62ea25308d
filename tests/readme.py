"""The commands of the README, as a shell would run them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

PROGRAMS = ("make", "snakemake", "python", "docker", "mkdir", "tensorboard", "git", "tar")


def commands(text: str) -> list[str]:
    """The lines of indented code that a shell would run, without their comments."""
    joined = re.sub(r"\\\n\s*", "", text)
    code = [line[4:] for line in joined.splitlines() if line.startswith("    ")]
    bare = (re.sub(r"\s{2,}#.*", "", line).strip() for line in code)
    return [line for line in bare if line.split(" ")[0] in PROGRAMS]
