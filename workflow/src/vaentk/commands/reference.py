"""Keep what is small of a finished run, to be committed and shown beside other runs.

    make reference NAME=h200 TITLE="Reference run on an H200"

writes ``results/reference/h200``: claims, tables, measures of up to `LARGEST` bytes, the report
(unless it shows images that may not be passed on), figures that a README shows, each as the run
left it with its provenance beside it, and ``about.yaml``, which says on what it was made.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pandas as pd
import yaml

from vaentk.errors import UserError
from vaentk.runtime import io, job

CLAIMS: Final = Path("claims/claims.csv")
REPORT: Final = Path("report/index.html")
LARGEST: Final = 100_000
"""Bytes of a measure that is kept; longer ones are curves, which the report shows as figures."""

SMALL: Final = (
    *("claims/*.csv", "tables/*.csv", "measure/**/*.csv", "report/*.html"),
    *(f"figures/{name}.svg" for name in ("weight_change", "linear_rate", "ridge")),
)

NOT_TO_PASS_ON: Final = ("celeba", "celeba_whole")
"""Images whose terms forbid to pass them on: a page that shows them is not kept, its summary is."""


def keep(results: Path, target: Path, title: str, note: str = "") -> dict[str, Any]:
    """Copy what is small of a finished run, and say what it is.

    ``results`` is the folder of a finished run; ``target``, what was there before, is replaced when
    all is copied. ``title`` is what reports call the run, ``note`` what a reader has to know of it.
    Returned is what ``about.yaml`` says; its seconds are those of all jobs one after the other.
    A folder without a finished run, or of jobs on several kinds of machines, is a `UserError`.
    """
    for path in (CLAIMS, REPORT):
        if not (results / path).is_file():
            raise UserError(
                f"{results} is not the results folder of a finished run: there is no {path} in it."
            )
    about = _about(results, title, note)
    made = target.with_name(f"{target.name}.new")
    shutil.rmtree(made, ignore_errors=True)
    for path in _files(results):
        for file in (path, path.with_name(f"{path.name}{job.SIDECAR}")):
            copy = made / file.relative_to(results)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    io.write_text(yaml.safe_dump(about, sort_keys=False, allow_unicode=True), made / "about.yaml")
    shutil.rmtree(target, ignore_errors=True)
    made.rename(target)
    return about


def _files(results: Path) -> Iterator[Path]:
    """Yield what is small and may be passed on."""
    private = set(NOT_TO_PASS_ON) & set(_facts(results)["name"])
    for pattern in SMALL:
        for path in sorted(results.glob(pattern)):
            large = path.suffix == ".csv" and path.stat().st_size > LARGEST
            if not large and not (private and path == results / REPORT):
                yield path


def _about(results: Path, title: str, note: str) -> dict[str, Any]:
    record = json.loads(io.read_text(results / f"{CLAIMS}{job.SIDECAR}"))
    seconds, machines = 0.0, []
    for path in sorted((results / "benchmarks").rglob("*.json")):
        machine = json.loads(io.read_text(path))
        seconds += machine["seconds"]
        machines.append({name: machine[name] for name in ("cpu", "cores", "memory_gb", "gpu")})
    # A job that never loads torch does not see the GPU.
    kinds = {(m["cpu"], m["cores"], m["memory_gb"]) for m in machines}
    gpus = {m["gpu"] for m in machines if m["gpu"]}
    if len(kinds) != 1 or len(gpus) > 1:
        raise UserError(
            f"{results}/benchmarks tells of {len(kinds)} kinds of machines and {len(gpus)} of "
            "GPUs: a reference is a run on one machine; run it there again."
        )
    sets = _facts(results).to_dict("records")
    data = (f"{row['name']}: {row['data']}, {row['images']} images" for row in sets)
    return {
        "title": title,
        "configuration": record["parameters"]["configuration"],
        "commit": job.commit(),
        "machine": machines[0] | {"gpu": next(iter(gpus), None)},
        "seconds": round(seconds),
        "data": "; ".join(data),
        "note": note or None,
    }


def _facts(results: Path) -> pd.DataFrame:
    """What data sets the run had."""
    return io.read_table(results / "measure/data/facts.csv", as_text=True)


if __name__ == "__main__":
    import argparse
    import sys

    parser = argparse.ArgumentParser(prog="reference", description="Keep a run as a reference.")
    parser.add_argument("name", help="folder under results/reference")
    parser.add_argument("--title", required=True, help="what reports call it")
    parser.add_argument("--note", default="", help="what a reader has to know of it")
    parser.add_argument("--results", type=Path, default=Path("results"), help="a finished run")
    args = parser.parse_args()
    try:
        about = keep(args.results, Path("results/reference") / args.name, args.title, args.note)
    except UserError as error:
        sys.exit(f"reference: {error}")
    print(yaml.safe_dump(about, sort_keys=False, allow_unicode=True), end="")
