"""X6: the kernel's prediction on held-out images, networks that tend to it, the room's measures."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Runs
from vaentk.experiments.ntk.generalisation import Generalisation, figures, measure, tables
from vaentk.experiments.ntk.generalisation.images import nested_inputs
from vaentk.experiments.ntk.generalisation.prediction import KernelLearning, relative_error
from vaentk.experiments.ntk.generalisation.train import problem, train
from vaentk.runtime.job import Job
from vaentk.training import flow
from vaentk.training.recorder import Recorder
from vaentk.training.schedule import Moments

Array = NDArray[np.float64]

SIGMA0, N, TEST, D = 0.5, 7, 4, 3
SETTINGS = Generalisation.from_plain(
    {
        "inputs": {"samples": 40, "resolution": 7},
        "samples": [10, 20, 40],
        "held_out": 20,
        "widths": [8, 16, 32],
        "seeds": [3, 5],
    }
)


def unit_rows(samples: int, seed: int = 0) -> Array:
    rows = np.random.default_rng(seed).standard_normal((samples, D))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


ROWS = unit_rows(N + TEST)
LEARNING = KernelLearning.of("erf", SIGMA0, ROWS[:N], ROWS[N:])


def erf_kernel(x: Array, other: Array) -> Array:
    """K_mu + K_sigma + K_d of erf by their closed forms."""
    q, c = 1 + SIGMA0**2, x @ other.T
    root = (1 + 2 * q) ** 2 - 4 * c**2
    by_d = 2 / np.pi * np.arcsin(2 * c / (1 + 2 * q))
    by_mu = c * 4 / np.pi * root**-0.5
    by_sigma = SIGMA0**2 * (x**2 @ (other**2).T) * 16 / np.pi * c * root**-1.5
    return np.asarray(by_d + by_mu + by_sigma)


def integrated(time: float) -> Array:
    """Outputs on training and test inputs by integrating df/dt = -(1/n) K (f - X) from 0; 1e-10."""
    kernel = erf_kernel(ROWS, ROWS[:N])

    def slope(_: float, flat: Array) -> Array:
        outputs = flat.reshape(N + TEST, D)
        return np.asarray(-kernel @ (outputs[:N] - ROWS[:N]) / N).ravel()

    start = np.zeros((N + TEST) * D)
    solved = solve_ivp(slope, (0, time), start, method="DOP853", rtol=1e-12, atol=1e-13)
    return np.asarray(solved.y[:, -1].reshape(N + TEST, D))


@pytest.mark.parametrize("time", [0.5, 20.0, 1000.0])
def test_the_prediction_is_the_matrix_exponential_and_the_integral(time: float) -> None:
    kernel, cross = erf_kernel(ROWS[:N], ROWS[:N]), erf_kernel(ROWS[N:], ROWS[:N])
    moved = np.eye(N) - expm(-kernel * time / N)
    direct = cross @ np.linalg.solve(kernel, moved @ ROWS[:N])
    np.testing.assert_allclose(LEARNING.outputs(time), direct, atol=1e-9)
    by_steps = integrated(time)
    np.testing.assert_allclose(LEARNING.outputs(time), by_steps[N:], atol=1e-9)
    want = relative_error(by_steps[:N], ROWS[:N])
    assert LEARNING.training_error(time) == pytest.approx(want, abs=1e-9)
    assert LEARNING.error(time) == pytest.approx(relative_error(by_steps[N:], ROWS[N:]), abs=1e-9)


def test_infinite_time_is_ridgeless_regression() -> None:
    """By LU; training inputs are met to 1e-9; no mode is near rounding here."""
    kernel, cross = erf_kernel(ROWS[:N], ROWS[:N]), erf_kernel(ROWS[N:], ROWS[:N])
    want = cross @ np.linalg.solve(kernel, ROWS[:N])
    np.testing.assert_allclose(LEARNING.outputs(np.inf), want, atol=1e-9)
    np.testing.assert_allclose(LEARNING.outputs(1e9), want, atol=1e-9)
    assert LEARNING.training_error(np.inf) < 1e-18
    assert LEARNING.unsure() == 0


def test_modes_at_rounding_are_left_out_at_infinity() -> None:
    """One input twice: K is singular, and its pseudo-inverse predicts what one of them does."""
    twice = KernelLearning.of("erf", SIGMA0, np.vstack([ROWS[:N], ROWS[:1]]), ROWS[N:])
    np.testing.assert_allclose(twice.outputs(np.inf), LEARNING.outputs(np.inf), atol=1e-8)
    assert twice.values[0] < twice.rounding < LEARNING.values[0]


def test_linear_regression_projects_on_the_training_inputs() -> None:
    """Two inputs in three dimensions leave the part along their normal."""
    few = KernelLearning.of("erf", SIGMA0, ROWS[:2], ROWS[N:])
    normal = np.cross(*ROWS[:2])
    normal /= np.linalg.norm(normal)
    assert few.linear_error() == pytest.approx(float(np.square(ROWS[N:] @ normal).mean()))
    assert LEARNING.linear_error() < 1e-25


def test_the_error_of_answering_zero_is_one() -> None:
    assert LEARNING.error(0.0) == LEARNING.training_error(0.0) == 1
    assert relative_error(0.9 * ROWS, ROWS) == pytest.approx(0.01)


def test_a_wide_network_learns_held_out_outputs_as_its_kernel_does() -> None:
    """Widths 64 to 4096, float64, four seeds: the distance falls about as m^(-1/2), f_0 = 0."""
    case = SETTINGS.variants()["n10"].but(accuracy=1e-4, times=[2.0, 10.0])
    distances = []
    for width in (64, 512, 4096):
        task = problem(case, width, ROWS[:N], ROWS[N:], "float64", "cpu")
        assert isinstance(task.schedule, Moments)
        gradient = task.gradient((0, 1, 2, 3))
        recorder = Recorder(gradient.initial, (0, 1, 2, 3), keep=task.model_kept())
        state = flow.follow(gradient, task.schedule, recorder, flow.initial_state(gradient, 4))
        assert state.tensors["outputs/0"].abs().max() < 1e-14
        for step, time in ((1, 2.0), (2, 10.0)):
            answers = state.tensors[f"outputs/{step}"].numpy()[:, N:]
            off = np.linalg.norm(answers - LEARNING.outputs(time), axis=(1, 2))
            distances.append(off.mean() / np.linalg.norm(LEARNING.outputs(time)))
    early, late = np.reshape(distances, (3, 2)).T
    print(early, late)
    for found in (early, late):
        assert found[2] < 0.06
        assert -0.75 < np.log(found[2] / found[0]) / np.log(64) < -0.35


@pytest.fixture(scope="module")
def mnist() -> Stored:
    images = np.random.default_rng(0).integers(256, size=(120, 28, 28)).astype(np.uint8)
    return Stored({"images": images, "labels": np.arange(120) % 10})


def test_images_are_nested_balanced_and_apart_from_those_held_out(mnist: Stored) -> None:
    inputs, held_out = nested_inputs(mnist.arrays, SETTINGS)
    assert list(inputs) == ["n40", "n20", "n10"]
    rows = {name: {row.tobytes() for row in x} for name, x in inputs.items()}
    assert [len(found) for found in rows.values()] == [40, 20, 10]
    assert rows["n10"] < rows["n20"] < rows["n40"]
    assert len(held_out) == 20
    assert not rows["n40"] & {row.tobytes() for row in held_out}
    pooled = mnist.arrays["images"].reshape(120, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(120, 49)
    pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
    places = [int(np.abs(pooled - row).sum(axis=1).argmin()) for row in inputs["n20"]]
    np.testing.assert_array_equal(np.bincount(mnist.arrays["labels"][places]), 2)


def planted(width: int, seed: int) -> tuple[pd.DataFrame, dict[str, Array], Mapping[str, Any]]:
    """Outputs off the kernel's by a relative n^(1/4) m^(-1/2) in a random direction."""
    generator = np.random.default_rng([width, seed])
    rows, outputs, learnings = [], {}, {}
    for samples in SETTINGS.samples:
        x = unit_rows(samples + TEST, samples)
        learning = KernelLearning.of("erf", SIGMA0, x[:samples], x[samples:])
        learnings[f"n{samples}"] = learning
        for step, time in enumerate((0.0, *SETTINGS.times)):
            meant = learning.outputs(time)
            off = generator.standard_normal(meant.shape)
            off *= np.linalg.norm(meant) / np.linalg.norm(off) * samples**0.25 * width**-0.5
            all_outputs = np.concatenate([0.5 * x[:samples], meant + off])
            outputs[f"n{samples}/{seed}/{step}"] = all_outputs
            row = {"variant": f"n{samples}", "width": width, "seed": seed, "step": step}
            rows.append(row | {"time": time, "gradients": 10 * step})
    return pd.DataFrame(rows), outputs, learnings


