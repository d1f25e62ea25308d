"""What single units tell: rows in order, filled where discovered, words with the counts."""

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

NARROW = {"Bald": 0.75, "Mouth_Slightly_Open": 0.5625, "Pale_Skin": 0.625}
WIDE = {"Bald": 0.875, "Mouth_Slightly_Open": 0.9375, "Pale_Skin": 0.65625}
THRESHOLD = 0.71875


def rows(latent: int, seed: int, aucs: dict[str, float]) -> list[dict[str, Any]]:
    """Rows whose AUC is 1/64 more for each seed, with intervals 1/32 to both sides."""
    made = []
    for attribute, base in aucs.items():
        auc = base + seed / 64
        low, null = auc - 1 / 32, 0.53125 + seed / 128 + latent / 2**14
        made.append(
            {"latent": latent, "seed": seed, "attribute": attribute, "unit": 3, "sign": 1}
            | {"auc": auc, "low": low, "high": auc + 1 / 32, "null": null}
            | {"probe": base + 1 / 16 + seed / 32, "probe_low": 0.5, "probe_high": 1.0}
            | {"positives": 9, "discovered": low > max(null, THRESHOLD)}
        )
    return made


def table(seeds: int = 2) -> pd.DataFrame:
    return pd.DataFrame(
        [row for seed in range(seeds) for row in rows(10, seed, NARROW) + rows(256, seed, WIDE)]
    )


def draw(measures: pd.DataFrame, images: int = 5_000) -> Drawing:
    counts = pd.DataFrame({"group": ["hair", "more"], "images": images, "official": 5_000})
    runs = Runs({"faces": Discovery(threshold=THRESHOLD)}, {"faces": "faces, stand-in"})
    return figures.discovery({"faces": measures}, {"faces": counts}, runs=runs)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[[pd.DataFrame], Figure]:
    """Return the figure itself, before it is saved."""

    def unsaved(measures: pd.DataFrame) -> Figure:
        monkeypatch.setattr(figures, "finish", lambda figure, alt: figure)
        drawing: Callable[..., Any] = draw
        figure: Figure = drawing(measures)
        return figure

    return unsaved


def points(axes: Axes, label: str) -> list[tuple[int, float]]:
    """Row and AUC of the points of the line whose label starts so."""
    line = next(line for line in axes.get_lines() if str(line.get_label()).startswith(label))
    across, down = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    return sorted((round(place), float(value)) for place, value in zip(down, across, strict=True))


def test_the_figure_is_svg_with_words_and_stable_bytes() -> None:
    drawing = draw(table())
    assert ElementTree.fromstring(drawing.svg).tag.endswith("svg")
    assert drawing.alt.startswith("faces, stand-in: test AUC of the best single unit for each of 3")
    assert "the threshold of 0.71875" in drawing.alt
    assert "each seed: 0 to 1 of 3 at latent 10, 2 of 3 at latent 256." in drawing.alt
    assert drawing.alt.endswith(
        "Discovered by every seed of latent 256 and by none of latent 10, mean AUC of both: "
        "Mouth Slightly Open 0.945 and 0.57."
    )
    assert draw(table()) == drawing


def test_the_title_says_how_many_of_the_official_images_there_were() -> None:
    assert draw(table(), 2_000).alt.startswith("faces, stand-in: 2,000 of 5,000 images: test AUC")


def test_none_is_said_where_the_wide_network_gains_nothing() -> None:
    measures = table().assign(discovered=False)
    assert draw(measures).alt.endswith("mean AUC of both: none.")


def test_the_widest_networks_best_attribute_is_on_top(
    drawn: Callable[[pd.DataFrame], Figure],
) -> None:
    axes = drawn(table().sample(frac=1, random_state=0)).axes[0]
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == ["Mouth Slightly Open", "Bald", "Pale Skin"]
    assert axes.get_ylim() == (2.5, -0.5)


def test_an_attribute_of_one_class_is_an_empty_row_at_the_bottom(
    drawn: Callable[[pd.DataFrame], Figure],
) -> None:
    measures = table()
    measured = ["auc", "low", "high", "null", "probe", "probe_low", "probe_high"]
    measures.loc[measures["attribute"] == "Bald", measured] = np.nan
    measures.loc[measures["attribute"] == "Bald", "discovered"] = False
    axes = drawn(measures).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()][-1] == "Bald"
    assert points(axes, "latent 256: discovered (1 of 3)") == [(0, 0.9375), (0, 0.953125)]
    assert np.isfinite(axes.get_xlim()).all()


