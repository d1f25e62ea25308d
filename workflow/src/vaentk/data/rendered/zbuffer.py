"""The nearest face of a mesh at every pixel; closed surfaces have no gaps."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SNAP: Final = 16  # places a pixel for corners
FACE_BITS: Final = 12  # the lowest of a pixel's key; its nearness is above them
NEAREST: Final = 2.0**32  # the key's part for nearness 1


def nearest_faces(
    x: Floats,
    y: Floats,
    nearness: Floats,
    triangles: Ints,
    owners: Ints,
    side: int,
    rows: tuple[int, int],
) -> Ints:
    """Which face is nearest at every pixel.

    Corners are moved by up to a thirty-second of a pixel. A pixel belongs to a triangle that
    holds its centre; on an edge between two triangles it belongs to one of them. Nearness is
    compared as integers, so the order of the triangles does not matter.

    Parameters
    ----------
    x, y : float64 (v,)
        Points in pixels, y downwards, all within ``side`` and ``rows``.
    nearness : float64 (v,)
        In 0..1, an affine function of x and y on every plane (a reciprocal distance).
    triangles : int64 (3, t)
        Corners; a triangle is seen if they run anticlockwise.
    owners : int64 (t,)
        The triangle's face, from 1 to 4095.
    side : int
        Pixels a row.
    rows : tuple of int
        The rows wanted: the first, and the one after the last.

    Returns
    -------
    int64 (rows[1] - rows[0], side)
        0 where there is none.
    """
    # Between the steps, so that no upright or level edge runs through pixels' centres.
    x, y = ((np.floor(values * SNAP) + 0.5) / SNAP for values in (x, y))
    seen = _seen(x, y, triangles)
    corners = _downwards(triangles[:, seen], y)
    xs, ys = x[corners], y[corners]
    slope_x, slope_y, level = _planes(xs, ys, NEAREST * nearness[corners])
    triangle, row, left, width = _spans(xs, ys)

    start = level[triangle] + slope_y[triangle] * (row + 0.5) + slope_x[triangle] * (left + 0.5)
    step = np.rint(slope_x).astype(np.int64)[triangle] << FACE_BITS
    key = (np.rint(start).astype(np.int64) << FACE_BITS) + owners[seen][triangle]
    # Integers wrap around, so adding the fragment's number times the step is exact for any number.
    fragments = np.arange(width.sum())
    first = np.cumsum(width) - width
    places = np.repeat((row - rows[0]) * side + left - first, width)
    places += fragments
    fragments *= np.repeat(step, width)
    fragments += np.repeat(key - first * step, width)
    canvas = np.zeros((rows[1] - rows[0]) * side, np.int64)
    np.maximum.at(canvas, places, fragments)
    canvas &= (1 << FACE_BITS) - 1
    return canvas.reshape(-1, side)


def _seen(x: Floats, y: Floats, triangles: Ints) -> Ints:
    """Triangles that show their outside."""
    (xa, xb, xc), (ya, yb, yc) = x[triangles], y[triangles]
    return np.flatnonzero((xb - xa) * (yc - ya) < (xc - xa) * (yb - ya))


def _downwards(corners: Ints, y: Floats) -> Ints:
    """Corners (3, n) of triangles in the order of their y."""
    a, b, c = corners
    for _ in range(2):
        a, b = np.where(y[a] > y[b], (b, a), (a, b))
        b, c = np.where(y[b] > y[c], (c, b), (b, c))
    return np.stack([a, b, c])


def _planes(xs: Floats, ys: Floats, qs: Floats) -> tuple[Floats, Floats, Floats]:
    """Slopes in x and y, and the value at x = y = 0, of the planes through three corners (3, n)."""
    x1, x2 = xs[1:] - xs[0]
    y1, y2 = ys[1:] - ys[0]
    q1, q2 = qs[1:] - qs[0]
    twice = x1 * y2 - x2 * y1
    slope_x = (q1 * y2 - q2 * y1) / twice
    slope_y = (q2 * x1 - q1 * x2) / twice
    return slope_x, slope_y, qs[0] - slope_x * xs[0] - slope_y * ys[0]


def _spans(xs: Floats, ys: Floats) -> tuple[Ints, Ints, Ints, Ints]:
    """Rows of pixels in triangles: triangle, row, first pixel, number of pixels.

    Parameters
    ----------
    xs, ys : float64 (3, n)
        Corners, downwards.
    """
    # The long edge, then the two short ones. Both triangles at an edge compute its line from the
    # same two corners in the same order, and so agree on its pixels.
    upper, lower = [0, 0, 1], [2, 1, 2]
    height = ys[lower] - ys[upper]
    slope = (xs[lower] - xs[upper]) / np.where(height > 0, height, 1)
    foot = xs[upper] - ys[upper] * slope
    starts = np.ceil(ys - 0.5).astype(np.int64)
    rows = np.diff(starts, axis=0).T.ravel()
    piece = np.repeat(np.arange(len(rows)), rows)
    row = np.arange(len(piece)) - (np.cumsum(rows) - rows - starts[:2].T.ravel())[piece]
    triangle = piece >> 1
    centre = row + 0.5
    long = slope[0][triangle] * centre + foot[0][triangle]
    short = slope[1:].T.ravel()[piece] * centre + foot[1:].T.ravel()[piece]
    left = np.ceil(np.minimum(long, short) - 0.5).astype(np.int64)
    width = np.ceil(np.maximum(long, short) - 0.5).astype(np.int64) - left
    some = np.flatnonzero(width)
    return triangle[some], row[some], left[some], width[some]
