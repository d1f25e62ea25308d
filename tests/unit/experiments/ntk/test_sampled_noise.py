"""The room of sampled noise: measures of planted losses, a training, the figure and the tables."""

import xml.etree.ElementTree as ElementTree
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Runs
from vaentk.experiments.ntk.networks import eq7_problem
from vaentk.experiments.ntk.sampled_noise import MOMENTS, SampledNoise, figures, measure, tables
from vaentk.experiments.ntk.sampled_noise.train import observe, observed, train, with_noise
from vaentk.models.latent import Mirrored, Sampled
from vaentk.runtime.job import Job
from vaentk.training.schedule import Moments

SAMPLES, LAMBDA_0 = 4, 0.5
TIMES = np.array([0.0, 1.0, 2.0, 4.0, 5.0, 6.0, 7.0, 8.0])
RATES, WIDTHS = (0.4, 0.2, 0.1), (8, 16, 32, 64)
NOISE, STEP_COST = 0.8, -0.02


def records(power: float = 1.0) -> pd.DataFrame:
    """Excess ``rate^power (1 + 8/m) NOISE/4`` from t = 1 on; the signs differ by a large odd part.

    A fourth of it is in the variance term.
    """
    frames = []

    def add(variant: str, rate: float, width: int, seed: int, more: float) -> None:
        shared = {"variant": variant, "width": width, "seed": seed, "learning_rate": rate}
        frame = pd.DataFrame(shared | {"time": TIMES, "noise": NOISE})
        added = more * (TIMES > 0)
        frame["mean_error"] = (3 + seed) * np.exp(-LAMBDA_0 / SAMPLES * TIMES) + 0.75 * added
        frame["variance_term"] = 2.0 + 0.25 * added
        frames.append(frame)

    for width in WIDTHS:
        for seed in (0, 1):
            add("flow", 0.0, width, seed, 0.0)
            add("exact", RATES[0], width, seed, STEP_COST)
            for rate in RATES:
                excess = rate**power * (1 + 8 / width) * NOISE / 4 * (1 + 0.1 * seed)
                add(f"sampled-{rate:g}", rate, width, seed, excess + 0.3)
                add(f"mirrored-{rate:g}", rate, width, seed, excess - 0.3)
    return pd.concat(frames, ignore_index=True)


def of_runs(power: float = 1.0) -> pd.DataFrame:
    return measure.excess(measure.times(records(power), LAMBDA_0, SAMPLES))


def test_both_signs_are_averaged_and_compared_with_the_flow() -> None:
    runs = of_runs()
    assert len(runs) == len(WIDTHS) * 2 * (1 + len(RATES))
    row = runs.query("way == 'sampled' and width == 8 and learning_rate == 0.2 and seed == 0")
    (row,) = row.to_dict("records")
    assert row["excess"] == pytest.approx(0.2 * 2 * NOISE / 4)
    assert row["mean_excess"] == pytest.approx(0.75 * row["excess"])
    assert row["variance_excess"] == pytest.approx(0.25 * row["excess"])
    assert row["predicted"] == pytest.approx(0.2 * NOISE / 4)
    assert row["over_predicted"] == pytest.approx(2)
    assert row["variance_term"] == pytest.approx(2)
    # The flow follows its bound; the worse sign lies above it, most where the bound is least.
    assert row["flow_margin"] == pytest.approx(0, abs=1e-12)
    left, more = 3 * np.exp(-1), 0.75 * (row["excess"] + 0.3)
    assert row["margin"] == pytest.approx(np.log((left + more) / left))
    exact = runs.query("way == 'exact'")
    np.testing.assert_allclose(exact["excess"], STEP_COST)


@pytest.mark.parametrize("power", [0.5, 1.0, 1.3])
def test_the_power_of_the_learning_rate_is_that_which_was_planted(power: float) -> None:
    runs = of_runs(power)
    found = measure.rates(runs, measure.members(runs, 0.1))
    assert len(found) == 2 * len(WIDTHS)
    for column in ("slope", "low", "high"):  # both seeds have the same power
        np.testing.assert_allclose(found[column], power)
    np.testing.assert_allclose(found["freedom"], 1)


def test_the_interval_of_a_power_is_the_jackknifes() -> None:
    """Against the delta method for small scatter; an excess below zero is no power."""
    generator = np.random.default_rng(0)
    rates = np.array([0.1, 0.2, 0.4])
    values = rates * (1 + 0.01 * generator.standard_normal((6, 3)))
    found = measure.power_of_rate(rates, values)
    logs = np.log(rates) - np.log(rates).mean()
    own = (values / values.mean(axis=0)) @ logs / (logs @ logs)
    error = own.std(ddof=1) / np.sqrt(6)
    assert (found.high - found.value) / error == pytest.approx(2.5706, rel=0.01)
    assert (found.value - found.low) / error == pytest.approx(2.5706, rel=0.01)
    assert np.isnan(measure.power_of_rate(rates, -values).value)
    assert np.isnan(measure.power_of_rate(rates, values[:1]).low)


