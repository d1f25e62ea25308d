"""A grid in one job: killed and taken up again, and a checkpoint that is of something else."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

from vaentk.bounds import gradient_noise_grid
from vaentk.bounds.bound import Bound, Weights
from vaentk.bounds.gradient_noise_grid import Cell, Grid
from vaentk.bounds.images import ImageSource
from vaentk.bounds.likelihoods import Bernoulli
from vaentk.errors import UserError
from vaentk.experiments.convergence.gradient_noise import GradientNoise, ratios
from vaentk.experiments.convergence.gradient_noise.ratios import cells_of, measured_ratios
from vaentk.models.deep_gaussian_vae import deep_vae
from vaentk.models.nonlinearities import Nonlinearities
from vaentk.runtime import io
from vaentk.runtime.devices import one_thread
from vaentk.runtime.job import Job

MODEL = deep_vae(3, 2, (2, 2, 2), 4, Nonlinearities.named("softplus"))
SETTINGS = GradientNoise.from_plain(
    {
        **{"network": "small", "states": ["start"], "estimators": ["iwae"], "images": ["redrawn"]},
        **{"batches": [1, 2], "samples": [1, 2], "repetitions": 16},
    }
)


def run(folder: Path, code: str = "one", side_by_side: int = 1) -> pd.DataFrame:
    images = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    source = ImageSource(images.__getitem__, torch.arange(6))
    grid = Grid(Bound(MODEL, Bernoulli()), source, 1.0, (0,), 2, side_by_side)
    job = Job(
        {}, {}, {}, {"code": code}, threads=1, device="cpu", log_file=folder / "logs/small.log"
    )
    weights = {"start": MODEL.initial_weights((0,))}
    return measured_ratios(grid, cells_of(SETTINGS), weights, MODEL, job)


def test_cells_are_the_whole_grid_with_the_same_repetitions() -> None:
    settings = SETTINGS.but(
        **{"batches": [2, 4], "samples": [1, 3], "repetitions": 20},
        **{"states": ["start", "end"], "images": ["fixed", "redrawn"]},
        estimators=["iwae", "elbo"],
    )
    found = cells_of(settings)
    assert len(found) == len({cell.name for cell in found}) == 2 * 2 * 2 * 2 * 2
    assert {cell.repetitions for cell in found} == {20}
    assert found[0].codes == 40


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the cells that are measured from now on; the third one in all is killed."""
    names: list[str] = []
    rows = Grid.rows

    def counted(self: Grid, cell: Cell, weights: Weights) -> list[gradient_noise_grid.Row]:
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
    note = json.loads(io.read_note(tmp_path / "small.checkpoint/ensemble.safetensors"))
    assert [row["samples"] for row in note["records"]] == [1, 1, 2, 2]
    assert len(run(tmp_path, code="two")) == 8
    assert len(measured) == 3 + 4


def full_unless(fits: Callable[[Grid, Cell], bool], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the memory too small for what does not fit."""
    rows = Grid.rows

    def limited(self: Grid, cell: Cell, weights: Weights) -> list[gradient_noise_grid.Row]:
        if not fits(self, cell):
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return rows(self, cell, weights)

    monkeypatch.setattr(Grid, "rows", limited)


def test_gradients_that_do_not_fit_side_by_side_are_halved_and_end_with_the_same_bytes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    one_thread()
    whole = run(tmp_path / "whole", side_by_side=1)
    full_unless(lambda grid, _: grid.side_by_side == 1, monkeypatch)
    halved = run(tmp_path / "halved", side_by_side=4)
    pd.testing.assert_frame_equal(halved, whole, check_exact=True)
    said = capsys.readouterr().err
    assert said.count("out of memory with 4 gradients side by side: going on with 2") == 1
    assert said.count("out of memory with 2 gradients side by side: going on with 1") == 1


def test_on_a_cpu_codes_are_decoded_as_the_settings_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their sums would round otherwise; so a full memory is a sentence there."""
    full_unless(lambda _, cell: cell.samples == 1, monkeypatch)
    with pytest.raises(UserError, match=r"out of memory with one gradient of start iwae redrawn B"):
        run(tmp_path)


def test_on_a_gpu_codes_decoded_together_are_halved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The CPU stands in for it; the same to rounding, as noise is drawn for all codes at once."""
    whole = run(tmp_path / "whole")
    fits = lambda grid, cell: min(grid.bound.codes_at_once or 9, cell.samples) == 1  # noqa: E731
    full_unless(fits, monkeypatch)
    smaller = ratios._smaller
    monkeypatch.setattr(ratios, "_smaller", lambda grid, cell, _: smaller(grid, cell, "cuda"))
    halved = run(tmp_path / "halved")
    pd.testing.assert_frame_equal(halved, whole, rtol=1e-3)
    said = "out of memory with 2 codes of an image decoded together: going on with 1"
    assert capsys.readouterr().err.count(said) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"batches": [4, 4]}, "batches names a value twice"),
        ({"batches": [4]}, "batches"),
        ({"repetitions": 15}, "repetitions"),
        ({"estimators": ["reinforce"]}, "estimators"),
        ({"samples": [0, 1]}, "samples"),
    ],
)
def test_mistakes_in_the_settings(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SETTINGS.but(**change)
