"""What `make report` says at its end: how many statements held, and where to read more."""

import sys
from collections.abc import Iterator
from pathlib import Path

from vaentk.claims.verdicts import NOT_RUN, VERDICTS
from vaentk.errors import UserError
from vaentk.runtime import io

CLAIMS, PAGE, SUMMARY = "claims/claims.csv", "report/index.html", "report/summary.html"


def lines(results: Path) -> Iterator[str]:
    """Count verdicts, and agreement with the runs that are kept; a `UserError` without results."""
    claims = io.read_table(results / CLAIMS, as_text=True)
    for origin, whose in (("paper", "the papers'"), ("ours", "our own")):
        own = claims[claims["origin"] == origin]["verdict"].value_counts()
        counts = ", ".join(f"{own[verdict]} {verdict}" for verdict in VERDICTS if verdict in own)
        yield f"{whose:>12} statements: {counts}"
    here = claims.set_index("id")["verdict"]
    for path in sorted((results / "reference").glob(f"*/{CLAIMS}")):
        there = io.read_table(path, as_text=True).set_index("id")["verdict"]
        shared = there.index.intersection(here.index)
        both = [name for name in shared if NOT_RUN not in (here[name], there[name])]
        same = sum(here[name] == there[name] for name in both)
        yield f"as reference run {path.parents[1].name}: {same} of {len(both)} verdicts"
    for name in (PAGE, SUMMARY):
        yield (results / name).resolve().as_uri()


if __name__ == "__main__":
    try:
        print("\n".join(f"vaentk: {line}" for line in lines(Path("results"))))
    except UserError as error:
        sys.exit(str(error))
