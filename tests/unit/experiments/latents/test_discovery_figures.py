"""How much better the wide size tells attributes: rows in order, filled where sure, true words."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from vaentk.experiments.declaration import Runs
from vaentk.experiments.latents.discovery import Discovery, figures
from vaentk.figures.style import Drawing

UNIT = {"Bald": 0.125, "Mouth_Slightly_Open": 0.5, "Pale_Skin": -0.25}
PROBE = {"Bald": 0.25, "Mouth_Slightly_Open": 0.375, "Pale_Skin": 0.0625}
GROUPS = {"emotion": 0.5, "eyes": np.nan, "hair": 0.125, "all": 0.0625, "median": 0.125}
HEADED = ["emotion", "eyes", "hair", "all attributes, mean", "median attribute"]


def table(unit: dict[str, float] | None = None) -> pd.DataFrame:
    """Intervals of 0.1875 to both sides, which say that unless it leaves out zero."""
    rows = [
        {"quantity": quantity, "attribute": name, "difference": value, "placebo": 0.0625}
        | {"difference_low": value - 0.1875, "difference_high": value + 0.1875}
        | {"better": "open" if abs(value) < 0.1875 else "wide" if value > 0 else "narrow"}
        for quantity, values in (("unit", unit or UNIT), ("probe", PROBE), ("random", PROBE))
        for name, value in values.items()
    ]
    return pd.DataFrame(rows)


def draw(measured: pd.DataFrame, images: int = 5_000) -> Drawing:
    rows = [
        {"quantity": quantity, "group": group, "difference": value, "placebo": 0.0625}
        | {"difference_low": value - 0.1875, "difference_high": value + 0.1875}
        for quantity in ("unit", "probe", "random")
        for group, value in GROUPS.items()
    ]
    groups = pd.DataFrame(rows).assign(seeds=5, images=images, official=5_000)
    runs = Runs({"faces": Discovery()}, {"faces": "faces, stand-in"})
    return figures.discovery({"faces": measured}, {"faces": groups}, runs=runs)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[[pd.DataFrame], Figure]:
    """Return the figure itself, before it is saved."""

    def unsaved(measured: pd.DataFrame) -> Figure:
        monkeypatch.setattr(figures, "finish", lambda figure, alt: figure)
        drawing: Callable[..., Any] = draw
        figure: Figure = drawing(measured)
        return figure

    return unsaved


def points(axes: Axes, face: str) -> list[tuple[float, float]]:
    """Row and difference of the points that are filled so."""
    found = [
        (float(down), float(across))
        for line in axes.get_lines()
        if line.get_marker() == "o" and line.get_markerfacecolor() == face
        for across, down in np.column_stack(line.get_data()).tolist()
    ]
    return sorted(pair for pair in found if np.isfinite(pair[1]))


def names(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_yticklabels()]


def test_the_figure_is_svg_with_words_and_stable_bytes() -> None:
    drawing = draw(table())
    assert ElementTree.fromstring(drawing.svg).tag.endswith("svg")
    assert drawing.alt.startswith(
        "faces, stand-in: ROC area on test faces at latent 256 minus that at latent 10"
    )
    assert "Best single unit: emotion 0.5 [0.312, 0.688]" in drawing.alt
    assert "of 3 attributes 1 better at latent 256 and 1 at latent 10. Linear" in drawing.alt
    assert drawing.alt.endswith("of 3 attributes 2 better at latent 256 and 0 at latent 10.")
    assert draw(table()) == drawing


def test_the_title_says_how_many_of_the_official_images_there_were() -> None:
    assert draw(table(), 2_000).alt.startswith("faces, stand-in: 2,000 of 5,000 images: ROC area")


def test_groups_stand_above_attributes_by_the_units_falling_difference(
    drawn: Callable[[pd.DataFrame], Figure],
) -> None:
    figure = drawn(table().sample(frac=1, random_state=0))
    assert names(figure) == [*HEADED, "Mouth Slightly Open", "Bald", "Pale Skin"]
    assert figure.axes[0].get_ylim() == (7.5, -0.5)
    assert [axes.get_title() for axes in figure.axes] == list(figures.PANELS.values())


def test_a_point_is_filled_where_its_difference_is_sure(
    drawn: Callable[[pd.DataFrame], Figure],
) -> None:
    unit, probe = drawn(table()).axes
    assert points(unit, figures.COLOUR) == [(0, 0.5), (5, 0.5), (7, -0.25)]
    assert points(unit, "white") == [(2, 0.125), (3, 0.0625), (4, 0.125), (6, 0.125)]
    assert points(probe, figures.COLOUR)[1:] == [(5, 0.375), (6, 0.25)]
    assert points(probe, "white")[-1] == (7, 0.0625)


def test_bars_are_the_placebo_around_zero_and_the_interval_around_its_point(
    drawn: Callable[[pd.DataFrame], Figure],
) -> None:
    axes = drawn(table()).axes[0]
    placebo, interval = (part for part in axes.collections if isinstance(part, LineCollection))
    assert [bar[:, 0].tolist() for bar in placebo.get_segments()] == [[-0.0625, 0.0625]] * 8
    ends = {bar[0, 1]: bar[:, 0].tolist() for bar in interval.get_segments() if len(bar)}
    assert ends[5] == [0.3125, 0.6875]
    assert ends[7] == [-0.4375, -0.0625]


def test_what_was_not_measured_is_an_empty_row_at_the_bottom(
    drawn: Callable[[pd.DataFrame], Figure],
) -> None:
    measured = table()
    missing = measured["attribute"] == "Bald"
    own = ["difference", "difference_low", "difference_high", "placebo"]
    measured.loc[missing, own] = np.nan
    measured.loc[missing, "better"] = "open"
    figure = drawn(measured)
    assert names(figure)[-1] == "Bald"
    assert np.isfinite(figure.axes[0].get_xlim()).all()


def test_forty_names_and_the_legend_overlap_nothing(
    drawn: Callable[[pd.DataFrame], Figure],
) -> None:
    forty = {f"Mouth_Slightly_Open_{number}": number / 100 for number in range(40)}
    measured = table(forty)
    probes = measured[measured["quantity"] == "unit"].assign(quantity="probe")
    figure = drawn(pd.concat([measured[measured["quantity"] == "unit"], probes]))
    figure.draw_without_rendering()
    axes, whole = figure.axes[0], figure.bbox
    boxes = [text.get_window_extent() for text in axes.get_yticklabels()]
    assert len(boxes) == 45
    assert all(upper.y0 > lower.y1 for upper, lower in pairwise(boxes))
    assert min(box.x0 for box in boxes) >= 0
    legend = figure.legends[0].get_window_extent()
    assert whole.x0 <= legend.x0
    assert legend.x1 <= whole.x1
    assert legend.y1 < axes.xaxis.label.get_window_extent().y0
    assert len(figure.legends[0].get_texts()) == 4
