"""Keep what is small of a finished run, to be committed and shown beside other runs.

    make reference NAME=h200 TITLE="Reference run on an H200"

writes ``results/reference/h200``: claims, tables, measures of up to `LARGEST` bytes, the report
(unless it shows images that may not be passed on), figures that a README shows, each as the run
left it with its record beside it, and ``about.yaml``, which says on what it was made. A name that
is taken is refused unless ``ARGS=--replace`` asks for it.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pandas as pd
import yaml

from vaentk.data.table import read_table
from vaentk.errors import UserError, stored
from vaentk.runtime import io, job, records

FOLDER: Final = Path("results/reference")
NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
CLAIMS: Final = Path("claims/claims.csv")
ABOUT: Final = "about.yaml"
REPORT: Final = Path("report/index.html")
LARGEST: Final = 100_000
"""Bytes of a measure that is kept; longer ones are curves, which the report shows as figures."""

SMALL: Final = (
    *("claims/*.csv", "tables/*.csv", "measure/**/*.csv", "report/*.html"),
    *(f"figures/{name}.svg" for name in ("weight_change", "linear_rate", "ridge")),
)

FREE: Final = ("CC BY-SA 3.0", "Apache-2.0")
"""Licences of images that may be passed on; of a page that shows others the summary is kept."""

OURS: Final = ("drawn", "stand-in")
"""Images that this package draws."""


def keep(
    results: Path,
    name: str,
    title: str,
    note: str = "",
    *,
    replace: bool = False,
    folder: Path = FOLDER,
    datasets: Path = Path("config/datasets.csv"),
) -> dict[str, Any]:
    """Copy what is small of a finished run, and say what it is.

    Parameters
    ----------
    results
        The folder of a finished run.
    name
        What it is kept as in ``folder``; what is there is replaced, once all is copied, if
        ``replace`` says so.
    title, note
        What reports call the run, and what a reader has to know of it.
    datasets
        The table with the licences of images.

    Returns
    -------
    dict
        What ``about.yaml`` says; its seconds are those of all jobs one after the other.

    Raises
    ------
    UserError
        For a name that is none or is taken, a folder without a finished run, a result that is not
        what was written, jobs on several kinds of machines, and faults of storage. What is kept
        under the name stays as it is.
    """
    target = folder / name
    if not NAME.fullmatch(name):
        raise UserError(
            f"{name!r} is no name for a reference: use small letters, digits and single "
            "hyphens between them"
        )
    if target.exists() and not replace:
        raise UserError(f"{target} is there already: take another NAME, or add ARGS=--replace")
    for path in (CLAIMS, REPORT):
        if not (results / path).is_file():
            raise UserError(
                f"{results} is not the results folder of a finished run: there is no {path} in it"
            )
    about = _about(results, title, note)
    files = list(_files(results, datasets))
    records.checked(files)
    made, before = (target.with_name(f".{target.name}.{word}") for word in ("new", "old"))
    with stored(target):
        for left in (made, before):  # by a killed call
            shutil.rmtree(left, ignore_errors=True)
        try:
            for path in files:
                for file in (path, records.beside(path)):
                    copy = made / file.relative_to(results)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, copy)
            text = yaml.safe_dump(about, sort_keys=False, allow_unicode=True)
            io.write_text(text, made / ABOUT)
            records.seal(made / ABOUT, f"results/{ABOUT}", {"inputs": {}})
            if target.exists():
                target.rename(before)
            made.rename(target)
        finally:
            if before.exists() and not target.exists():
                before.rename(target)
            for left in (made, before):
                shutil.rmtree(left, ignore_errors=True)
    return about


def _files(results: Path, datasets: Path) -> Iterator[Path]:
    """Yield what is small and may be passed on."""
    withheld = _may_not_be_passed_on(results, datasets)
    for pattern in SMALL:
        for path in sorted(results.glob(pattern)):
            measured = path.relative_to(results).parts[0] == "measure"
            large = measured and path.stat().st_size > LARGEST
            if not large and not (withheld and path == results / REPORT):
                yield path


def _may_not_be_passed_on(results: Path, datasets: Path) -> set[str]:
    """Names of data sets whose images the run's page shows, and whose licence does not allow it."""
    free = {file.name for file in read_table(datasets) if file.licence in FREE}
    sets = _facts(results)
    return set(sets["dataset"][~sets["data"].isin(OURS)]) - free


def _about(results: Path, title: str, note: str) -> dict[str, Any]:
    record = records.read(records.beside(results / CLAIMS))
    seconds, machines = 0.0, []
    for path in sorted((results / "benchmarks").rglob("*.json")):
        machine = records.read(path)
        seconds += machine["seconds"]
        machines.append({name: machine[name] for name in ("cpu", "cores", "memory_gb", "gpu")})
    # A job that never loads torch does not see the GPU.
    kinds = {(m["cpu"], m["cores"], m["memory_gb"]) for m in machines}
    gpus = {m["gpu"] for m in machines if m["gpu"]}
    if len(kinds) != 1 or len(gpus) > 1:
        raise UserError(
            f"{results}/benchmarks tells of {len(kinds)} kinds of machines and {len(gpus)} of "
            "GPUs: a reference is a run on one machine; run it there again"
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
    parser.add_argument("name", help=f"folder under {FOLDER}")
    parser.add_argument("--title", required=True, help="what reports call it")
    parser.add_argument("--note", default="", help="what a reader has to know of it")
    parser.add_argument("--results", type=Path, default=Path("results"), help="a finished run")
    parser.add_argument("--replace", action="store_true", help="replace the one of that name")
    args = parser.parse_args()
    try:
        about = keep(args.results, args.name, args.title, args.note, replace=args.replace)
    except UserError as error:
        sys.exit(f"reference: {error}")
    print(yaml.safe_dump(about, sort_keys=False, allow_unicode=True), end="")
