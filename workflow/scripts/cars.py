"""Rule cars: cars drawn on the factors of Cars3D, which stand in for it."""

import numpy as np
from vaentk.data.rendered import cars

from vaentk.data.facts import Facts
from vaentk.data.grid import Grid
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    grid, path = Grid(cars.NAMES, cars.SIZES), task.outputs["images"]
    images = cars.draw(grid.values(np.arange(len(grid)))).transpose(0, 3, 1, 2)
    factors = tuple(zip(grid.names, grid.sizes, strict=True))
    facts = Facts(
        "cars", "cars3d", "stand-in", "drawn by vaentk", images.shape[1:], len(grid), factors
    )
    io.write_blocks([images], images.shape, path, {}, facts.text())
    task.describe(path, data="stand-in", images=len(grid))
