"""Figure 4 as a measurement: how much better a wide latent space tells attributes of the faces."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaentk.experiments.declaration import Runs
from vaentk.experiments.latents.discovery.figure_pictures import (
    discovery_found,
    discovery_gallery,
    extent,
)
from vaentk.figures.style import REFERENCE, Drawing, finish, number, styled

__all__ = ["discovery", "discovery_found", "discovery_gallery"]

PANELS = {"unit": "best single unit", "probe": "linear probe on the whole code"}
"""What the areas of each panel are of."""

DIFFERENCE = ("difference", "difference_low", "difference_high")
COLOUR, GREY, BAND = "#0072B2", "#BDBDBD", "#f5f5f5"
WIDTH, ROW, ENDS = 7.2, 0.17, 1.5  # inches across; down for a row, and for what is not a row
BAR = 5  # points, of the placebo's bar
HEADED = {"all": "all attributes, mean", "median": "median attribute"}


def discovery(
    compared: Mapping[str, pd.DataFrame], groups: Mapping[str, pd.DataFrame], *, runs: Runs
) -> Drawing:
    """Draw wide minus narrow, one row per group, then one row per attribute, the largest on top.

    A panel for the best single unit and one for the linear probe. A difference is filled where
    the intervals of all attributes together keep it from zero; a group's where its own does.
    """
    run, table = next(iter(compared.items()))
    of_groups = groups[run]
    size = of_groups.iloc[0]
    narrow, wide = (end(runs.settings[run].latent) for end in (min, max))
    rows = _rows(table, of_groups)
    names = list(dict.fromkeys(rows["name"]))
    headed = of_groups["group"].nunique()
    with styled():
        figure = Figure(figsize=(WIDTH, ROW * len(names) + ENDS), layout="constrained")
        panels = figure.subplots(1, len(PANELS), sharey=True, sharex=True)
        for axes, (quantity, heading) in zip(panels, PANELS.items(), strict=True):
            _differences(axes, rows[rows["quantity"] == quantity], names)
            axes.set_title(heading)
            axes.set_xlabel(f"ROC area, latent {wide} minus latent {narrow}")
        _frame(panels, names, headed)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
        title = extent(runs.data[run], size["images"], size["official"])
        figure.suptitle(f"{title}, {size['seeds']} seeds", fontsize=9.5)
        return finish(figure, _alt(rows, of_groups, title, (narrow, wide)))


def _rows(table: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """Put groups above attributes, these by the falling difference of the best unit."""
    own = groups.assign(name=groups["group"].replace(HEADED))
    own["better"] = "open"
    own.loc[own["difference_low"] > 0, "better"] = "wide"
    own.loc[own["difference_high"] < 0, "better"] = "narrow"
    units = table[table["quantity"] == "unit"]
    order = units.sort_values("difference", ascending=False, kind="stable")["attribute"]
    rest = table.set_index(["attribute", "quantity"]).loc[list(order)].reset_index()
    rest["name"] = rest["attribute"].str.replace("_", " ")
    columns = ["name", "quantity", *DIFFERENCE, "placebo", "better"]
    return pd.concat([own[columns], rest[columns]], ignore_index=True)


def _differences(axes: Axes, rows: pd.DataFrame, names: Sequence[str]) -> None:
    """Draw one panel: the placebo's bars, intervals and points."""
    down = rows["name"].map({name: place for place, name in enumerate(names)})
    label = "between two seeds of one size, root mean square"
    axes.hlines(down, -rows["placebo"], rows["placebo"], GREY, linewidth=BAR, label=label)
    axes.hlines(
        down,
        rows["difference_low"],
        rows["difference_high"],
        COLOUR,
        linewidth=1.0,
        label="95% interval",
    )
    sure = rows["better"] != "open"
    for chosen, face, meaning in ((sure, COLOUR, "not zero"), (~sure, "white", "open")):
        axes.plot(
            rows["difference"][chosen],
            down[chosen],
            "o",
            color=COLOUR,
            markerfacecolor=face,
            markersize=3.6,
            markeredgewidth=0.8,
            label=f"difference, {meaning} (all attributes together)",
        )
    axes.axvline(0, color=REFERENCE, linewidth=0.8, zorder=0)


def _frame(panels: Sequence[Axes], names: Sequence[str], headed: int) -> None:
    """Name the rows, shade every second and part the groups from the attributes."""
    for axes in panels:
        for row in range(1, len(names), 2):
            axes.axhspan(row - 0.5, row + 0.5, color=BAND, linewidth=0, zorder=-1)
        axes.axhline(headed - 0.5, color=REFERENCE, linewidth=0.6)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="x", top=True, labeltop=True)
        axes.tick_params(axis="y", length=0)
    panels[0].set_yticks(range(len(names)), names)


def _alt(rows: pd.DataFrame, groups: pd.DataFrame, title: str, latents: tuple[int, int]) -> str:
    narrow, wide = latents
    said = []
    for quantity, heading in PANELS.items():
        own = groups[groups["quantity"] == quantity]
        each = ", ".join(
            f"{group} {value} [{low}, {high}]"
            for group, value, low, high in zip(
                own["group"], *(own[name].map(number) for name in DIFFERENCE), strict=True
            )
        )
        attributes = rows[rows["quantity"] == quantity].iloc[len(own) :]
        count = {size: int((attributes["better"] == size).sum()) for size in ("wide", "narrow")}
        said.append(
            f"{heading.capitalize()}: {each}; of {len(attributes)} attributes {count['wide']} "
            f"better at latent {wide} and {count['narrow']} at latent {narrow}."
        )
    return (
        f"{title}: ROC area on test faces at latent {wide} minus that at latent {narrow}, a row a "
        "group or an attribute, with 95% intervals over networks and faces, above a grey bar of "
        f"the difference between two seeds of one size. {' '.join(said)}"
    )
