"""The ELBO's room: measures of planted curves, a resumed training, the figure and the table."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Runs
from vaentk.experiments.ntk.elbo import OBJECTIVES, Elbo, figures, measure, tables
from vaentk.experiments.ntk.elbo.train import train
from vaentk.runtime.job import Job
from vaentk.training import flow
from vaentk.training.state import State, Tick

SAMPLES, LAMBDA_0, FLOOR = 4, 0.5, 3.0
MOMENTS = np.array([0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
WIDTHS = (4, 8, 16)


def records() -> pd.DataFrame:
    """Two seeds of three widths: the variance term decays at 1/m, or stays; Eq. 7 at lambda_0/n.

    On Eq. 7 it rises by 1/m of itself in all.
    """
    frames = []
    for objective in OBJECTIVES:
        for width in WIDTHS:
            for seed in (0, 1):
                rate = 1 / width if objective == "elbo" else 0.0
                rise = MOMENTS / MOMENTS[-1] / width if objective == "mean" else 0.0
                columns = {"variant": objective, "width": width, "seed": seed, "time": MOMENTS}
                frame = pd.DataFrame(columns | {"gradients": 10 * MOMENTS + seed})
                frame["reconstruction"] = (8 + seed) * np.exp(-LAMBDA_0 / SAMPLES * MOMENTS)
                frame["variance_term"] = FLOOR * (np.exp(-rate * MOMENTS) + rise)
                frame["latent_rms"] = 0.5 * np.exp(-rate * MOMENTS / 4)
                frames.append(frame)
    return pd.concat(frames, ignore_index=True)


@pytest.fixture
def times() -> pd.DataFrame:
    return measure.times(records(), LAMBDA_0, np.eye(SAMPLES))


def test_parts_add_up_and_bounds_start_at_them(times: pd.DataFrame) -> None:
    assert set(times["objective"]) == set(OBJECTIVES)
    total = times["mean_error"] + times["variance_term"]
    np.testing.assert_allclose(times["reconstruction"], total)
    np.testing.assert_allclose(times["over_zero"], total / 0.5)
    first = times[times["time"] == 0]
    np.testing.assert_array_equal(first["bound"], first["reconstruction"])
    # The mean network's error was made to follow its bound.
    np.testing.assert_allclose(times["mean_bound"], times["mean_error"])


def test_a_summary_has_the_floor_the_margin_and_the_end(times: pd.DataFrame) -> None:
    members = measure.members(times, FLOOR)
    table = measure.summary(members, FLOOR, LAMBDA_0 / SAMPLES).set_index(["objective", "width"])
    row = table.loc["mean", 16]
    assert row["variance_start"] == pytest.approx(FLOOR)
    assert row["floor"] == FLOOR
    assert row["variance_final"] == pytest.approx(FLOOR * (1 + 1 / 16))
    left = 8 * np.exp(-4)
    loss, bound = left + FLOOR * (1 + 1 / 16), (8 + FLOOR) * np.exp(-4)
    assert row["margin"] == pytest.approx(np.log(loss / bound))
    assert row["margin_time"] == 32
    own = members.query("objective == 'mean' and width == 16")
    np.testing.assert_allclose(own["over_zero"], [2 * loss, 2 * (loss + left / 8)])
    assert row["over_zero"] == pytest.approx(2 * np.sqrt(loss * (loss + left / 8)))
    np.testing.assert_allclose(members["start_over_floor"], 1)
    assert row["mean_margin"] == pytest.approx(0, abs=1e-12)
    assert row["gradients"] == 320.5
    # At m = 4 the variance term falls faster than the bound, so that it is never crossed.
    assert table.loc[("elbo", 4), "margin"] < 0 < table.loc[("elbo", 16), "margin"]
    assert table.loc[("elbo", 4), "latent_std"] == pytest.approx(0.5 * np.exp(-2))


def test_powers_of_the_width_are_those_that_were_planted(times: pd.DataFrame) -> None:
    """A half-life of m log 2; Eq. 7's change of 1/m; interpolation costs a little."""
    slopes = measure.slopes(measure.members(times, FLOOR), 3).set_index(["objective", "quantity"])[
        "slope"
    ]
    assert slopes["mean", "variance_change"] == pytest.approx(-1)
    assert slopes["elbo", "half_time"] == pytest.approx(1, abs=1e-9)
    assert slopes["elbo", "latent_time"] == pytest.approx(1, abs=1e-9)
    assert slopes["elbo", "reconstruction_final"] > 0


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        ([1, 0.9, 0.5, 0.25], 2.0),  # not below a half yet where it is one
        ([1, 1.0, 2**-0.5, 2**-1.5], 2 * 2**0.5),
        ([1, 0.9, 0.8, 0.7], np.nan),
        ([1, 0.25, 0.1, 0.1], 1.0),  # before the first moment after the start
    ],
)
def test_a_time_is_found_between_its_moments(left: list[float], expected: float) -> None:
    moments = np.array([0.0, 1.0, 2.0, 4.0])
    found = measure.time_below(0.5, moments, np.array(left))
    np.testing.assert_allclose(found, expected)


