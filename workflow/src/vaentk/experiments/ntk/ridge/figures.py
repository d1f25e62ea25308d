"""Theorem 2: how far the trained networks are from the three ridges, and along their training."""

from math import ceil
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from vaentk.experiments.declaration import Runs, Tables
from vaentk.experiments.ntk.ridge.digits import ridge_pictures
from vaentk.figures import style
from vaentk.figures.style import REFERENCE, Drawing, finish, number, styled

__all__ = ["ridge", "ridge_pictures"]

READINGS = {
    "beta": (r"$\beta$ (as printed)", "#D55E00", "s"),
    "n beta": (r"$n \beta$", "#0072B2", "o"),
    "2 n beta": (r"$2 n \beta$", "#009E73", "^"),
}
"""Label, colour and marker of a ridge."""

CASES = {
    r"standard, with $f_0$": ("standard", True),
    r"antisymmetric, $f_0 = 0$": ("antisymmetric", True),
}
"""Initialisation, and whether f_0 is in the prediction, by the title of a panel."""

LINES: dict[str, Literal["-", "--"]] = {"standard": "-", "antisymmetric": "--"}
PATH = "path of the training"
SHIFT = 1.04
"""Factor between the places of two intervals at one width, so that both are seen."""

HEIGHT = 1.75
"""Inches of a row of panels: three of them fit a sheet of paper with their lettering unshrunk."""

MARGIN = 1.3
"""How far the axis of a row of panels reaches beyond its data, as a factor."""


def ridge(errors: Tables, summaries: Tables, paths: Tables, *, runs: Runs) -> Drawing:
    """Draw three panels per run and beta: two cases against the width, and the path in time.

    Runs on principal components alone, where there are any: they can tell the ridges apart.
    """
    reduced = [run for run, settings in runs.settings.items() if settings.inputs.components]
    errors, summaries, paths = (
        {run: tables[run] for run in reduced or tables} for tables in (errors, summaries, paths)
    )
    counts = [table["beta"].nunique() for table in errors.values()]
    with styled():
        size = (style.PANEL[0] * 3, HEIGHT * sum(counts) + 0.8 * len(counts))
        figure = Figure(figsize=size, layout="constrained")
        parts = figure.subfigures(len(counts), 1, height_ratios=counts, squeeze=False)
        for (part,), run in zip(parts, errors, strict=True):
            part.suptitle(f"{runs.data[run]}, {run}", fontsize=9.5)
            _run(part, errors[run], summaries[run], paths[run])
        return finish(figure, _alt(summaries, paths))


def _run(part: SubFigure, errors: pd.DataFrame, summary: pd.DataFrame, path: pd.DataFrame) -> None:
    betas = sorted(errors["beta"].unique())
    rows = part.subplots(len(betas), len(CASES) + 1, squeeze=False)
    for row, beta in zip(rows, betas, strict=True):
        shown = errors[errors["beta"] == beta]
        for axes, (initial, with_initial) in zip(row, CASES.values(), strict=False):
            case = _case(shown, initial, with_initial)
            _error_panel(axes, case)
            _intervals(axes, _case(summary[summary["beta"] == beta], initial, with_initial))
        drawn = shown[shown["with_initial"]]["error"]
        low, high = drawn.min() / MARGIN, drawn.max() * MARGIN
        for axes in row[: len(CASES)]:
            axes.set_ylim(low, high)
        _path_panel(row[-1], path[path["beta"] == beta])
        row[0].set_ylabel(rf"$\beta$ = {beta:g}: relative error")
        row[-1].set_ylabel("relative distance")
    for axes, title in zip(rows[0], (*CASES, PATH), strict=True):
        axes.set_title(title)
    for axes in rows[:-1].ravel():
        axes.set_xlabel("")
    _legend(part, rows[0][0], sorted(errors["width"].unique()))


def _case(table: pd.DataFrame, initial: str, with_initial: bool) -> pd.DataFrame:
    return table[(table["initial"] == initial) & (table["with_initial"] == with_initial)]


def _error_panel(axes: Axes, table: pd.DataFrame) -> None:
    for reading, look in READINGS.items():
        power = -0.5 if reading == "n beta" else None
        style.against_width(axes, table[table["reading"] == reading], "error", look, power)


def _intervals(axes: Axes, summary: pd.DataFrame) -> None:
    """Draw the intervals of the means side by side; one wider than the panel is cut by it."""
    for place, (reading, (_, colour, _)) in enumerate(READINGS.items(), start=-1):
        of_reading = summary[summary["reading"] == reading]
        low, high = of_reading["error_low"].clip(lower=1e-12), of_reading["error_high"]
        across = of_reading["width"] * SHIFT**place
        axes.vlines(across, low, high, color=colour, linewidth=0.8, alpha=0.35)


def _path_panel(axes: Axes, path: pd.DataFrame) -> None:
    later = path[path["time"] > 0]
    for width, colour in style.width_colours(sorted(later["width"].unique())).items():
        for initial, line in LINES.items():
            part = later[(later["width"] == width) & (later["initial"] == initial)]
            means = part.groupby("time", as_index=False)["distance"].mean()
            axes.plot(means["time"], means["distance"], line, color=colour, linewidth=1.0)
    axes.set(xscale="log", yscale="log", xlabel="time $t$")
    style.plain_ticks(axes)
    style.log_ticks(axes.xaxis, later["time"].min(), later["time"].max())


def _legend(part: SubFigure, axes: Axes, widths: list[int]) -> None:
    handles, labels = axes.get_legend_handles_labels()
    looks: dict[str, tuple[Literal["-", "--", ":"], str]] = {r"$m^{-1/2}$": (":", REFERENCE)}
    looks |= {f"path, {initial}": (line, REFERENCE) for initial, line in LINES.items()}
    colours = style.width_colours(widths)
    looks |= {f"path, $m$ = {width}": ("-", colour) for width, colour in colours.items()}
    handles += [Line2D([], [], linestyle=line, color=colour) for line, colour in looks.values()]
    columns = ceil(len(handles) / 2)
    part.legend(handles, [*labels, *looks], loc="outside lower center", ncols=columns)


def _alt(summaries: Tables, paths: Tables) -> str:
    parts = []
    for run, summary in summaries.items():
        for beta, of_beta in summary.groupby("beta"):
            parts.append(f"Run {run}, beta = {beta:g}: {_alt_beta(of_beta)}")
        path = paths[run]
        widest = path[path["width"] == path["width"].max()]
        parts.append(
            f"run {run}, along training at m = {path['width'].max()}: largest distance "
            f"{number(widest['distance'].max())}"
        )
    return (
        "Three panels per run and beta: the error of ridge regression with ridge beta, n beta and "
        "2 n beta against the trained network, by width, for the standard initialisation with f_0 "
        "and for the antisymmetric one; and the distance to the "
        f"linearised flow against time. {'; '.join(parts)}."
    )


def _alt_beta(summary: pd.DataFrame) -> str:
    said = []
    for title, (initial, with_initial) in CASES.items():
        table = _case(summary, initial, with_initial)
        last = table[table["width"] == table["width"].max()].set_index("reading")
        gaps = ", ".join(f"{reading} {number(last['error'][reading])}" for reading in READINGS)
        name = title.replace("$", "")
        said.append(f"{name} at m = {table['width'].max()}: {gaps}")
    return ", ".join(said)
