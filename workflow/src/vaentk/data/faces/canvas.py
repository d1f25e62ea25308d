"""Antialiased shapes, painted on a batch of pictures at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
# NumPy's types take a float32 array times a Python number for float64, which it never is.
Floats = NDArray[np.floating[Any]]
Terms = Floats | np.float32 | float

# Only + - * / sqrt, comparisons and rounding: they give the same bits on every processor, and a
# cover that is exactly zero leaves a pixel exactly as it was.


def mix(start: Terms, end: Terms, share: Terms) -> Values:
    """Value at a share of the way from start to end; any shapes that broadcast."""
    return np.asarray(start + (end - start) * share, np.float32)


def wave(phase: Floats) -> Values:
    """Smooth wave of period 1 made of cubics: 1 at whole numbers, -1 halfway; any shape."""
    folded = phase - np.floor(phase)
    folded -= np.float32(0.5)
    np.abs(folded, out=folded)
    return np.asarray(folded * folded * (24 - 32 * folded) - 1, np.float32)


def rgb(red: float, green: float, blue: float) -> Values:
    """One colour for all pictures, float32 (3, 1, 1, 1)."""
    return np.array([red, green, blue], np.float32)[:, None, None, None]


def hsv(hue: Values, saturation: Terms, value: Terms) -> Values:
    """Red, green, blue, 0 to 255, of hue (turns), saturation and value (0 to 1).

    float32 (n, 1, 1) to (3, n, 1, 1).
    """
    sixth = np.stack([np.mod(hue * 6 + offset, 6) for offset in (5, 3, 1)])
    fade = np.clip(np.minimum(sixth, 4 - sixth), 0, 1)
    return np.asarray(255 * value * (1 - saturation * fade), np.float32)


def filled(distance: Values, soft: float = 1.0) -> Values:
    """Cover of a shape from its signed distance, with an edge of `soft` pixels."""
    cover = distance * np.float32(-1 / soft)
    cover += np.float32(0.5)
    return np.asarray(np.clip(cover, 0, 1, out=cover))


def outlined(distance: Values, half_width: Terms) -> Values:
    """Cover of a line along an outline, from its signed distance."""
    return np.asarray(np.clip(half_width + np.float32(0.5) - np.abs(distance), 0, 1), np.float32)


class Patch:
    """A window of a batch of pictures, into which shapes are painted.

    Positions are in pixels of the whole picture, x to the right and y down. A position, a length or
    a strength is float32 (n, 1, 1), one a picture, or a number. A cover is float32 (n, height,
    width), the share of each pixel that a shape covers. The pictures, float32 (3, n, side, side)
    from 0 to 255, are changed in place.
    """

    def __init__(self, pixels: Values, left: int, top: int, right: int, bottom: int) -> None:
        self.pixels = pixels[:, :, top:bottom, left:right]
        self.where = (..., slice(top, bottom), slice(left, right))
        self.x: Values = np.arange(left, right, dtype=np.float32)[None, None, :] + np.float32(0.5)
        self.y: Values = np.arange(top, bottom, dtype=np.float32)[None, :, None] + np.float32(0.5)

    def egg(
        self,
        x: Terms,
        y: Terms,
        half_width: Terms,
        up: Terms,
        down: Terms,
        pointed: Terms = 0.0,
        square: Terms = 0.0,
    ) -> Values:
        """Signed distance, negative inside, to an egg: (dx / a)^2 = (1 - v^2)(1 - k v^2).

        It is widest at (x, y), where its half width is a; v is a fraction of the height, `up` or
        `down`; k is `pointed` below (-1 nearly square, 0 an ellipse, 1/2 pointed) and -`square`
        above. In pixels, float32 (n, height, width); exact to first order at the outline.
        """
        above = self.y < y
        height = np.where(above, np.float32(up), np.float32(down))
        k = np.where(above, -np.float32(square), np.float32(pointed))
        v = (self.y - y) / height
        v2 = v * v
        narrowing = np.maximum(1 - k * v2, np.float32(0.3))
        u = (self.x - x) / half_width
        slope_x = 2 * u / half_width
        slope_y = 2 * v * (narrowing + k * (1 - v2)) / height
        steepness = slope_x * slope_x + (slope_y * slope_y + np.float32(1e-6))
        distance = u * u - (1 - v2) * narrowing
        distance /= np.sqrt(steepness, out=steepness)
        return np.asarray(distance, np.float32)

    def lens(
        self, x: Terms, y: Terms, half_width: Terms, slope: Terms, top: Terms, bottom: Terms
    ) -> Values:
        """Cover of what lies between two parabolas that meet at both ends.

        The ends are at (x - half_width, y - slope) and (x + half_width, y + slope); at x the
        parabolas are at `top` and `bottom`, relative to y.
        """
        t = (self.x - x) / half_width
        bulge = np.maximum(1 - t * t, np.float32(0))
        line = y + slope * t
        cover = np.minimum(self.y + np.float32(0.5), line + bottom * bulge)
        cover -= np.maximum(self.y - np.float32(0.5), line + top * bulge)
        return np.asarray(np.clip(cover, 0, 1, out=cover), np.float32)

    def glow(self, x: Terms, y: Terms, half_width: Terms, half_height: Terms) -> Values:
        """Cover (1 - r^2)^2 of a soft spot, zero outside the ellipse r = 1."""
        u, v = (self.x - x) / half_width, (self.y - y) / half_height
        spot = np.maximum((1 - u * u) - v * v, np.float32(0))
        spot *= spot
        return np.asarray(spot, np.float32)

    def paint(self, cover: Floats, colour: Floats, light: Floats | None = None) -> None:
        """Lay a colour, float32 (3, n, 1, 1), over the window.

        Its factor in every pixel is `light`, float32 (n, height, width) or (3, n, height, width).
        """
        for index, (channel, part) in enumerate(zip(self.pixels, colour, strict=True)):
            if light is None:
                change = part - channel
            else:
                change = part * (light if light.ndim == 3 else light[index])
                change -= channel
            change *= cover
            channel += change