def test_a_point_is_filled_where_its_attribute_is_discovered(
    drawn: Callable[[pd.DataFrame], Figure],
) -> None:
    axes = drawn(table()).axes[0]
    # At latent 10 the interval of Bald begins at 0.71875 in seed 0, on the threshold.
    assert points(axes, "latent 10: discovered") == [(1, 0.765625)]
    assert points(axes, "latent 10: not") == [
        *((0, 0.5625), (0, 0.578125)),
        *((1, 0.75), (2, 0.625), (2, 0.640625)),
    ]
    assert points(axes, "latent 256: discovered") == [
        *((0, 0.9375), (0, 0.953125)),
        *((1, 0.875), (1, 0.890625)),
    ]
    assert points(axes, "latent 256: not") == [(2, 0.65625), (2, 0.671875)]
    faces = {str(line.get_label()): line.get_markerfacecolor() for line in axes.get_lines()}
    assert faces["latent 256: discovered (2 of 3)"] == figures.STYLES[1][0]
    assert faces["latent 256: not discovered"] == "white"
    markers = {str(line.get_label()): line.get_marker() for line in axes.get_lines()}
    assert markers["latent 10: not discovered"] != markers["latent 256: not discovered"]


def test_probes_are_means_and_nulls_the_largest(drawn: Callable[[pd.DataFrame], Figure]) -> None:
    axes = drawn(table()).axes[0]
    added = 1 / 16 + 1 / 64
    assert points(axes, "latent 10: linear probe") == [
        (0, 0.5625 + added),
        (1, 0.75 + added),
        (2, 0.625 + added),
    ]
    largest = 0.53125 + 1 / 128 + 256 / 2**14
    assert points(axes, "permuted") == [(row, largest) for row in range(3)]
    line = next(line for line in axes.get_lines() if str(line.get_label()) == "threshold 0.71875")
    assert np.asarray(line.get_xdata()).tolist() == [THRESHOLD, THRESHOLD]


def test_every_interval_belongs_to_its_point_and_stands_alone(
    drawn: Callable[[pd.DataFrame], Figure],
) -> None:
    axes = drawn(table(3)).axes[0]
    lines = [
        np.column_stack(line.get_data())
        for line in axes.get_lines()
        if "discovered" in str(line.get_label())
    ]
    marks = {(x, y) for line in lines for x, y in line.tolist()}
    parts = [part for part in axes.collections if isinstance(part, LineCollection)]
    bars = [bar for part in parts for bar in part.get_segments()]
    assert len(marks) == len(bars) == 18
    assert {(bar[:, 0].mean(), bar[0, 1]) for bar in bars} == marks
    assert all(np.ptp(bar[:, 0]) == 1 / 16 for bar in bars)
    first = sorted(y for _, y in marks if abs(y) < 0.5)
    assert len(set(first)) == 6
    assert first[0] == pytest.approx(-first[-1])
    assert first[-1] < figures.FILLED / 2
    assert first[3] - first[2] > first[1] - first[0], "latent sizes are further apart than seeds"
    low, high = axes.get_xlim()
    assert low < min(bar[0, 0] for bar in bars)
    assert high > max(bar[1, 0] for bar in bars)


@pytest.mark.parametrize("latents", [(10, 256), (10, 64, 256)])
def test_forty_names_and_the_legend_overlap_nothing(
    drawn: Callable[[pd.DataFrame], Figure], latents: tuple[int, ...]
) -> None:
    aucs = {f"Mouth_Slightly_Open_{number}": 0.5 + number / 100 for number in range(40)}
    figure = drawn(pd.DataFrame([row for latent in latents for row in rows(latent, 0, aucs)]))
    figure.draw_without_rendering()
    axes, whole = figure.axes[0], figure.bbox
    boxes = [text.get_window_extent() for text in axes.get_yticklabels()]
    assert len(boxes) == 40
    assert all(upper.y0 > lower.y1 for upper, lower in pairwise(boxes))
    assert min(box.x0 for box in boxes) >= 0
    legend = figure.legends[0].get_window_extent()
    assert whole.x0 <= legend.x0
    assert legend.x1 <= whole.x1
    assert legend.y1 < axes.get_window_extent().y0
    assert len(figure.legends[0].get_texts()) == 3 * len(latents) + 2
