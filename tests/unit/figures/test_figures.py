"""Figures: valid SVG, the same bytes twice, words that carry the numbers of the measures."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Runs
from vaentk.experiments.ntk.limit_kernels.figures import limit_kernels
from vaentk.experiments.ntk.weight_change import WeightChange, measure
from vaentk.experiments.ntk.weight_change.figures import weight_change, weight_change_slopes
from vaentk.figures.style import Drawing

POWERS = {"enc": -0.51, "hid": -1.02, "mu": -0.93, "sigma": -1.7, "dec": -0.34}
WIDTHS = (64, 128, 256)


def test_a_persons_own_matplotlibrc_changes_no_byte() -> None:
    plain = draw_weight_change().svg
    own = {"font.family": "serif", "text.usetex": True, "lines.linewidth": 9, "axes.grid": False}
    with mpl.rc_context(own | {"svg.fonttype": "none", "savefig.bbox": "tight"}):
        assert draw_weight_change().svg == plain


def changes() -> pd.DataFrame:
    rows = [
        {"width": m, "seed": s, "layer": k, "fraction": f, "time": 9 * f}
        | {"change": f * (1 + s / 50) * m**p}
        for m in WIDTHS
        for s in (0, 1)
        for k, p in POWERS.items()
        for f in (0.5, 1.0)
    ]
    return pd.DataFrame(rows)


def draw_weight_change() -> Drawing:
    table = changes()
    runs = dict.fromkeys(("mnist-7x7", "mnist-14x14"), table)
    slopes = {name: measure.slopes(table, 3, 49) for name in runs}
    return weight_change(runs, slopes, runs=Runs({}, dict.fromkeys(runs, "MNIST")))


def draw_weight_change_slopes() -> Drawing:
    local = {"mnist-7x7": measure.local_slopes(changes(), 49)}
    slopes = {"mnist-7x7": measure.slopes(changes(), 3, 49)}
    settings = WeightChange.from_plain({"inputs": {"resolution": 7}, "widths": WIDTHS})
    return weight_change_slopes(local, slopes, runs=Runs({"mnist-7x7": settings}, {}))


def draw_limit_kernels() -> Drawing:
    eigenvalues = pd.DataFrame(
        {"activation": ["erf", "erf", "tanh", "tanh"], "sigma0": [0.5, 1.0] * 2}
    ).assign(lambda_0=[0.0448, 0.0187, 0.0338, 0.0156])
    kernels = {
        f"{name}/{sigma0}/{part}": np.eye(20)
        for name in ("erf", "tanh")
        for sigma0 in (0.5, 1.0)
        for part in ("mu", "sigma", "d")
    }
    labels = {"labels": np.repeat(np.arange(10), 2)}
    stored = {"mnist-7x7": Stored(kernels | labels, "")}
    return limit_kernels({"mnist-7x7": eigenvalues}, stored, runs=Runs({}, {"mnist-7x7": "MNIST"}))


DRAWINGS = {
    "weight_change": (draw_weight_change, ["encoder −0.51", "decoder −0.34", "49 outputs"]),
    "weight_change_slopes": (draw_weight_change_slopes, ["hidden −1.02", "m/d = 3.69"]),
    "limit_kernels": (draw_limit_kernels, ["0.0156", "tanh"]),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_is_svg_with_words_and_stable_bytes(name: str) -> None:
    draw: Callable[[], Drawing]
    draw, words = DRAWINGS[name]
    drawing = draw()
    assert ElementTree.fromstring(drawing.svg).tag.endswith("svg")
    assert "dc:date" not in drawing.svg
    for word in words:
        assert word in drawing.alt
    assert draw() == drawing
