"""What README and docs say, and their commands, as a shell would run them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (
    "index",
    "findings",
    "report",
    "running",
    "settings",
    "data",
    "troubleshooting",
    "computed",
)
FILES = [ROOT / "README.md", *(ROOT / f"docs/{page}.md" for page in PAGES)]
README = "\n\n".join(path.read_text(encoding="utf-8") for path in FILES)
"""Of all; what clusters.md, extending.md and library.md say is run by tests of their own."""

PROGRAMS = ("make", "snakemake", "python", "docker", "mkdir", "tensorboard", "git", "tar")


def commands(text: str) -> list[str]:
    """The lines of indented code that a shell would run, without their comments."""
    joined = re.sub(r"\\\n\s*", "", text)
    code = [line[4:] for line in joined.splitlines() if line.startswith("    ")]
    bare = (re.sub(r"\s{2,}#.*", "", line).strip() for line in code)
    return [line for line in bare if line.split(" ")[0] in PROGRAMS]
