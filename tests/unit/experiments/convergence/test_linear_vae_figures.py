"""S1's figures: lines where the measures say, fitted powers in words, several runs, gaps."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from vaentk.experiments.convergence.linear_vae import figures, level_figures, noise_figures
from vaentk.experiments.declaration import Runs
from vaentk.figures.style import Drawing

N = np.array([1, 3, 10, 32, 100, 316, 1000])
ESTIMATORS = ("pathwise", "score-leave-one-out")
LABEL = "Gaussian data (drawn), d = 5, N = 500"


def runs_of(names: list[str]) -> Runs:
    return Runs({}, dict.fromkeys(names, LABEL))


def curves(optimisers: tuple[str, ...] = ("sgd", "adam")) -> pd.DataFrame:
    """Powers -0.7 under decaying steps; constant ones stop at a tenth."""
    parts = []
    for optimiser in optimisers:
        for name in ESTIMATORS:
            for role in ("rate", "constant", "noise-limited"):
                if role != "rate" and name != "pathwise":
                    continue
                mean = N**-0.7 if role == "rate" else np.maximum(N**-1.0, 0.1)
                part = pd.DataFrame({"step": N, "mean_gradient": mean, "gradient": mean / 2})
                part = part.assign(gap=mean / 4, since=mean, claimed=np.log(N) / np.sqrt(N))
                for column in ("mean_gradient", "gap", "since"):
                    part[f"{column}_low"] = 0.9 * part[column]
                    part[f"{column}_high"] = 1.1 * part[column]
                parts.append(part.assign(optimiser=optimiser, estimator=name, role=role))
    return pd.concat(parts, ignore_index=True)


def slopes(optimisers: tuple[str, ...] = ("sgd", "adam")) -> pd.DataFrame:
    rows = [
        {"optimiser": optimiser, "estimator": name, "role": "rate", "quantity": quantity}
        | {"slope": slope, "low": slope - 0.02, "high": slope + 0.02, "step_min": 100}
        for optimiser in optimisers
        for name in ESTIMATORS
        for quantity, slope in (("mean_gradient", -0.7), ("ratio", -0.33))
    ]
    return pd.DataFrame(rows)


def draw_rates(optimisers: tuple[str, ...] = ("sgd", "adam"), runs: int = 1) -> Drawing:
    names = [f"run-{index}" for index in range(runs)]
    return figures.linear_vae(
        dict.fromkeys(names, curves(optimisers)),
        dict.fromkeys(names, slopes(optimisers)),
        runs=runs_of(names),
    )


def noise() -> tuple[pd.DataFrame, pd.DataFrame]:
    rows, fits = [], []
    for place in ("start", "optimum"):
        for name in ESTIMATORS:
            for factor, slope in (("batch", -1.0), ("samples", -0.25)):
                fits.append({"place": place, "estimator": name, "factor": factor, "slope": slope})
            for batch in (1, 4, 16):
                for samples in (1, 4, 16):
                    if samples == 1 and name != "pathwise":
                        continue
                    value = 100 / batch * samples**-0.25
                    known = {"place": place, "estimator": name, "batch": batch}
                    known |= {"samples": samples, "variance": value}
                    rows.append(known | {"low": 0.9 * value, "high": 1.1 * value})
    return pd.DataFrame(rows), pd.DataFrame(fits)


def draw_noise(optimisers: tuple[str, ...] = ("sgd", "adam"), runs: int = 1) -> Drawing:
    names = [f"run-{index}" for index in range(runs)]
    table, fits = noise()
    given = (table, fits, curves(optimisers))
    return figures.linear_vae_noise(
        *(dict.fromkeys(names, frame) for frame in given), runs=runs_of(names)
    )


def betas() -> tuple[pd.DataFrame, pd.DataFrame]:
    parts, rows = [], []
    for optimiser in ("sgd", "adam"):
        for beta, units in ((0.5, 2), (2.0, 1)):
            value = np.concatenate([[1.0], N ** (-0.5 * beta)])
            part = pd.DataFrame({"step": np.concatenate([[0], N]), "gap": value})
            part = part.assign(gradient=value**2, gap_low=0.9 * value, gap_high=1.1 * value)
            part = part.assign(gradient_low=-value, gradient_high=1.2 * value**2)
            parts.append(part.assign(optimiser=optimiser, beta=beta))
            for quantity in (*level_figures.TIMES, level_figures.RAW):
                never = quantity == "time_gap" and beta == 0.5
                time = np.nan if never else 20.0 / beta
                known = {"optimiser": optimiser, "beta": beta, "units": units}
                known |= {"quantity": quantity, "value": time}
                known |= {"regime": "all" if units == 2 else "some"}
                rows.append(known | {"low": time - 1, "high": time + 1})
    return pd.concat(parts, ignore_index=True), pd.DataFrame(rows)


def draw_betas(runs: int = 1) -> Drawing:
    names = [f"run-{index}" for index in range(runs)]
    table, times = betas()
    return figures.linear_vae_betas(
        dict.fromkeys(names, table), dict.fromkeys(names, times), runs=runs_of(names)
    )


def draw_limit(runs: int = 1) -> Drawing:
    names = [f"run-{index}" for index in range(runs)]
    local = pd.DataFrame(
        [
            {"optimiser": optimiser, "role": role, "step_min": 100, "step_max": 316}
            | {"slope": slope, "low": slope - 0.1, "high": slope + 0.1}
            for optimiser in ("sgd", "adam")
            for role, slope in (("rate", -1.1), ("noise-limited", -0.5))
        ]
    )
    return figures.linear_vae_limit(
        dict.fromkeys(names, curves()), dict.fromkeys(names, local), runs=runs_of(names)
    )


def draw_smoothness(runs: int = 1) -> Drawing:
    names = [f"run-{index}" for index in range(runs)]
    table = pd.DataFrame(
        [
            {"radius": radius, "beta": beta, "units": units, "regime": regime}
            | {"curvature": 10 * beta * radius, "curvature_low": 9 * beta * radius}
            | {"curvature_high": 11 * beta * radius}
            for radius in (1.0, 3.0)
            for beta, units, regime in ((0.5, 2, "all"), (2.0, 1, "some"))
        ]
    )
    return figures.linear_vae_smoothness(
        dict.fromkeys(names, table), dict.fromkeys(names, betas()[1]), runs=runs_of(names)
    )


def draw_codes(runs: int = 1) -> Drawing:
    names = [f"run-{index}" for index in range(runs)]
    parts, rows = [], []
    for optimiser in ("sgd", "adam"):
        for samples in (1, 4):
            part = pd.DataFrame({"step": N, "gap": N**-0.5, "likelihood_gap": N**-0.6})
            for column in ("gap", "likelihood_gap"):
                part[f"{column}_low"] = 0.9 * part[column]
                part[f"{column}_high"] = 1.1 * part[column]
            parts.append(part.assign(optimiser=optimiser, samples=samples))
            for quantity in level_figures.CODES:
                known = {"optimiser": optimiser, "samples": samples, "quantity": quantity}
                rows.append(known | {"value": 9.0, "low": 8.0, "high": 10.0})
    given = pd.concat(parts, ignore_index=True), pd.DataFrame(rows)
    return figures.linear_vae_codes(
        *(dict.fromkeys(names, frame) for frame in given), runs=runs_of(names)
    )


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Figure]:
    """The figure of a drawing function, caught on its way to SVG."""

    def catch(draw: Callable[..., Drawing], **options: object) -> Figure:
        caught: list[Figure] = []
        real = figures.finish
        for module in (figures, noise_figures, level_figures):
            monkeypatch.setattr(
                module, "finish", lambda figure, alt: (caught.append(figure), real(figure, alt))[1]
            )
        draw(**options)
        return caught[0]

    return catch


DRAWINGS = (draw_rates, draw_limit, draw_noise, draw_betas, draw_smoothness, draw_codes)


@pytest.mark.parametrize("draw", DRAWINGS)
@pytest.mark.parametrize("runs", [1, 2])
def test_figures_are_svg_with_the_same_bytes_twice(draw: Callable, runs: int) -> None:
    first = draw(runs=runs)
    assert ElementTree.fromstring(first.svg).tag.endswith("svg")
    assert draw(runs=runs) == first
    assert "nan" not in first.alt
    assert LABEL in first.alt


def test_rates_have_a_panel_each_with_the_claimed_rate_through_the_curve(
    drawn: Callable[..., Figure],
) -> None:
    figure = drawn(draw_rates)
    assert [axes.get_title() for axes in figure.axes] == [
        "SGD, pathwise",
        "SGD, score, leave-one-out",
        "Adam, pathwise",
        "Adam, score, leave-one-out",
    ]
    axes = figure.axes[0]
    lines = {line.get_linestyle(): line for line in axes.get_lines()[1:]}
    np.testing.assert_allclose(lines["-"].get_ydata(), N**-0.7)
    assert lines["--"].get_ydata()[-1] == pytest.approx(0.1)
    across, claimed = lines[":"].get_data()
    assert claimed[list(across).index(100)] == pytest.approx(100**-0.7)
    (words,) = axes.texts
    assert "−0.7 [−0.72, −0.68]" in words.get_text()
    assert "−0.33 [−0.35, −0.31]" in words.get_text()
    bottom = axes.transData.inverted().transform(axes.transAxes.transform((0, 0.16)))[1]
    assert min(line.get_ydata().min() for line in axes.get_lines()) > bottom


def test_an_estimator_that_was_not_trained_by_constant_steps_has_no_such_line(
    drawn: Callable[..., Figure],
) -> None:
    figure = drawn(draw_rates)
    (line,) = [line for line in figure.axes[1].get_lines() if line.get_linestyle() == "--"]
    assert len(line.get_ydata()) == 0


def test_one_optimiser_is_one_row() -> None:
    assert "Adam" not in draw_rates(("sgd",)).alt
    assert draw_noise(("sgd",)).svg


def test_noise_is_drawn_where_every_estimator_has_it(drawn: Callable[..., Figure]) -> None:
    figure = drawn(draw_noise)
    batch, samples, gap = figure.axes[:3]
    assert "K$ = 4" in batch.get_xlabel()
    assert "B$ = 1" in samples.get_xlabel()
    np.testing.assert_allclose(
        batch.get_lines()[0].get_ydata(), 100 / np.array([1, 4, 16]) / 2**0.5
    )
    assert len(samples.get_lines()[1].get_ydata()) == 2
    texts = [text.get_text() for text in samples.get_legend().get_texts()]
    assert texts == ["pathwise: −0.25", "score, leave-one-out: −0.25"]
    assert gap.get_title() == "gap to probabilistic PCA, SGD"


def test_betas_name_their_units_and_leave_out_what_was_not_reached(
    drawn: Callable[..., Figure],
) -> None:
    figure = drawn(draw_betas)
    times = figure.axes[2]
    assert [text.get_text() for text in times.get_xticklabels()] == ["0.5 (2)", "2 (1)"]
    gap, filled, hollow = times.get_lines()[:3]
    assert list(gap.get_xdata()) == [2.0]
    assert (len(filled.get_xdata()), list(hollow.get_xdata())) == (0, [2.0])
    assert hollow.get_markerfacecolor() == "white"
    assert 0 < figure.axes[1].get_ylim()[0] < 1000**-2 * 1.01
    assert "not reached at beta = 0.5" in draw_betas().alt


def test_the_limit_is_drawn_from_both_starts_with_the_power_through_the_end(
    drawn: Callable[..., Figure],
) -> None:
    curve, powers = drawn(draw_limit).axes[:2]
    labels = [line.get_label() for line in curve.get_lines()]
    assert labels[:2] == ["from a drawn start", "from the optimum"]
    np.testing.assert_allclose(curve.get_lines()[2].get_ydata(), 0.1 * (N / 1000) ** -0.5)
    assert [line.get_ydata()[0] for line in powers.get_lines()[:2]] == [-1.1, -0.5]


def test_smoothness_and_raw_gradient_have_a_line_each_over_all_betas(
    drawn: Callable[..., Figure],
) -> None:
    left, right = drawn(draw_smoothness).axes
    texts = [[t.get_text() for t in axes.get_legend().get_texts()] for axes in (left, right)]
    assert texts == [["parameters of norm 1", "parameters of norm 3"], ["SGD", "Adam"]]
    np.testing.assert_allclose(left.get_lines()[0].get_ydata(), [5, 20])