def test_a_member_pools_its_learning_rates() -> None:
    members = measure.members(of_runs(), 0.1).set_index(["width", "seed"])
    row = members.loc[8, 0]
    assert row["per_rate"] == pytest.approx(2 * NOISE / 4)
    assert row["per_variance"] == pytest.approx(NOISE / 4)
    assert row["over_limit"] == pytest.approx(10 * row["per_variance"])
    assert row["over_predicted"] == pytest.approx(2)
    assert row["mean_over_predicted"] == pytest.approx(1.5)
    assert row["limit"] == pytest.approx(0, abs=1e-12)
    assert row["mean_limit"] == pytest.approx(0, abs=1e-12)
    assert row["step_share"] == pytest.approx(STEP_COST / (0.4 * 2 * NOISE / 4))
    powers = measure.slopes(members.reset_index(), 3).set_index("quantity")
    fall = np.log((1 + 8 / 64) / (1 + 8 / 16)) / np.log(64 / 16)
    np.testing.assert_allclose(powers["slope"], fall)


def test_an_excess_that_does_not_vanish_with_the_rate_is_seen() -> None:
    rates = pd.Series([0.4, 0.2, 0.1])
    assert measure.at_zero(rates, 0.5 + 2 * rates) == pytest.approx(0.5 / 1.3)


def test_observations_are_at_the_same_times_whatever_the_rate() -> None:
    settings = SampledNoise.from_plain({"widths": [8, 16], "largest_rate": 0.4, "halvings": 2})
    assert settings.learning_rates == (0.4, 0.2, 0.1)
    steps = settings.steps(30.0)
    assert steps % (2 * MOMENTS) == 0
    assert steps * 0.4 == pytest.approx(30, rel=0.2)
    places = observed(steps)
    assert places[0] == 0
    assert places[-1] == steps
    assert sum(2 * place >= steps for place in places) == MOMENTS + 1
    assert list(places) == sorted(set(places))


SETTINGS = SampledNoise.from_plain(
    {
        "widths": [8, 16],
        "seeds": [3, 5],
        "inputs": {"samples": 10, "resolution": 7},
        "horizon": 0.01,
        "largest_rate": 0.2,
        "halvings": 1,
    }
)


@pytest.fixture(scope="module")
def mnist() -> Stored:
    images = np.random.default_rng(0).integers(256, size=(40, 28, 28)).astype(np.uint8)
    return Stored({"images": images, "labels": np.arange(40) % 10})


def test_the_objective_is_observed_without_noise() -> None:
    """Of one and the same weights, whatever noise trains, and of members with other seeds."""
    x = np.random.default_rng(0).random((5, 49))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    mean = eq7_problem(SETTINGS, 8, x, "float64", "cpu", Moments((0.0,), 1e-3))
    weights = mean.model().initial_weights((3,))
    seen = []
    for noise in (Sampled, Mirrored):
        problem = type(mean)(
            **vars(mean) | {"network": partial(with_noise, network=mean.network, noise=noise)}
        )
        assert isinstance(problem.model((3,)).smoothing, noise)
        seen.append(observe(problem, (3,))(0, weights))
    assert seen[0] == seen[1]
    residual = mean.model().forward(weights).outputs - torch.from_numpy(x)
    assert seen[0][0]["mean_error"] == pytest.approx(float(residual.square().sum()) / 10)


def test_a_run_is_trained_measured_and_shown(
    mnist: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = {"settings": SETTINGS.model_dump(mode="json"), "checkpoint_seconds": 0.0}
    task = Job({}, {}, {}, params | {"dtype": "float32"}, 1, "cpu", tmp_path / "logs/8.log")
    (part,) = SETTINGS.width_jobs
    trained = {str(part): train(SETTINGS, part, mnist=mnist, task=task)["records"]}
    frame = trained[str(part)]
    assert set(frame["variant"]) == {
        *("flow", "exact", "sampled-0.2", "sampled-0.1", "mirrored-0.2", "mirrored-0.1")
    }
    starts = frame[frame["time"] == 0].groupby(["width", "seed"])["mean_error"]
    assert (starts.nunique() == 1).all()
    assert frame.groupby("variant")["time"].unique().map(tuple).nunique() == 1
    measured = measure.measure(SETTINGS, mnist=mnist, records=trained)
    exact = measured["excess"].query("way == 'exact'")
    assert (exact["excess"].abs() < 0.05 * exact["expected"]).all()
    runs, names = Runs({}, {"a": "MNIST", "b": "MNIST"}), ("times", "summary", "members")
    shown = [dict.fromkeys("ab", measured[name]) for name in names]
    drawing = figures.sampled_noise(*shown, runs=runs)
    assert ElementTree.fromstring(drawing.svg).tag.endswith("svg")
    assert "Run a, m = 16" in drawing.alt
    assert "nan" not in drawing.alt
    monkeypatch.setattr(figures, "finish", lambda figure, alt: figure)
    by_rate, over_time, by_width = figures.sampled_noise(*shown, runs=runs).axes[:3]
    labels = [line.get_label() for line in over_time.lines]
    assert labels == ["rate 0.2", "rate 0.1", "exact flow", "claimed bound"]
    assert len(tables.sampled_noise({"a": measured["summary"]})) == 2 * (1 + 2)
    assert len(tables.sampled_noise_rates({"a": measured["rates"]})) == 4
    assert len(tables.sampled_noise_slopes({"a": measured["slopes"]})) == len(measure.PREDICTED)
    assert by_rate.get_legend() is not None
    assert by_width.get_ylabel()