@pytest.fixture(scope="module")
def measured() -> dict[str, pd.DataFrame]:
    by_member, by_kernel = [], {}
    for width in SETTINGS.widths:
        for seed in SETTINGS.seeds:
            records, outputs, learnings = planted(width, seed)
            for name, learning in learnings.items():
                own = records[records["variant"] == name]
                by_member.append(measure.members(learning, own, outputs))
                by_kernel[name] = measure.kernels(learning, SETTINGS)
    kernels = pd.concat(by_kernel.values(), ignore_index=True)
    members = measure.beside_kernels(pd.concat(by_member, ignore_index=True), kernels)
    return {
        "members": members,
        "kernels": kernels,
        "summary": measure.summary(members, SETTINGS),
        "slopes": measure.slopes(members, kernels, SETTINGS),
        "width_slopes": measure.width_slopes(members, 3),
    }


def test_planted_distances_and_their_powers_are_found(measured: dict[str, pd.DataFrame]) -> None:
    members, kernels = measured["members"], measured["kernels"]
    assert len(members) == 3 * 3 * 2 * 3
    want = members["samples"] ** 0.25 * members["width"] ** -0.5
    np.testing.assert_allclose(members["distance"], want)
    np.testing.assert_allclose(members["training_error"], 0.25)
    np.testing.assert_allclose(members["over_training"], 4 * members["error"])
    np.testing.assert_allclose(members["over_kernel"] * members["kernel_error"], members["error"])
    assert (members["time"] > 0).all()
    assert len(kernels) == 3 * 4
    infinite = kernels[np.isinf(kernels["time"])]
    assert (infinite["kernel_training_error"] < 1e-10).all()
    np.testing.assert_allclose(measured["width_slopes"]["slope"], -0.5)
    assert measured["width_slopes"]["last"].sum() == 3
    slopes = measured["slopes"].set_index(["quantity", "at"])
    np.testing.assert_allclose(slopes.loc["distance", "slope"], 0.25)
    assert len(slopes) == 2 * 2 * 3


