"""Figures of W4's sensitivity and of X1 to X3: lines where the measures say, words with numbers."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from vaentk.experiments.declaration import Runs
from vaentk.experiments.ntk.activations import figures as activations
from vaentk.experiments.ntk.frozen_sigma import figures as frozen_sigma
from vaentk.experiments.ntk.least_width import LeastWidth
from vaentk.experiments.ntk.least_width import figures as least_width
from vaentk.experiments.ntk.sensitivity import figures as sensitivity
from vaentk.figures.style import Drawing, log_ticks

POWERS = {"enc": (-0.5, -0.52), "hid": (-1.0, -0.97), "mu": (-1.0, -0.9), "dec": (-0.5, -0.41)}
TIMES = np.array([0.0, 1.0, 2.0, 4.0])


def of_mnist(names: list[str], settings: Any = None) -> Runs:
    return Runs(dict.fromkeys(names, settings), dict.fromkeys(names, "MNIST"))


def slopes(spread: float = 0.03) -> pd.DataFrame:
    rows = []
    for variant, shift in (("base", 0.0), ("beta-0.1", 0.07), ("deterministic", -0.11)):
        fitted = POWERS if variant == "deterministic" else POWERS | {"sigma": (np.nan, -1.7)}
        for layer, (claimed, base) in fitted.items():
            slope = base + shift * (layer == "dec")
            rows.append(
                {"variant": variant, "layer": layer, "claimed": claimed, "slope": slope}
                | {"low": slope - spread, "high": slope + spread, "difference": slope - base}
                | {"largest_change": 0.002, "narrow_change": 0.031, "width_max": 256}
            )
    return pd.DataFrame(rows)


def draw_sensitivity(runs: int = 1, spread: float = 0.03) -> Drawing:
    names = [f"run-{index}" for index in range(runs)]
    tables, data = dict.fromkeys(names, slopes(spread)), dict.fromkeys(names, "MNIST")
    return sensitivity.sensitivity(tables, runs=Runs({}, data))


def draw_sensitivity_without_intervals() -> Drawing:
    table = slopes(np.nan)
    still = table[table["layer"] != "sigma"]
    runs = Runs({}, {"one": "MNIST"})
    return sensitivity.sensitivity({"one": still}, runs=runs)


def curves(variants: tuple[str, ...], widths: tuple[int, ...] = (64, 256)) -> pd.DataFrame:
    rows = [
        pd.DataFrame({"variant": variant, "width": m, "seed": s, "time": TIMES}).assign(
            loss=(8 + 2 * s) * np.exp(-TIMES / (1 + index)), flow_loss=9 * np.exp(-TIMES)
        )
        for index, variant in enumerate(variants)
        for m in widths
        for s in (0, 1)
    ]
    return pd.concat(rows, ignore_index=True)


KERNELS = {"erf": (0.25, True), "relu": (0.0625, False), "leaky_relu": (0.125, False)}


def draw_activations(runs: int = 1) -> Drawing:
    rows = [
        {"activation": name, "width": m, "seed": s, "lambda_0": least, "lambda_max": 16.0}
        | {"meets_assumptions": meets, "rate_flow": least, "rate": least * (1.1 if s else 0.8)}
        for name, (least, meets) in KERNELS.items()
        for m in (64, 256)
        for s in (0, 1)
    ]
    names = [f"run-{index}" for index in range(runs)]
    agreement = pd.DataFrame({"rank_correlation": [0.875]})
    return activations.activations(
        dict.fromkeys(names, curves(tuple(KERNELS))),
        dict.fromkeys(names, pd.DataFrame(rows)),
        dict.fromkeys(names, agreement),
        runs=of_mnist(names),
    )


def draw_frozen_sigma(runs: int = 1, widths: tuple[int, ...] = (64, 256)) -> Drawing:
    table = pd.DataFrame([{"width": m, "seed": s} for m in widths for s in (0, 1)])
    table = table.assign(difference=0.128 / table["width"], distance=0.8 * table["width"] ** -0.5)
    table = table.assign(ratio=table["difference"] / table["distance"])
    names = [f"run-{index}" for index in range(runs)]
    return frozen_sigma.frozen_sigma(
        dict.fromkeys(names, curves(("trained", "frozen"), widths)),
        dict.fromkeys(names, table),
        runs=of_mnist(names),
    )


def draw_least_width(runs: int = 1, sigmas: tuple[float, ...] = (0.25, 0.5)) -> Drawing:
    """Least widths 4 n^2 for the first sigma0 at d = 49, twice that for the second and d = 196.

    The largest are extrapolated.
    """
    cases = [
        {"samples": n, "outputs": d, "sigma0": sigma0}
        | {"least": 4.0 * n**2 * (1 + (sigma0 > sigmas[0])) * (1 + (d > 49))}
        for sigma0 in sigmas
        for n in (4, 8)
        for d in (49, 196)
    ]
    rows = [
        {**case, "width": m, "seed": s, "flow_distance": 0.2 * (m / case["least"]) ** -0.5}
        for case in cases
        for m in (64, 256)
        for s in (0, 1)
    ]
    least = pd.DataFrame(cases).rename(columns={"least": "least_width"})
    least = least.assign(
        extrapolated=least["least_width"] > 256,
        least_width_low=least["least_width"] / 2,
        least_width_high=least["least_width"] * 2,
        width_printed=1e12 * least["samples"] ** 3.0,
        over_printed=np.where(least["outputs"] > 49, 21.2, 17.9),
    )
    powers = pd.DataFrame({"power": ["samples"], "held": ["outputs, sigma0"]})
    powers = powers.assign(claimed=13.0, slope=2.0)
    names = [f"run-{index}" for index in range(runs)]
    return least_width.least_width(
        dict.fromkeys(names, pd.DataFrame(rows)),
        dict.fromkeys(names, least),
        dict.fromkeys(names, powers),
        runs=of_mnist(names, LeastWidth(widths=(64, 256), tolerance=0.2)),
    )


DRAWINGS: dict[str, tuple[Callable[..., Drawing], list[str]]] = {
    "sensitivity": (
        draw_sensitivity,
        [
            "encoder −0.52, decoder −0.41",
            "difference from them is −0.11, of the decoder for deterministic",
            "by 0.031 of its size at the least width",
        ],
    ),
    "sensitivity without intervals": (
        draw_sensitivity_without_intervals,
        ["W_sigma does not move"],
    ),
    "activations": (
        draw_activations,
        [
            "from 0.0625 for relu to 0.25 for erf",
            "outside Assumption 4.1: relu, leaky_relu;",
            "at m = 256 a network's late rate differs from the kernel flow's by at most 5%",
            "rank correlation 0.875",
        ],
    ),
    "frozen_sigma": (
        draw_frozen_sigma,
        ["from 0.002 to 0.0005", "from 0.1 to 0.05", "ratio is at most 0.02"],
    ),
    "least_width": (
        draw_least_width,
        [
            "for a distance of 0.2 lies between 64 and 1.02e+03 (3 of 8 extrapolated",
            "widths 64 to 256), 18 to 21 orders of magnitude below",
            "2 of n with outputs, sigma0 fixed (theorem 13)",
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


@pytest.mark.parametrize(
    "draw", [draw_sensitivity, draw_activations, draw_frozen_sigma, draw_least_width]
)
def test_every_run_has_its_own_words_and_panels(draw: Callable[..., Drawing]) -> None:
    def height(drawing: Drawing) -> float:
        return float(ElementTree.fromstring(drawing.svg).attrib["height"].removesuffix("pt"))

    four = draw(runs=4)
    assert all(f"Run run-{index}" in four.alt for index in range(4))
    assert height(four) == pytest.approx(4 * height(draw()), rel=0.05)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Figure]:
    """Return the figure itself, before it is saved."""

    def draw(module: ModuleType, drawing: Callable[..., Any], **options: Any) -> Figure:
        monkeypatch.setattr(module, "finish", lambda figure, alt: figure)
        return drawing(**options)

    return draw


def line(figure: Figure, panel: int, label: str) -> np.ndarray:
    """Points (x, y) of the one line of a panel whose label begins so."""
    (found,) = (
        known
        for known in figure.axes[panel].get_lines()
        if str(known.get_label()).startswith(label)
    )
    return np.column_stack(found.get_data())


def test_slopes_stand_in_the_row_of_their_variant(drawn: Callable[..., Figure]) -> None:
    figure = drawn(sensitivity, draw_sensitivity)
    rows = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert rows == ["base", r"$\beta$ = 0.1", "deterministic"]
    decoder = line(figure, 0, "decoder")
    np.testing.assert_allclose(decoder[:, 0], [-0.41, -0.34, -0.52])
    np.testing.assert_array_equal(np.round(decoder[:, 1]), [0, 1, 2])
    np.testing.assert_allclose(line(figure, 1, "latent mean")[:, 0], -0.9)
    dotted = [known for known in figure.axes[1].get_lines() if known.get_linestyle() == ":"]
    assert [known.get_xdata()[0] for known in dotted] == [-1.0]
    assert line(figure, 2, "$m$ = 256").tolist() == [[0.002, 0], [0.002, 1]]
    assert line(figure, 2, "least").tolist() == [[0.031, 0], [0.031, 1]]
    assert [text.get_text() for text in figure.axes[2].texts] == ["does not move"]


def test_an_interval_that_is_too_long_does_not_squeeze_the_panel(
    drawn: Callable[..., Figure],
) -> None:
    low, high = drawn(sensitivity, draw_sensitivity, spread=40.0).axes[0].get_xlim()
    assert -0.8 < low < -0.52
    assert -0.34 < high < -0.1


def test_activations_outside_the_assumption_are_hollow_and_losses_start_at_one(
    drawn: Callable[..., Figure],
) -> None:
    figure = drawn(activations, draw_activations)
    least, condition, loss, rate = figure.axes
    names = [text.get_text() for text in least.get_yticklabels()]
    assert names == ["relu", "leaky relu", "erf"]
    hollow = [known.get_markerfacecolor() == "white" for known in least.get_lines()]
    assert hollow == [True, True, False]
    assert [known.get_xdata()[0] for known in condition.get_lines()] == [256.0, 128.0, 64.0]
    solid = [known for known in loss.get_lines() if known.get_linestyle() == "-"]
    np.testing.assert_allclose(solid[0].get_ydata(), np.exp(-TIMES[1:]))
    means = [known.get_xydata()[0] for known in rate.get_lines() if known.get_marker() == "o"]
    np.testing.assert_allclose(means[0], [0.25, 0.25 * 0.95])


def test_difference_and_distance_have_their_powers_beside_them(
    drawn: Callable[..., Figure],
) -> None:
    figure = drawn(frozen_sigma, draw_frozen_sigma)
    np.testing.assert_allclose(line(figure, 1, "difference"), [[64, 0.002], [256, 0.0005]])
    np.testing.assert_allclose(line(figure, 1, "distance"), [[64, 0.1], [256, 0.05]])
    drawn_powers = {
        known.get_linestyle(): known.get_ydata()
        for known in figure.axes[1].get_lines()
        if known.get_linestyle() in (":", "-.") and len(known.get_xdata())
    }
    np.testing.assert_allclose(drawn_powers[":"], [0.1, 0.05])
    np.testing.assert_allclose(drawn_powers["-."], [0.002, 0.0005])
    np.testing.assert_allclose(figure.axes[0].get_lines()[0].get_ydata(), 9 * np.exp(-TIMES[1:]))


def test_least_widths_have_intervals_and_the_theorem_starts_at_the_first(
    drawn: Callable[..., Figure],
) -> None:
    figure = drawn(least_width, draw_least_width)
    left, right = figure.axes
    assert "0.5" in left.get_title(), "the middle sigma0"
    points = {
        (known.get_xdata()[0], known.get_ydata()[0]): known.get_markerfacecolor() == "white"
        for known in right.get_lines()
        if len(known.get_xdata()) == 1
    }
    assert points == {
        **{(4, 64): False, (4, 128): False, (4, 256): False},
        **{(8, 256): False, (8, 512): True, (8, 1024): True},
    }
    (dotted,) = [known for known in right.get_lines() if known.get_linestyle() == ":"]
    np.testing.assert_allclose(dotted.get_xydata(), [[4, 64], [8, 64 * 2**3]])
    intervals = [line for lines in right.collections for line in lines.get_segments()]
    assert sorted(low for (_, low), _ in intervals)[0] == 32
    (tolerance,) = [known for known in left.get_lines() if known.get_linestyle() == ":"]
    np.testing.assert_allclose(tolerance.get_ydata(), 0.2)
    means = [known.get_xydata() for known in left.get_lines() if known.get_linestyle() == "-"]
    np.testing.assert_allclose(means[0], [[64, 0.2 * 2**0.5], [256, 0.2 / 2**0.5]])
    ratio = right.get_position().width / left.get_position().width
    assert ratio > 1.3, "the least widths are the larger panel"


def test_one_sigma0_is_its_own_middle(drawn: Callable[..., Figure]) -> None:
    figure = drawn(least_width, draw_least_width, sigmas=(0.75,))
    assert len(figure.axes) == 2
    assert "0.75" in figure.axes[0].get_title()


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0.06, 0.3, [0.1, 0.2, 0.3]),
        (0.9e-3, 4e-2, [1e-3, 3e-3, 1e-2, 3e-2]),
        (0.5, 2e4, [1, 10, 100, 1000, 1e4]),
    ],
)
def test_ticks_of_a_logarithmic_axis_are_few_and_never_none(
    low: float, high: float, shown: list[float]
) -> None:
    axes = Figure().subplots()
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    log_ticks(axes.yaxis, low, high)
    inside = [tick for tick in axes.get_yticks() if low <= tick <= high * (1 + 1e-9)]
    np.testing.assert_allclose(inside, shown)
    assert all(axes.yaxis.get_major_formatter().format_ticks(inside))
    assert len(axes.get_yticks(minor=True)) == 0
