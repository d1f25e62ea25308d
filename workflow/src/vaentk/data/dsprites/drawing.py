"""dSprites, drawn: every image is a filled polygon, 1 where a pixel's centre is inside.

The published images came from a graphics card, so their last pixels depend on its arithmetic,
which is followed here: vertices in float32 with fused multiply-adds, in coordinates of the view
(-1 to 1, upwards), then snapped to 1/256 pixel; from there on everything is exact in integers.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vaentk.data.grid import Grid

SIDE: Final = 64
GRID: Final = Grid(
    names=("shape", "scale", "orientation", "position x", "position y"), sizes=(3, 6, 40, 32, 32)
)

RADIUS: Final = 9.6  # pixels, at scale 1
SNAP: Final = 256  # steps of a vertex coordinate in a pixel
BLOCK: Final = 1024  # images at once: one shape, scale and orientation at every position

_SHIFTS: Final = ~np.uint64(0) << np.arange(SIDE, dtype=np.uint64)
_FROM: Final = np.append(_SHIFTS, np.uint64(0))  # bits of a row from column k on, k = 0..64


def draw(indices: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Draw any images of the data set.

    Parameters
    ----------
    indices : int64 (b,)
        Places in the published order, 0..737279: position y varies fastest, then position x,
        orientation, scale, shape.

    Returns
    -------
    uint8 (b, 512)
        Bit-packed images: 8 bytes a row of 64 pixels, the leftmost pixel in the lowest bit.
    """
    factors = GRID.values(np.asarray(indices, dtype=np.int64))
    rows = np.empty((len(factors), SIDE), np.uint64)
    figures, members = np.unique(factors[:, :3], axis=0, return_inverse=True)
    for number, figure in enumerate(figures):
        wanted = np.flatnonzero(members.ravel() == number)
        x, x_at = np.unique(factors[wanted, 3], return_inverse=True)
        y, y_at = np.unique(factors[wanted, 4], return_inverse=True)
        rows[wanted] = _at_positions(figure, x, y)[x_at, y_at]
    return _bytes(rows)


def draw_all() -> Iterator[NDArray[np.uint8]]:
    """Draw all images in the published order, as `draw` does: 720 blocks uint8 (1024, 512)."""
    everywhere = np.arange(GRID.sizes[3])
    for index in range(0, len(GRID), BLOCK):
        figure = GRID.values(np.array([index]))[0, :3]
        yield _bytes(_at_positions(figure, everywhere, everywhere).reshape(BLOCK, SIDE))


def pack(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pack images of zeros and ones, uint8 (b, 64, 64), to bits, uint8 (b, 512)."""
    return np.packbits(images.reshape(len(images), -1), axis=1, bitorder="little")


def unpack(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Unpack bits, uint8 (b, 512), to images of zeros and ones, uint8 (b, 64, 64)."""
    bits = np.unpackbits(packed, axis=1, bitorder="little")
    return bits.reshape(len(packed), SIDE, SIDE)


def _at_positions(
    figure: NDArray[np.int64], x: NDArray[np.int64], y: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Draw one figure at all pairs of positions: rows of pixels as bits, uint64 (x, y, 64).

    A row is the exclusive or of its crossings with the outline, each taken as all bits from its
    column on (the even-odd rule). Which edge crosses which row depends on position y alone.
    """
    outline = _outline(*figure.tolist())
    across, down = _window(outline[0], x, 1), SIDE * SNAP - _window(outline[1], y, -1)
    centres = SNAP * np.arange(SIDE) + SNAP // 2
    # A centre exactly on an edge belongs to the figure where the edge is at its right or bottom.
    above = down[:, :, None] < centres
    at, edge, row = np.nonzero(above != np.roll(above, -1, axis=1))
    following = (edge + 1) % down.shape[1]
    height = down[at, following] - down[at, edge]
    reach = (centres[row] - down[at, edge]) * np.sign(height)
    height = np.abs(height)
    crossing = across[:, edge] * height + reach * (across[:, following] - across[:, edge])
    column = -((SNAP // 2 * height - crossing) // (SNAP * height))
    bits = _FROM[np.clip(column, 0, SIDE)]
    rows = np.zeros((len(x), len(y) * SIDE), np.uint64)
    order = np.argsort(at * SIDE + row, kind="stable")
    lines, starts = np.unique((at * SIDE + row)[order], return_index=True)
    rows[:, lines] = np.bitwise_xor.reduceat(bits[:, order], starts, axis=1)
    return rows.reshape(len(x), len(y), SIDE)


def _bytes(rows: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Rows of pixels as bits, uint64 (b, 64), as bytes, uint8 (b, 512)."""
    return rows.astype("<u8").view(np.uint8)


def _outline(
    shape: int, scale: int, orientation: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vertices about the figure's centre in half views, upwards: x and y, float32 (vertices,)."""
    size = np.float32(0.5 + 0.1 * scale) / np.float32(SIDE // 2)
    angle = np.float64(np.float32(-2 * np.pi * orientation / 39))
    cos, sin = np.float32(np.cos(angle)) * size, np.float32(np.sin(angle)) * size
    x, y = _vertices(shape)
    return _fused(-sin, y, cos * x), _fused(-cos, y, -sin * x)


def _vertices(shape: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vertices of a square, an ellipse or a heart of scale 1 in pixels, downwards: x and y."""
    if shape == 0:
        x, y = RADIUS * np.array([-1, 1, 1, -1]), RADIUS * np.array([-1, -1, 1, 1])
    elif shape == 1:
        a = 2 * np.pi * np.arange(100) / 100
        x, y = 1.33 * RADIUS * np.cos(a), RADIUS / 1.33 * np.sin(a)
    else:
        a = 2 * np.pi * np.arange(150) / 150
        lobes = 13 * np.cos(a) - 5 * np.cos(2 * a) - 2 * np.cos(3 * a) - np.cos(4 * a)
        x, y = RADIUS * np.sin(a) ** 3, -(RADIUS / 14.5 * lobes + 0.15 * RADIUS)
    return x.astype(np.float32), y.astype(np.float32)


def _window(
    outline: NDArray[np.float32], positions: NDArray[np.int64], sign: int
) -> NDArray[np.int64]:
    """Move a coordinate of the outline to positions and snap it: steps, int64 (b, vertices)."""
    quarter, half = np.float32(SIDE // 4), np.float32(SIDE // 2)
    centre = quarter + half * (positions / 31).astype(np.float32)
    in_view = outline + sign * (centre / half - 1)[:, None]
    return np.rint(np.float64(SNAP) * _fused(half, in_view, half)).astype(np.int64)


def _fused(
    a: np.float32, b: NDArray[np.float32], c: NDArray[np.float32] | np.float32
) -> NDArray[np.float32]:
    """Compute a b + c rounded once to float32: the product of two float32 is exact in float64."""
    return (np.float64(a) * b + np.float64(c)).astype(np.float32)
