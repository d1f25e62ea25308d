"""S5's ratios over the grid of B and K, with a checkpoint after every cell."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import product

import pandas as pd

from vaentk.bounds.bound import Weights
from vaentk.bounds.gradient_noise_grid import Cell, Grid
from vaentk.errors import UserError
from vaentk.experiments.convergence.gradient_noise import GradientNoise
from vaentk.models.image_vae import ImageVae
from vaentk.models.precision import products_of
from vaentk.runtime.checkpoints import Chunk
from vaentk.runtime.job import Job
from vaentk.runtime.memory import attempted, fitting, say_full
from vaentk.runtime.trainings import Training, train_members
from vaentk.training.footprints import noise_repetition
from vaentk.training.state import State, Tick


def cells_of(settings: GradientNoise) -> list[Cell]:
    """List the cells of a grid, in the order in which they are measured."""
    axes = settings.states, settings.estimators, settings.images, settings.batches, settings.samples
    return [Cell(*place, settings.repetitions) for place in product(*axes)]


def measured_ratios(
    grid: Grid, cells: list[Cell], weights: Mapping[str, Weights], model: ImageVae, job: Job
) -> pd.DataFrame:
    """Measure all cells, but those that a checkpoint of the same settings and inputs has.

    Where the memory is too small, fewer gradients are computed side by side, and on a GPU fewer
    codes of an image decoded together. The draws are the same; last digits may differ with how
    many codes are decoded together, so on a CPU these are as the settings say; UserError where it
    is too small for one gradient. Rows are those of `Grid.rows`, in the order of the cells.
    """

    def run(chunk: Chunk, state: State, tick: Tick) -> State:
        smaller, done = grid, 0
        for cell in cells:
            done += cell.codes
            while state.step < done:
                fitted = _fitted(smaller, cell, model, job.device)
                with products_of(model):
                    rows = attempted(partial(fitted.rows, cell, weights[cell.state]))
                if rows is None:
                    smaller = _smaller(fitted, cell, job.device)
                    continue
                state.records += rows[0]
                state.step = done
                tick(state)
        return state

    training = Training(
        label=f"gradients, {len(cells)} cells",
        members=[{}],
        steps=sum(cell.codes for cell in cells),
        start=lambda chunk: State(0, {}),
        run=run,
        scalars=False,
        unit="code",
    )
    return pd.DataFrame(train_members(training, job).records)


def _fitted(grid: Grid, cell: Cell, model: ImageVae, device: str) -> Grid:
    """The grid with no more gradients side by side than the free memory of a GPU holds."""
    each = len(grid.seeds) * noise_repetition(model, cell.batch, _codes_at_once(grid, cell))
    return replace(grid, side_by_side=fitting(grid.side_by_side, each, device))


def _smaller(grid: Grid, cell: Cell, device: str) -> Grid:
    """The grid with half as many gradients side by side, or else codes decoded together."""
    if grid.side_by_side > 1:
        half = grid.side_by_side // 2
        say_full(f"{grid.side_by_side} gradients side by side", f"{half}")
        return replace(grid, side_by_side=half)
    codes = _codes_at_once(grid, cell)
    if device == "cpu" or codes == 1:
        raise UserError(
            f"out of memory with one gradient of {cell.name}: lower codes_at_once or batches, or "
            "use a machine with more memory"
        )
    say_full(f"{codes} codes of an image decoded together", f"{codes // 2}")
    return replace(grid, bound=replace(grid.bound, codes_at_once=codes // 2))


def _codes_at_once(grid: Grid, cell: Cell) -> int:
    return min(grid.bound.codes_at_once or cell.samples, cell.samples)