def test_an_error_s_power_is_set_against_its_kernel_s_at_the_same_times(
    measured: dict[str, pd.DataFrame],
) -> None:
    kernels = measured["kernels"]
    slopes = measured["slopes"].query("quantity == 'error'").set_index(["at", "width"])
    own = {
        "per image": [2.5, 5.0, 10.0],
        "one time": [10.0, 10.0, 10.0],
    }
    for at, times in own.items():
        errors = [
            kernels.query("samples == @n and time == @t")["kernel_error"].item()
            for n, t in zip(SETTINGS.samples, times, strict=True)
        ]
        want = np.polyfit(np.log(SETTINGS.samples), np.log(errors), 1)[0]
        np.testing.assert_allclose(slopes.loc[at, "kernel"], want)
        for width in SETTINGS.widths:
            row = slopes.loc[(at, width)]
            assert row["less_kernel"] == pytest.approx(row["slope"] - want)
            assert row["less_kernel_high"] == pytest.approx(row["high"] - want)


def test_a_summary_has_both_comparisons(measured: dict[str, pd.DataFrame]) -> None:
    summary = measured["summary"].set_index(["at", "samples", "width"])
    assert len(summary) == 2 * 3 * 3
    assert summary.loc[("per image", 10, 8), "time"] == 2.5
    assert summary.loc[("one time", 10, 8), "time"] == 10.0
    assert summary.loc[("one time", 10, 8), "distance"] == pytest.approx(10**0.25 * 8**-0.5)
    row = summary.loc[("one time", 40, 32)]
    own = measured["members"].query("samples == 40 and width == 32 and time == 10")["error"]
    assert row["error"] == pytest.approx(np.exp(np.log(own).mean()))
    assert row["error_low"] < row["error"] < row["error_high"]


