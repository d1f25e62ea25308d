"""The convolutional room: its training, its measures of a tiny run, the figure and the tables."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Runs
from vaentk.experiments.ntk.convolutional import Convolutional, figures, measure, tables
from vaentk.experiments.ntk.convolutional.networks import limit_of, network
from vaentk.experiments.ntk.convolutional.train import train
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.runtime.job import Job

PLAIN = {
    "widths": [4, 8, 16],
    "seeds": [3, 5],
    "inputs": {"samples": 10, "resolution": 7},
    "horizon": 0.02,
}
SETTINGS = Convolutional.from_plain(PLAIN)


@pytest.fixture(scope="module")
def mnist() -> Stored:
    images = np.random.default_rng(0).integers(256, size=(40, 28, 28)).astype(np.uint8)
    return Stored({"images": images, "labels": np.arange(40) % 10})


def trained(mnist: Stored, folder: Path) -> Mapping[str, Any]:
    params = {"settings": SETTINGS.model_dump(mode="json"), "checkpoint_seconds": 0.0}
    task = Job({}, {}, {}, params | {"dtype": "float32"}, 1, "cpu", folder / "logs/4.log")
    (part,) = SETTINGS.width_jobs
    left: Mapping[str, Any] = train(SETTINGS, part, mnist=mnist, task=task)
    return left


@pytest.fixture(scope="module")
def left(mnist: Stored, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    return trained(mnist, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def measured(mnist: Stored, left: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    outputs = {"4-8-16": Stored(left["outputs"])}
    records = {"4-8-16": left["records"]}
    return measure.measure(SETTINGS, mnist=mnist, records=records, outputs=outputs)


def test_a_training_lowers_the_loss_and_repeats(
    mnist: Stored, left: Mapping[str, Any], tmp_path: Path
) -> None:
    again = trained(mnist, tmp_path)
    pd.testing.assert_frame_equal(again["records"], left["records"], check_exact=True)
    runs = left["records"].groupby(["width", "seed"])["loss"]
    assert (runs.last() < runs.first()).all()
    assert len(runs) == 6


@pytest.mark.parametrize(
    ("filter_size", "stride", "positions"), [(3, 1, 49), (3, 2, 16), (5, 3, 9), (7, 7, 1)]
)
def test_the_number_of_patches_is_that_of_the_network(
    filter_size: int, stride: int, positions: int
) -> None:
    settings = SETTINGS.but(filter_size=filter_size, stride=stride)
    x = torch.rand(2, 49, dtype=torch.float64)
    built = network(x, (), settings=settings, channels=4, tolerance=1e-6)
    assert settings.positions == positions == built.units // 4
    assert built.patches.shape == (2, positions, filter_size**2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"filter_size": 4}, "odd"),
        ({"filter_size": 9}, "no larger"),
        ({"inputs": {"samples": 10, "resolution": 7, "components": 5}}, "patches are cut"),
        ({"inputs": {"samples": 10, "resolution": 7, "scaling": "raw"}}, "unit-norm"),
    ],
)
def test_settings_that_have_no_patches_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SETTINGS.but(**changes)


def test_norms_are_those_of_the_dense_difference(mnist: Stored) -> None:
    """By Lanczos from below, to a hundredth."""
    x = inputs_of(mnist.arrays, SETTINGS.inputs)["x"]
    kernel, _ = limit_of(SETTINGS, x)
    own, _ = measure.own_kernel(SETTINGS, x, 16, 5)
    basis = torch.eye(x.size, dtype=torch.float64).view(-1, *x.shape)
    dense = np.stack([own.matvec(vector).flatten().numpy() for vector in basis])
    want = np.linalg.norm(dense - np.kron(kernel, np.eye(x.shape[1])), 2)
    table = measure.norms(SETTINGS.but(widths=[8, 16], seeds=[5]), x, kernel)
    row = table.set_index("width").loc[16]
    assert row["norm"] == pytest.approx(want, rel=0.01)
    assert row["norm_over"] == pytest.approx(row["norm"] / np.linalg.eigvalsh(kernel)[-1])


def test_the_measures_agree_with_training_and_with_each_other(
    mnist: Stored, left: Mapping[str, Any], measured: dict[str, pd.DataFrame]
) -> None:
    """Outputs at the start are those of the prediction; the flow of Theta(0) is the nearer one."""
    start = measured["curves"].query("time == 0")
    assert start["empirical_distance"].max() < 1e-5  # of float32
    np.testing.assert_allclose(start["empirical_loss"], start["loss"], rtol=1e-5)
    members = measured["members"]
    assert (members["empirical_distance"] < members["flow_distance"]).all()
    assert not set(measure.LEMMA_4) & set(members)
    last = left["records"].groupby(["width", "seed"])["row_mu"].last()
    np.testing.assert_array_equal(members["row_mu"], last)
    (row,) = measured["kernels"].to_dict("records")
    x = inputs_of(mnist.arrays, SETTINGS.inputs)["x"]
    values = np.linalg.eigvalsh(limit_of(SETTINGS, x)[0])
    assert row["lambda_0"] == pytest.approx(values[0])
    assert row["condition"] == pytest.approx(values[-1] / values[0])
    assert row["lambda_0_over"] == row["lambda_0"] / row["lambda_0_full"]
    assert list(measured["slopes"]["quantity"]) == [
        *("norm_over", "flow_distance", "empirical_distance"),
        *("row_mu", "row_sigma", "row_d", "loss_final"),
    ]


def test_a_planted_power_of_the_channels_is_found(measured: dict[str, pd.DataFrame]) -> None:
    members = measured["members"]
    planted = members.assign(norm_over=members["width"] ** -0.5, row_mu=3 / members["width"])
    slopes = measure.slopes(planted, 3).set_index("quantity")["slope"]
    assert slopes["norm_over"] == pytest.approx(-0.5)
    assert slopes["row_mu"] == pytest.approx(-1)


def test_the_figure_says_what_it_shows(measured: dict[str, pd.DataFrame]) -> None:
    runs = Runs({}, {"a": "MNIST", "b": "MNIST"})

    def draw() -> Any:
        of_both = (dict.fromkeys("ab", measured[name]) for name in ("curves", "members"))
        return figures.convolutional(*of_both, runs=runs)

    drawing = draw()
    assert ElementTree.fromstring(drawing.svg).tag.endswith("svg")
    assert "Run b, from 4 to 16 channels" in drawing.alt
    assert "filter, W_mu goes from" in drawing.alt
    assert "nan" not in drawing.alt
    assert draw() == drawing


def test_the_tables_have_a_row_a_number_of_channels(measured: dict[str, pd.DataFrame]) -> None:
    table = tables.convolutional({"a": measured["summary"], "b": measured["summary"]})
    assert list(table["width"]) == [4, 8, 16] * 2
    assert table["norm_over_low"].notna().all()
    assert len(tables.convolutional_slopes({"a": measured["slopes"]})) == 7
    assert len(tables.convolutional_kernels({"a": measured["kernels"]})) == 1
