"""A grid of gradients' noise measured in one job, with a checkpoint after every cell."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from vaentk.bounds.bound import Weights
from vaentk.bounds.noise_grid import COLUMNS, Cell, Grid, Row, cells
from vaentk.costs.footprints import noise_repetition
from vaentk.errors import UserError
from vaentk.runtime import io, progress
from vaentk.runtime.groups import fitting, release, say_full
from vaentk.runtime.job import Job, is_full, log


def measure(grid: Grid, weights: Mapping[str, Weights], job: Job, checkpoint: Path) -> pd.DataFrame:
    """Measure all cells, but those that a checkpoint of the same settings and inputs has.

    Where the memory is too small, fewer gradients are computed side by side, and on a GPU fewer
    codes of an image decoded together. The draws are the same; last digits may differ with how
    many codes are decoded together, so on a CPU these are as the settings say.

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

    Raises
    ------
    UserError
        When the memory is too small for one gradient.
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
            while cell.name not in done:
                found = _rows(_fitted(grid, cell, job.device), cell, weights[cell.state])
                if found is None:
                    grid = _smaller(_fitted(grid, cell, job.device), cell, job.device)
                    release()
                    continue
                done[cell.name] = found
                io.write_json({"fingerprint": fingerprint, "done": done}, checkpoint)
                bar.update(cell.codes)
    rows = [row for cell in wanted for row in done[cell.name]]
    return pd.DataFrame(rows, columns=list(COLUMNS))  # a checkpoint's rows have theirs sorted


def _rows(grid: Grid, cell: Cell, weights: Weights) -> list[Row] | None:
    """Measure a cell; None where the memory was full, whose error ends here with what it holds."""
    try:
        return grid.rows(cell, weights)
    except (RuntimeError, MemoryError) as error:
        if not is_full(error):
            raise
        return None


def _fitted(grid: Grid, cell: Cell, device: str) -> Grid:
    """The grid with no more gradients side by side than the free memory of a GPU holds."""
    settings = grid.settings
    codes = min(settings.codes_at_once or cell.samples, cell.samples)
    each = len(grid.seeds) * noise_repetition(grid.model, cell.batch, codes)
    size = fitting(settings.side_by_side, each, device)
    return replace(grid, settings=settings.but(side_by_side=size))


def _smaller(grid: Grid, cell: Cell, device: str) -> Grid:
    """The grid with half as many gradients side by side, or else codes decoded together."""
    settings = grid.settings
    if settings.side_by_side > 1:
        half = settings.side_by_side // 2
        say_full(f"{settings.side_by_side} gradients side by side", f"{half}")
        return replace(grid, settings=settings.but(side_by_side=half))
    codes = min(settings.codes_at_once or cell.samples, cell.samples)
    if device == "cpu" or codes == 1:
        raise UserError(
            f"out of memory with one gradient of {cell.name}: lower codes_at_once or batches, or "
            "use a machine with more memory"
        )
    say_full(f"{codes} codes of an image decoded together", f"{codes // 2}")
    return replace(grid, settings=settings.but(codes_at_once=codes // 2))


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