def test_the_figure_says_what_it_shows(
    measured: dict[str, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Runs(dict.fromkeys("ab", SETTINGS), dict.fromkeys("ab", "MNIST"))

    def draw() -> Any:
        tables_of = (dict.fromkeys("ab", measured[name]) for name in ("members", "kernels"))
        return figures.generalisation(*tables_of, runs=runs)

    drawing = draw()
    assert ElementTree.fromstring(drawing.svg).tag.endswith("svg")
    assert "Run a, m = 32, n = 10 to 40" in drawing.alt
    assert "Run b, m = 32" in drawing.alt
    assert "the distance of held-out outputs is 0.314 to 0.445" in drawing.alt  # n^(1/4)/32^(1/2)
    assert "nan" not in drawing.alt
    assert draw() == drawing
    monkeypatch.setattr(figures, "finish", lambda figure, alt: figure)
    per_image, _, distances = draw().axes[:3]
    (line,) = (known for known in per_image.lines if known.get_label() == "limit kernel, as long")
    kernels = measured["kernels"].query("time == 0.25 * samples")
    np.testing.assert_allclose(line.get_ydata(), kernels["kernel_error"])
    (line,) = (known for known in distances.lines if known.get_label() == "$n$ = 40")
    np.testing.assert_allclose(line.get_ydata(), [40**0.25 * m**-0.5 for m in SETTINGS.widths])


def test_tables_name_their_run(measured: dict[str, pd.DataFrame]) -> None:
    for table, name in (
        (tables.generalisation, "summary"),
        (tables.generalisation_kernels, "kernels"),
        (tables.generalisation_slopes, "slopes"),
    ):
        shown = table({"b": measured[name], "a": measured[name]})
        assert list(shown["run"].unique()) == ["b", "a"]
        assert len(shown) == 2 * len(measured[name])


def test_a_run_is_trained_and_measured(mnist: Stored, tmp_path: Path) -> None:
    """Every network at every time; a record's loss (Eq. 7) is half of its training error."""
    params = {"settings": SETTINGS.model_dump(mode="json"), "checkpoint_seconds": 0.0}
    task = Job({}, {}, {}, params | {"dtype": "float32"}, 1, "cpu", tmp_path / "logs/8.log")
    (part,) = SETTINGS.width_jobs
    trained = train(SETTINGS, part, mnist=mnist, task=task)
    found = measure.measure(
        SETTINGS,
        mnist=mnist,
        records={"8-16-32": trained["records"]},
        outputs={"8-16-32": Stored(trained["outputs"])},
    )
    members = found["members"]
    assert len(members) == 3 * 3 * 2 * 3
    assert members["distance"].between(1e-3, 0.6).all()
    late = members[members["time"] == members["time"].max()]
    loss = trained["records"].query("step == 3").sort_values(["width", "variant", "seed"])
    late = late.assign(variant="n" + late["samples"].astype(str))
    late = late.sort_values(["width", "variant", "seed"])
    np.testing.assert_allclose(late["training_error"], 2 * loss["loss"], rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"samples": [20, 10, 40]}, "must increase"),
        ({"samples": [10, 20]}, "must be the largest"),
        ({"widths": [7, 16]}, "widths must be even"),
        ({"inputs": {"samples": 40, "components": 4}}, "takes all pixels"),
        ({"inputs": {"samples": 40, "scaling": "raw"}}, "unit-norm"),
    ],
)
def test_settings_that_cannot_be_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SETTINGS.but(**change)
