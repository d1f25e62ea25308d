"""A grid in one job: killed and taken up again, and a checkpoint that is of something else."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from vaentk import gradient_grids
from vaentk.bounds import noise_grid
from vaentk.bounds.bound import Weights
from vaentk.bounds.deep import likelihood_of, model_of
from vaentk.bounds.noise_grid import Cell, Grid
from vaentk.bounds.pool import Pool
from vaentk.experiments.deep_vae import DeepNetwork
from vaentk.experiments.gradient_noise import GradientNoise
from vaentk.job import Job

NETWORK = DeepNetwork(side=32, widths=(2, 2, 2), hidden=4, latent=2, activation="softplus")
SETTINGS = GradientNoise.from_plain(
    {
        **{"network": "small", "states": ["start"], "estimators": ["iwae"], "images": ["redrawn"]},
        **{"batches": [1, 2], "samples": [1, 2], "repetitions": 4, "least": 4},
    }
)


def run(folder: Path, code: str = "one") -> pd.DataFrame:
    images = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    pool = Pool(images.__getitem__, torch.arange(6))
    model = model_of(NETWORK)
    grid = Grid(SETTINGS, model, likelihood_of(NETWORK), pool, 1.0, (0,))
    job = Job({}, {}, {}, {"code": code}, threads=1, device="cpu", log_file=folder / "log")
    weights = {"start": model.initial_weights((0,))}
    return gradient_grids.measure(grid, weights, job, folder / "checkpoint.json")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the cells that are measured from now on; the third one in all is killed."""
    names: list[str] = []
    rows = Grid.rows

    def counted(self: Grid, cell: Cell, weights: Weights) -> list[noise_grid.Row]:
        names.append(cell.name)
        if len(names) == 3:
            raise KeyboardInterrupt
        return rows(self, cell, weights)

    monkeypatch.setattr(Grid, "rows", counted)
    return names


def test_a_killed_grid_goes_on_after_its_last_cell_and_ends_the_same(
    tmp_path: Path, measured: list[str]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    resumed = run(tmp_path)
    assert measured[3:] == measured[2:3] + measured[4:]
    assert len(measured) == 5, "the killed cell and the one after it"
    whole = run(tmp_path / "other")
    assert resumed.to_csv() == whole.to_csv()


def test_a_checkpoint_of_other_code_is_not_taken_up(tmp_path: Path, measured: list[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    done = json.loads((tmp_path / "checkpoint.json").read_text())["done"]
    assert list(done) == measured[:2]
    assert len(run(tmp_path, code="two")) == 8
    assert len(measured) == 3 + 4