SETTINGS = Elbo.from_plain(
    {
        "widths": [8, 16],
        "seeds": [3, 5],
        "inputs": {"samples": 10, "resolution": 7},
        "horizon": 0.02,
    }
)


@pytest.fixture(scope="module")
def mnist() -> Stored:
    images = np.random.default_rng(0).integers(256, size=(40, 28, 28)).astype(np.uint8)
    return Stored({"images": images, "labels": np.arange(40) % 10})


def run(mnist: Stored, folder: Path) -> pd.DataFrame:
    params = {"settings": SETTINGS.model_dump(mode="json"), "checkpoint_seconds": 0.0}
    task = Job({}, {}, {}, params | {"dtype": "float32"}, 1, "cpu", folder / "logs/8.log")
    (part,) = SETTINGS.width_jobs
    trained: Mapping[str, Any] = train(SETTINGS, part, mnist=mnist, task=task)
    frame: pd.DataFrame = trained["records"]
    return frame


def test_a_training_taken_up_again_gives_the_same(
    mnist: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after the third moment of the first network that is trained on the ELBO."""
    whole, follow = run(mnist, tmp_path / "whole"), flow.follow
    started = []

    def stopped(gradient: Any, times: Any, recorder: Any, state: State, tick: Tick) -> State:
        started.append(type(gradient).__name__)

        def stop(state: State) -> None:
            tick(state)
            if started[-1] == "ElboGradient" and state.step == 3:
                raise KeyboardInterrupt

        return follow(gradient, times, recorder, state, stop)

    with monkeypatch.context() as patch:
        patch.setattr(flow, "follow", stopped)
        with pytest.raises(KeyboardInterrupt):
            run(mnist, tmp_path / "again")
    assert started == ["ErfGradient", "ErfGradient", "ElboGradient"]
    pd.testing.assert_frame_equal(run(mnist, tmp_path / "again"), whole, check_exact=True)


def test_what_is_trained_lowers_its_own_loss(mnist: Stored, tmp_path: Path) -> None:
    measured = measure.measure(SETTINGS, mnist=mnist, records={"8-16": run(mnist, tmp_path)})
    ends = measured["times"].groupby(["objective", "width", "seed"]).last()
    starts = measured["times"].groupby(["objective", "width", "seed"]).first()
    np.testing.assert_array_equal(starts.loc["mean"], starts.loc["elbo"])
    for objective, loss in (("mean", "mean_error"), ("elbo", "reconstruction")):
        assert (ends.loc[objective, loss] < starts.loc[objective, loss]).all()
    assert (ends.loc["elbo", "reconstruction"] < ends.loc["mean", "reconstruction"]).all()
    assert (ends.loc["elbo", "latent_std"] < 0.5).all()


def test_the_figure_says_what_it_shows(
    times: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = measure.summary(measure.members(times, FLOOR), FLOOR, LAMBDA_0 / SAMPLES)
    runs = Runs({}, {"a": "MNIST", "b": "MNIST"})

    def draw() -> Any:
        return figures.elbo(dict.fromkeys("ab", times), dict.fromkeys("ab", summary), runs=runs)

    drawing = draw()
    assert ElementTree.fromstring(drawing.svg).tag.endswith("svg")
    for words in ("Run a, m = 16", "Run b, m = 16", "starts at 3, its closed form is 3"):
        assert words in drawing.alt
    assert "nan" not in drawing.alt
    assert draw() == drawing
    monkeypatch.setattr(figures, "finish", lambda figure, alt: figure)
    on_mean, on_elbo, by_width, ends = draw().axes[:4]
    for axes, objective in ((on_mean, "mean"), (on_elbo, "elbo")):
        (line,) = (known for known in axes.lines if known.get_label() == "variance term")
        of_one = times[times["objective"] == objective]
        widest = of_one.query("width == 16 and seed == 0 and time > 0")
        np.testing.assert_allclose(line.get_ydata(), widest["variance_term"])
    labels = [line.get_label() for line in by_width.lines]
    assert labels == [*(f"$m$ = {m}" for m in WIDTHS), "claimed bound", "answering zero"]
    (line,) = (known for known in ends.lines if known.get_label() == "ELBO")
    own = measure.members(times, FLOOR).query("objective == 'elbo'")
    np.testing.assert_allclose(line.get_ydata(), own.groupby("width")["over_zero"].mean())


def test_the_table_has_a_row_an_objective_and_width(times: pd.DataFrame) -> None:
    summary = measure.summary(measure.members(times, FLOOR), FLOOR, LAMBDA_0 / SAMPLES)
    table = tables.elbo({"a": summary, "b": summary})
    assert list(table["run"]) == ["a"] * 6 + ["b"] * 6
    assert list(table["objective"]) == (["mean"] * 3 + ["elbo"] * 3) * 2
    slopes = measure.slopes(measure.members(times, FLOOR), 3)
    assert len(tables.elbo_slopes({"a": slopes})) == len(measure.PREDICTED)
