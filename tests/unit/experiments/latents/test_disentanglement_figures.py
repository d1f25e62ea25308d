"""Figure 3 and what stands beside it: points and means in their panels, words with numbers."""

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Runs
from vaentk.experiments.latents.disentanglement import figures
from vaentk.figures import image_panels
from vaentk.figures.style import Drawing

BASE = {"beta_vae": 0.5, "factor_vae": 0.375, "mig": 0.25, "sap": 0.125, "dci": 0.0625}
NETWORKS = {"trained": 1.0, "untrained": 0.5, "random": 0.25}
"""Part of the trained network's score."""

RUNS = Runs({}, {"dsprites": "dSprites, drawn", "cars3d": "Cars3D"})


def scores(
    latents: tuple[int, ...] = (10, 50, 200), seeds: int = 2, betas: tuple[float, ...] = (4.0,)
) -> pd.DataFrame:
    """Scores that are the base's at every size, 0.0625 more for each seed and for the last size."""
    rows = [
        {"latent": latent, "seed": seed, "beta": beta, "network": network, "metric": metric}
        | {"score": part * (base + 0.0625 * (seed + (latent == latents[-1])))}
        for latent in latents
        for seed in range(seeds)
        for beta in betas
        for network, part in NETWORKS.items()
        for metric, base in BASE.items()
    ]
    return pd.DataFrame(rows)


