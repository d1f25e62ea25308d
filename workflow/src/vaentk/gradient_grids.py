"""A grid of gradients' noise measured in one job, with a checkpoint after every cell."""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from vaentk import io, progress
from vaentk.bounds.bound import Weights
from vaentk.bounds.noise_grid import COLUMNS, Grid, Row, cells
from vaentk.job import Job, log


def measure(grid: Grid, weights: Mapping[str, Weights], job: Job, checkpoint: Path) -> pd.DataFrame:
    """Measure all cells, but those that a checkpoint of the same settings and inputs has.

    Parameters
    ----------
    grid : Grid
    weights : dict
        Weights by state, ``start`` and ``end``, on the job's device.
    job : Job
        Gives the device, the log, the inputs and the parameters.
    checkpoint : Path
        Not a declared result; the caller deletes it once the results are saved.

    Returns
    -------
    DataFrame
        The rows of `Grid.rows`, in the order of the cells.
    """
    inputs = [io.checksum(path) for path in job.inputs.values()]
    fingerprint = json.dumps([job.device, job.params, inputs])
    done = _resumed(checkpoint, fingerprint)
    wanted = cells(grid.settings)
    total = sum(cell.codes for cell in wanted)
    before = sum(cell.codes for cell in wanted if cell.name in done)
    bar = progress.bar(total, before, f"gradients, {len(wanted)} cells", "code")
    with bar:
        for cell in wanted:
            if cell.name not in done:
                done[cell.name] = grid.rows(cell, weights[cell.state])
                io.write_json({"fingerprint": fingerprint, "done": done}, checkpoint)
                bar.update(cell.codes)
    rows = [row for cell in wanted for row in done[cell.name]]
    return pd.DataFrame(rows, columns=list(COLUMNS))  # a checkpoint's rows have theirs sorted


def _resumed(checkpoint: Path, fingerprint: str) -> dict[str, list[Row]]:
    """Rows by cell of a checkpoint of the same settings, code and inputs; none without one."""
    if not checkpoint.exists():
        return {}
    found = json.loads(io.read_text(checkpoint))
    if found["fingerprint"] != fingerprint:
        log.info("the checkpoint belongs to other settings or inputs; starting afresh")
        return {}
    done: dict[str, list[Row]] = found["done"]
    log.info("going on after %d cells", len(done))
    return done
