"""Figures of W1 to W3: lines where the measures say, words with their numbers, stable bytes."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Runs
from vaentk.experiments.ntk.kl_ridge import KlRidge
from vaentk.experiments.ntk.kl_ridge import figures as kl_ridge
from vaentk.experiments.ntk.linear_rate import figures as linear_rate
from vaentk.experiments.ntk.ridge import Ridge
from vaentk.experiments.ntk.ridge import digits as ridge_pictures
from vaentk.experiments.ntk.ridge import figures as ridge
from vaentk.experiments.ntk.tangent_kernels import figures as tangent_kernels
from vaentk.figures.style import Drawing, power_ticks

WIDTHS = (64, 256, 1024)
PARTS = ("mu", "sigma", "d")
READINGS = {"beta": 2.0, "n beta": 0.5, "2 n beta": 1.0}


RIDGE = {
    "pca-16": Ridge(widths=WIDTHS),
    "mnist-7x7": Ridge.from_plain({"inputs": {"resolution": 7}, "widths": WIDTHS}),
}


def runs_of(names: Iterable[str], settings: Mapping[str, Any] | None = None) -> Runs:
    return Runs(settings or {}, dict.fromkeys(names, "MNIST"))


def initial(outputs: int, widths: tuple[int, ...] = WIDTHS) -> pd.DataFrame:
    table = pd.DataFrame([{"width": m, "seed": s} for m in widths for s in (0, 1)])
    table = table.assign(outputs=outputs, lambda_0=0.048, lambda_min_error=1e-4)
    for column in ("norm", "wishart_norm", *(f"norm_{part}" for part in PARTS)):
        table[column] = 77.7 * table["width"] ** -0.5
    for part in PARTS:
        table[f"within_{part}"] = table["width"] ** -0.5
        table[f"between_{part}"] = 0.0 if part == "d" else table["width"] ** -0.5
    return table.assign(lambda_min_over=1 - 3.3 * table["width"] ** -0.5)


def training() -> pd.DataFrame:
    rows = [
        {"width": m, "seed": s, "fraction": f, "time": 90 * f, "drift": 31 * f * m**-0.5}
        | {"lambda_min_over": 0.631 - 0.1 * f}
        for m in WIDTHS
        for s in (0, 1)
        for f in (0.0, 0.25, 1.0)
    ]
    return pd.DataFrame(rows)


def draw_tangent_kernels() -> Drawing:
    starts = {"mnist-7x7": initial(49), "mnist-28x28": initial(784)}
    return tangent_kernels.tangent_kernels(starts, runs=runs_of(starts))


def draw_kernel_drift() -> Drawing:
    """Of the second run nothing was trained."""
    starts = {"mnist-7x7": initial(49), "mnist-28x28": initial(784)}
    along = {"mnist-7x7": training(), "mnist-28x28": training().iloc[:0]}
    return tangent_kernels.kernel_drift(starts, along, runs=runs_of(starts))


def draw_kernel_flows() -> Drawing:
    """Of the second run the flows were left out."""
    starts = {"mnist-7x7": initial(49), "mnist-28x28": initial(784)}
    width = starts["mnist-7x7"]["width"]
    starts["mnist-7x7"]["flow_distance"] = width**-0.5
    starts["mnist-7x7"]["rate_over_limit"] = 1 - 2 * width**-0.5
    for column in ("flow_distance", "rate_over_limit"):
        starts["mnist-28x28"][column] = np.nan
    return tangent_kernels.kernel_flows(starts, runs=runs_of(starts))


def draw_one_untrained_run() -> Drawing:
    start = {"mnist-7x7": initial(49, (32, 64)).query("seed == 0")}
    untrained = {"mnist-7x7": training().iloc[:0]}
    return tangent_kernels.kernel_drift(start, untrained, runs=runs_of(start))


def draw_linear_rate() -> Drawing:
    times = np.array([0.0, 1.0, 4.0])
    curves = pd.concat(
        pd.DataFrame({"width": m, "seed": 0, "time": times, "loss": np.exp(-times)}).assign(
            flow_loss=np.exp(-times), bound=np.exp(-times / 10)
        )
        for m in WIDTHS
    )
    members = pd.DataFrame({"width": WIDTHS, "seed": 0})
    for column, scale in {
        "flow_distance": 1.6,
        "empirical_distance": 0.7,
        "lemma4_bound": 4000.0,
        **{f"row_{part}": 1.0 for part in PARTS},
    }.items():
        members[column] = scale * members["width"] ** -0.5
    for part in PARTS:
        members[f"over_bound_{part}"] = members[f"row_{part}"] / members["lemma4_bound"]
    return linear_rate.linear_rate(
        {"mnist-7x7": curves}, {"mnist-7x7": members}, runs=runs_of(["mnist-7x7"])
    )


def ridge_errors(seeds: tuple[int, ...]) -> pd.DataFrame:
    rows = [
        {"width": m, "seed": s, "beta": b, "initial": i, "reading": r, "with_initial": w}
        | {"error": scale * m**-0.5 * (1 + s / 10)}
        for m in WIDTHS
        for s in seeds
        for b in (0.01, 0.1)
        for i in ("standard", "antisymmetric")
        for w in (True, False)
        for r, scale in READINGS.items()
    ]
    return pd.DataFrame(rows)


def draw_ridge(
    seeds: tuple[int, ...] = (0, 1), names: tuple[str, ...] = ("pca-16", "mnist-7x7")
) -> Drawing:
    """Draw the runs named, of which the one on principal components is shown where it is there."""
    errors = ridge_errors(seeds)
    keys = ["initial", "with_initial", "beta", "width", "reading"]
    summary = errors.groupby(keys, as_index=False)["error"].mean()
    half = np.nan if len(seeds) == 1 else 1.0
    summary = summary.assign(error_low=0.0, error_high=summary["error"] + half)
    times = np.array([0.0, 1.0, 8.0])
    path = pd.concat(
        pd.DataFrame({"step": [0, 1, 8], "time": times, "distance": times / m}).assign(
            width=m, seed=s, beta=b, initial=i
        )
        for m in WIDTHS
        for s in seeds
        for b in (0.01, 0.1)
        for i in ("standard", "antisymmetric")
    )
    measures = (dict.fromkeys(names, table) for table in (errors, summary, path))
    runs = runs_of(names, {name: RIDGE[name] for name in names})
    return ridge.ridge(*measures, runs=runs)


def draw_kl_ridge() -> Drawing:
    scales = {"KL": 0.5, "Eq. 12, isotropic": 1.0, "n beta": 2.0, "beta": 4.0}
    rows = [
        {"width": m, "seed": seed, "beta": beta, "sigma": sigma, "images": images}
        | {"reading": reading, "error": scale * m**-0.5 * (2 if images == "training" else 1)}
        for m in WIDTHS
        for seed in (0, 1)
        for beta in (0.025, 0.25)
        for sigma in ("frozen", "trained")
        for images in ("training", "held-out")
        for reading, scale in scales.items()
    ]
    errors = {"pca-16": pd.DataFrame(rows), "pca-16-few": pd.DataFrame(rows).query("beta == 0.25")}
    settings = dict.fromkeys(errors, KlRidge(widths=WIDTHS))
    return kl_ridge.kl_ridge(errors, runs=runs_of(errors, settings))


def draw_ridge_pictures(names: tuple[str, ...] = ("pca-16", "mnist-7x7")) -> Drawing:
    """Draw the runs named, of which those on pixels are shown."""
    digits = np.linspace(0, 1, 490).reshape(10, 49)
    drawn = {"input": digits, "beta": np.array([0.01]), "width": np.array([1024.0])}
    for start in ridge_pictures.INITIALS:
        drawn[f"{start}/network"] = digits
        drawn[f"{start}/n beta"] = 1.125 * digits
        drawn[f"{start}/printed"] = 3 * digits
    runs = runs_of(names, {name: RIDGE[name] for name in names})
    return ridge_pictures.ridge_pictures(dict.fromkeys(names, Stored(drawn, "")), runs=runs)


DRAWINGS: dict[str, tuple[Callable[[], Drawing], list[str]]] = {
    "tangent_kernels": (
        draw_tangent_kernels,
        [
            "Run mnist-7x7, 49 outputs: from m = 64 to 1024 the norm goes from 9.71 to 2.43",
            "lambda_0/4 is 0.012",
            "from 0.588 to 0.897",
            "784 outputs",
        ],
    ),
    "kernel_drift": (
        draw_kernel_drift,
        ["Run mnist-7x7, m = 1024: largest drift 0.969, smallest lambda_min over lambda_0 0.531"],
    ),
    "no run trained": (draw_one_untrained_run, ["No run of this configuration trains"]),
    "kernel_flows": (
        draw_kernel_flows,
        ["Run mnist-7x7: from m = 64 to 1024 the distance goes from 0.125 to 0.0312", "to 0.938."],
    ),
    "linear_rate": (
        draw_linear_rate,
        [
            "loss is 0.0183",
            "from 0.2 at m = 64 to 0.05",
            "from 0.0875 to 0.0219",
            "latent mean 0.00025",
        ],
    ),
    "ridge": (
        draw_ridge,
        ["beta = 0.01: standard, with f_0 at m = 1024: beta 0.0656, n beta 0.0164"],
    ),
    "ridge on pixels": (lambda: draw_ridge(names=("mnist-7x7",)), ["Run mnist-7x7, beta = 0.01"]),
    "ridge, one seed": (lambda: draw_ridge((0,)), ["2 n beta 0.0312", "largest distance 0.00781"]),
    "kl_ridge": (
        draw_kl_ridge,
        ["Run pca-16-few, beta = 0.25, W_sigma trained, m = 1024: KL 0.0156, Eq. 12, isotropic"],
    ),
    "ridge_pictures": (draw_ridge_pictures, ["standard 0.125 and 2", "antisymmetric 0.125 and 2"]),
    "no pictures": (
        lambda: draw_ridge_pictures(("pca-16",)),
        ["no run of this configuration"],
    ),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_is_svg_with_words_and_stable_bytes(name: str) -> None:
    draw, words = DRAWINGS[name]
    drawing = draw()
    assert ElementTree.fromstring(drawing.svg).tag.endswith("svg")
    assert "nan" not in drawing.alt
    for word in words:
        assert word in drawing.alt
    assert draw() == drawing


@pytest.fixture
def axes_of(
    monkeypatch: pytest.MonkeyPatch,
) -> "Panels":
    """The panels of a figure before it is turned into SVG."""

    def panels(module: ModuleType, draw: Callable[[], Drawing]) -> list[Axes]:
        finished: list[Figure] = []
        finish = module.finish
        monkeypatch.setattr(
            module, "finish", lambda figure, alt: finished.append(figure) or finish(figure, alt)
        )
        draw()
        return finished[0].axes

    return panels


Panels = Callable[[ModuleType, Callable[[], Drawing]], list[Axes]]


def levels(axes: Axes) -> list[float]:
    """Heights of the level lines of a panel."""
    flat = [np.unique(line.get_ydata()) for line in axes.lines if len(line.get_ydata()) == 2]
    return [float(height[0]) for height in flat if len(height) == 1]


def line(axes: Axes, label: str) -> tuple[list[float], list[float]]:
    (labelled,) = [each for each in axes.lines if each.get_label() == label]
    return list(labelled.get_xdata()), list(labelled.get_ydata())


def test_tangent_kernels_draws_means_and_thresholds(axes_of: Panels) -> None:
    panels = axes_of(tangent_kernels, draw_tangent_kernels)
    assert len(panels) == 6
    norm, least, blocks = panels[:3]
    widths, means = line(norm, r"$\Theta$")
    assert widths == list(WIDTHS)
    np.testing.assert_allclose(means, [77.7 / 8, 77.7 / 16, 77.7 / 32])
    assert 0.012 in levels(norm)
    assert 0.75 in levels(least)
    assert len([each for each in blocks.lines if each.get_linestyle() == "--"]) == 2


def test_kernel_drift_is_of_the_runs_that_were_trained(axes_of: Panels) -> None:
    _, largest, along = axes_of(tangent_kernels, draw_kernel_drift)
    np.testing.assert_allclose(line(largest, r"$\Theta$")[1], [31 / 8, 31 / 16, 31 / 32])
    assert 0.5 in levels(along)


def test_kernel_flows_are_of_the_runs_that_have_them(axes_of: Panels) -> None:
    distance, rate = axes_of(tangent_kernels, draw_kernel_flows)
    label = "mnist-7x7, $d$ = 49"
    np.testing.assert_allclose(line(distance, label)[1], [1 / 8, 1 / 16, 1 / 32])
    np.testing.assert_allclose(line(rate, label)[1], [0.75, 0.875, 0.9375])
    assert not [each for each in distance.lines if "28x28" in str(each.get_label())]


def test_linear_rate_shows_both_kernels_and_the_bound(axes_of: Panels) -> None:
    _, distance, rows = axes_of(linear_rate, draw_linear_rate)
    np.testing.assert_allclose(line(distance, r"limit kernel $K$")[1], [0.2, 0.1, 0.05])
    own = line(distance, r"its own kernel $\Theta(0)$")[1]
    np.testing.assert_allclose(own, [0.0875, 0.04375, 0.021875])
    np.testing.assert_allclose(line(rows, "the lemma's bound")[1], [500, 250, 125])


def test_ridge_draws_a_row_a_beta_and_three_readings(axes_of: Panels) -> None:
    panels = axes_of(ridge, lambda: draw_ridge((0,)))
    assert len(panels) == 6
    for axes in [*panels[:2], *panels[3:5]]:
        for reading, (label, _, _) in ridge.READINGS.items():
            _, means = line(axes, label)
            np.testing.assert_allclose(means, [READINGS[reading] / m**0.5 for m in WIDTHS])
        assert axes.get_ylim() == panels[0].get_ylim()


def test_kl_ridge_draws_test_images_in_a_row_a_run_and_beta(axes_of: Panels) -> None:
    panels = axes_of(kl_ridge, draw_kl_ridge)
    assert len(panels) == 2 * 3
    assert [r"\beta$ = 0.025" in axes.get_title() for axes in panels] == [True] * 2 + [False] * 4
    assert [r"frozen" in axes.get_title() for axes in panels] == [True, False] * 3
    for axes in panels:
        _, means = line(axes, kl_ridge.READINGS["KL"][0])
        np.testing.assert_allclose(means, [0.5 / m**0.5 for m in WIDTHS])


def test_pictures_are_digits_on_the_scale_of_their_row(axes_of: Panels) -> None:
    rows = axes_of(ridge_pictures, draw_ridge_pictures)
    assert len(rows) == 7
    assert all(len(row.images) == 10 for row in rows)
    np.testing.assert_allclose(rows[0].images[3].get_array().ravel()[0], 147 / 489)
    network, met, printed = (row.images[0].get_clim() for row in rows[1:4])
    assert network == met == (0, 1.125)
    assert printed == (0, 3)


@pytest.mark.parametrize(
    ("widths", "named"),
    [
        ([64, 128, 256, 512, 1024], ["64", "128", "256", "512", "1024"]),
        ([256, 512, 1024, 2048, 4096, 8192, 16384], ["256", "1024", "4096", "16384"]),
    ],
)
def test_widths_below_a_panel_do_not_run_into_each_other(
    widths: list[int], named: list[str]
) -> None:
    axes = Figure().subplots()
    power_ticks(axes, widths)
    assert list(axes.get_xticks()) == widths
    assert [label.get_text() for label in axes.get_xticklabels() if label.get_text()] == named