def summary(
    latents: tuple[int, ...] = (10, 50, 200), seeds: int = 2, active: int = 8
) -> pd.DataFrame:
    rows = [
        {"latent": latent, "seed": seed, "beta": 4.0, "active_units": active + 2 * seed}
        | {"reconstruction": 100.0 - seed - latent / 10, "kl": 20.0 + latent / 10}
        for latent in latents
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def draw_scores(runs: int = 2, **options: Any) -> Drawing:
    names = list(RUNS.data)[:runs]
    return figures.disentanglement(dict.fromkeys(names, scores(**options)), runs=RUNS)


def draw_units(runs: int = 2, **options: Any) -> Drawing:
    names = list(RUNS.data)[:runs]
    return figures.disentanglement_units(dict.fromkeys(names, summary(**options)), runs=RUNS)


def draw_curves(runs: int = 2) -> Drawing:
    """Scores that double with the steps; every second seed is 0.125 above the first."""
    rows = [
        {"latent": latent, "seed": seed, "beta": 4.0, "step": step, "metric": metric}
        | {"score": base * step / 400 + 0.125 * seed}
        for latent, step, seed in product((10, 200), (0, 100, 200, 400), (0, 1))
        for metric, base in BASE.items()
        if metric != "dci"
    ]
    names = list(RUNS.data)[:runs]
    return figures.disentanglement_curves(dict.fromkeys(names, pd.DataFrame(rows)), runs=RUNS)


def strips(shade: int, kl: list[float], columns: int, channels: int) -> Stored:
    """The best and the worst network of a run, which move no shade of grey."""
    rows = {"best": (50, 1, 4.0, 0.31251, kl), "worst": (10, 0, 0.5, 0.125, kl[:1])}
    arrays = {
        name: np.full((len(row[4]), columns, channels, 8, 8), shade, np.uint8)
        for name, row in rows.items()
    }
    return Stored(arrays, json.dumps(rows))


def draw_traversals(runs: int = 1, columns: int = 7, channels: int = 1) -> Drawing:
    stored = {
        run: strips(100 * (place + 1), [2.0, 1.5, 0.126], columns, channels)
        for place, run in enumerate(list(RUNS.data)[:runs])
    }
    return figures.traversals(stored, runs=Runs({}, {run: RUNS.data[run] for run in stored}))


DRAWINGS: dict[str, tuple[Callable[..., Drawing], list[str]]] = {
    "scores": (
        draw_scores,
        [
            "dSprites, drawn, run dsprites, 2 seeds, mean scores at the latent sizes 10 and 200",
            "Cars3D, run cars3d",
            "trained at beta = 4 BetaVAE 0.531 and 0.594, FactorVAE 0.406 and 0.469",
            "random code BetaVAE 0.133 and 0.148",
        ],
    ),
    "curves": (
        draw_curves,
        [
            "dSprites, drawn, run dsprites, means over all networks at steps 0, 100, 200, 400: "
            "BetaVAE 0.0625, 0.188, 0.312, 0.562",
        ],
    ),
    "units": (
        draw_units,
        [
            "Cars3D, run cars3d, beta = 4, means at the latent sizes 10 and 200: "
            "active units 9 and 9, reconstruction (nats an image) 98.5 and 79.5, "
            "KL (nats an image) 21 and 40"
        ],
    ),
    "traversals": (
        draw_traversals,
        [
            "dSprites, drawn: traversals, a row of 7 images",
            "dsprites, best: latent 50, seed 1, beta 4, score 0.313, rows KL 2.00, KL 1.50, "
            "KL 0.13; dsprites, worst: latent 10, seed 0, beta 0.5, score 0.125, rows KL 2.00.",
        ],
    ),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_is_svg_with_words_and_stable_bytes(name: str) -> None:
    draw, words = DRAWINGS[name]
    drawing = draw()
    assert ElementTree.fromstring(drawing.svg).tag.endswith("svg")
    for word in words:
        assert word in drawing.alt
    assert "nan" not in drawing.alt
    assert draw() == drawing


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Figure]:
    """Return the figure itself, before it is saved."""

    def draw(module: ModuleType, drawing: Callable[..., Any], **options: Any) -> Figure:
        monkeypatch.setattr(module, "finish", lambda figure, alt, strips=None: figure)
        return drawing(**options)

    return draw


def means(axes: Axes) -> dict[str, list[list[float]]]:
    """Points of the lines of a panel that have a name."""
    return {
        str(line.get_label()): np.column_stack(line.get_data()).tolist()
        for line in axes.get_lines()
        if not str(line.get_label()).startswith("_")
    }


def test_every_metric_has_its_panel_with_means_seeds_and_nulls(
    drawn: Callable[..., Figure],
) -> None:
    figure = drawn(figures, draw_scores)
    assert len(figure.axes) == 10
    titles = [axes.get_title() for axes in figure.axes[:5]]
    assert titles == ["BetaVAE", "FactorVAE", "MIG", "SAP", "DCI"]
    assert [axes.get_ylabel() for axes in figure.axes[::5]] == [
        "dSprites, drawn\nscore",
        "Cars3D\nscore",
    ]
    mig = means(figure.axes[2])
    assert mig == {
        r"trained, $\beta$ = 4": [[10, 0.28125], [50, 0.28125], [200, 0.34375]],
        "untrained network": [[10, 0.140625], [50, 0.140625], [200, 0.171875]],
        "random code": [[10, 0.0703125], [50, 0.0703125], [200, 0.0859375]],
    }
    points, *_ = figure.axes[2].get_lines()
    assert sorted(points.get_ydata()) == [0.25, 0.25, 0.3125, 0.3125, 0.3125, 0.375]
    styles = {str(line.get_label()): line.get_linestyle() for line in figure.axes[2].get_lines()}
    assert (styles["untrained network"], styles["random code"]) == ("--", ":")
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown == list(mig)


def test_the_interval_is_students_and_is_cut_where_it_leaves_the_panel(
    drawn: Callable[..., Figure],
) -> None:
    axes = drawn(figures, draw_scores, seeds=3).axes[2]
    first = axes.collections[0].get_segments()[0]
    half = stats.t.ppf(0.975, 2) * 0.0625 / np.sqrt(3)
    np.testing.assert_allclose(first, [[10, 0.3125 - half], [10, 0.3125 + half]])
    low, high = axes.get_ylim()
    assert high < 0.4375 + 0.0625, "two seeds beyond the largest score, not the interval"
    assert low > -0.03
    single = drawn(figures, draw_scores, seeds=1)
    assert all(len(axes.collections) == 0 for axes in single.axes)


def test_several_betas_stand_beside_each_other_and_share_the_nulls(
    drawn: Callable[..., Figure],
) -> None:
    axes = drawn(figures, draw_scores, betas=(1.0, 4.0)).axes[0]
    lines = means(axes)
    assert list(lines) == [
        *(rf"trained, $\beta$ = {beta}" for beta in (1, 4)),
        *("untrained network", "random code"),
    ]
    left, right = (lines[rf"trained, $\beta$ = {beta}"][0][0] for beta in (1, 4))
    assert left < 10 < right
    assert left * right == pytest.approx(100)
    nulls = [line for line in axes.get_lines() if line.get_marker() == "s"]
    assert len(nulls[0].get_xdata()) == 6
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["10", "50", "200"]


def test_curves_have_a_line_a_latent_size_with_students_intervals(
    drawn: Callable[..., Figure],
) -> None:
    figure = drawn(figures, draw_curves)
    assert [axes.get_title() for axes in figure.axes[:4]] == ["BetaVAE", "FactorVAE", "MIG", "SAP"]
    axes = figure.axes[2]
    lines = means(axes)
    assert list(lines) == ["latent 10", "latent 200"]
    heights = [height for _, height in lines["latent 10"]]
    np.testing.assert_allclose(heights, [0.0625, 0.125, 0.1875, 0.3125])
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0", "100", "200", "400"]
    segment = axes.collections[0].get_segments()[0]
    half = stats.t.ppf(0.975, 1) * 0.0625
    np.testing.assert_allclose(np.ptp(segment, axis=0)[1], 2 * half)
    assert axes.get_ylim()[0] >= -0.02, "a score is not below zero"


def test_units_have_the_line_of_all_and_reach_zero(drawn: Callable[..., Figure]) -> None:
    figure = drawn(figures, draw_units)
    assert len(figure.axes) == 6
    units = means(figure.axes[0])
    assert units["all units"] == [[10, 10], [50, 50], [200, 200]]
    assert units[r"trained, $\beta$ = 4"] == [[10, 9], [50, 9], [200, 9]]
    assert means(figure.axes[4])[r"trained, $\beta$ = 4"] == [[10, 98.5], [50, 94.5], [200, 79.5]]
    low, high = figure.axes[0].get_ylim()
    assert 0 < low < 8
    assert high > 200
    none = drawn(figures, draw_units, active=0).axes[0]
    assert none.get_ylim()[0] < 0
    assert none.get_yticklabels()[0].get_text() == "0"


def test_a_run_without_a_metric_of_the_others_says_so(drawn: Callable[..., Figure]) -> None:
    whole = scores()
    without = whole[whole["metric"] != "dci"]
    runs = {"dsprites": whole, "cars3d": without}
    figure = drawn(figures, lambda: figures.disentanglement(runs, runs=RUNS))
    said = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert said.count(["not measured"]) == 1


def test_traversals_stand_side_by_side_at_one_scale_or_below(
    drawn: Callable[..., Figure],
) -> None:
    beside = drawn(image_panels, draw_traversals)
    best, worst = beside.axes
    assert best.get_title() == "dsprites, best: latent 50, seed 1, beta 4, score 0.313"
    assert [text.get_text() for text in worst.get_yticklabels()] == ["KL 2.00"]
    assert best.images[0].get_array().shape == (28, 68)
    assert worst.images[0].get_array().shape == (8, 68)
    for figure, apart in ((beside, 0), (drawn(image_panels, draw_traversals, columns=20), 1)):
        inches = figure.get_size_inches()
        boxes = [axes.get_position() for axes in figure.axes]
        heights = [box.height * inches[1] for box in boxes]
        np.testing.assert_allclose(heights, np.array([28, 8]) * image_panels.CELL / 8)
        assert (boxes[1].y1 < boxes[0].y0) == bool(apart)
        assert (boxes[1].x0 > boxes[0].x1) != bool(apart)


def test_traversals_of_several_runs_take_several_rows(drawn: Callable[..., Figure]) -> None:
    figure = drawn(image_panels, draw_traversals, runs=2, columns=9)
    first, second, third, fourth = (axes.get_position() for axes in figure.axes)
    assert second.x0 > first.x1
    assert third.y1 < first.y0
    np.testing.assert_allclose([third.x0, fourth.x0], [first.x0, second.x0])
    shades = [axes.images[0].get_array()[0, 0].tolist() for axes in figure.axes]
    assert shades == [100] * 2 + [200] * 2
    assert figure.texts[0].get_text() == "dSprites, drawn; Cars3D"


def test_a_page_can_take_traversals_apart() -> None:
    svg = draw_traversals().svg
    text = ElementTree.fromstring(svg).findtext(".//{http://purl.org/dc/elements/1.1/}description")
    described = json.loads(text or "")["strips"]
    best, worst = described.values()
    assert best["title"] == "dsprites, best: latent 50, seed 1, beta 4, score 0.313"
    assert (best["side"], best["step"], best["columns"]) == (8, 10, 7)
    assert best["rows"] == {"0": "KL 2.00", "10": "KL 1.50", "20": "KL 0.13"}
    assert worst["rows"] == {"0": "KL 2.00"}
    for name in described:
        assert f'id="{name}"' in svg


def test_coloured_traversals_stay_coloured(drawn: Callable[..., Figure]) -> None:
    stored = strips(100, [1.0], columns=2, channels=3)
    stored.arrays["best"][:, :, 2] = 7
    figure = drawn(image_panels, lambda: figures.traversals({"cars3d": stored}, runs=RUNS))
    assert figure.axes[0].images[0].get_array()[0, 0].tolist() == [100, 100, 7]
