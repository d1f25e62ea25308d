"""A whole car: body, cabin and wheels with seats, seams, mirrors, what it carries, its shadow."""

from collections.abc import Callable
from typing import Final

import numpy as np

from vaentk.data.rendered.car_designs import Design, Fitting, Proportions, Tone
from vaentk.data.rendered.car_shapes import (
    arches,
    body,
    cabin,
    cabin_half_width,
    upper_edge,
    wheels,
)
from vaentk.data.rendered.meshes import Mesh, box, join, sheet, with_mirror_image


def car(design: Design) -> Mesh:
    """One car, symmetric in y = 0, its wheels on z = 0, its middle at x = 0."""
    halves = [body(design), cabin(design), wheels(design), _mirror(design), _seams(design)]
    halves.append(_shadow(design.shape))
    if design.shape.roofless:
        halves.append(_seats(design.shape))
    if design.fitting in FITTED:
        halves.append(FITTED[design.fitting](design))
    whole = with_mirror_image(join(halves))
    # Micrometres: the last digits of sines and roots differ between machines.
    return whole._replace(points=whole.points.round(6))


def _at(shape: Proportions, s: float) -> float:
    """The coordinate x of a place given as a fraction of the length."""
    return shape.length * (0.5 - s)


def _mirror(design: Design) -> Mesh:
    shape = design.shape
    x = _at(shape, shape.cabin[0] + 0.35 * (shape.cabin[1] - shape.cabin[0])) - 0.06
    inner = cabin_half_width(shape) - 0.03
    foot = shape.cowl + 0.04
    tone = Tone.TRIM if design.cladding else Tone.PAINT
    return box((x - 0.05, x + 0.05), (inner, inner + 0.21), (foot, foot + 0.12), tone)


def _seams(design: Design) -> Mesh:
    """Gaps around the doors, drawn a little outside the body, above the wheel arches."""
    shape = design.shape
    posts = shape.posts or (0.5 * (shape.cabin[1] + shape.cabin[2]) + 0.06,)
    places = np.array([shape.cabin[0] + 0.04, *posts])
    low = np.maximum(shape.clearance + 0.1 * shape.cowl, arches(shape, places) + 0.04)
    y = shape.width / 2 + 0.005
    return join(
        [
            sheet(
                np.array([[[x, y, z] for z in (foot, 0.93 * shape.cowl)] for x in edges]), Tone.GAP
            )
            for foot, s in zip(low, places, strict=True)
            for edges in [(_at(shape, s) + 0.012, _at(shape, s) - 0.012)]
        ]
    )


def _seats(shape: Proportions) -> Mesh:
    """Seats of an open cockpit: a front one with its head-rest, half of a bench behind."""
    floor = shape.well[2]
    front, rear = _at(shape, 0.54), _at(shape, 0.69)
    height = shape.cowl + 0.08
    return join(
        [
            box((front - 0.16, front), (0.14, 0.58), (floor, height), Tone.SEAT),
            box((front - 0.13, front - 0.05), (0.26, 0.46), (height, height + 0.14), Tone.SEAT),
            box((front, front + 0.45), (0.14, 0.58), (floor, floor + 0.14), Tone.SEAT),
            box((rear - 0.14, rear), (0, 0.58), (floor, height - 0.04), Tone.SEAT),
        ]
    )


def _shadow(shape: Proportions) -> Mesh:
    """Half of a soft shadow on the ground: rings that grow lighter."""
    angle = np.linspace(0, np.pi, 17)
    square = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    square = np.sign(square) * np.sqrt(np.abs(square))
    size = np.array([shape.length / 2, shape.width / 2])
    growth = np.array([0.0, -0.08, 0.0, 0.07])
    rings = (size + growth[:, None])[:, None] * square
    rings[0] = 0
    points = np.concatenate([rings, np.full((4, 17, 1), -0.005)], axis=-1)
    tones = np.repeat([[Tone.SHADOW], [Tone.HALF_SHADOW], [Tone.RIM_OF_SHADOW]], 16, axis=1)
    return sheet(points, tones)


def _rack(design: Design) -> Mesh:
    shape = design.shape
    front, rear = _at(shape, shape.cabin[1] + 0.04), _at(shape, shape.cabin[2] - 0.03)
    y = cabin_half_width(shape) * (1 - shape.tumble) - 0.12
    z = shape.height + 0.06
    rail = box((rear, front), (y, y + 0.06), (shape.height - 0.05, z + 0.04), Tone.TRIM)
    bars = [
        box((x - 0.04, x + 0.04), (0, y), (z, z + 0.05), Tone.CHROME)
        for x in np.linspace(rear + 0.15, front - 0.15, 3)
    ]
    return join([rail, *bars])


def _board(design: Design) -> Mesh:
    """Half a surfboard on two bars."""
    shape = design.shape
    middle = _at(shape, (shape.cabin[1] + shape.cabin[2]) / 2)
    z = shape.height + 0.10
    along = np.linspace(-1, 1, 9)
    outline = 0.30 * np.sqrt(np.maximum(1 - along**2, 0)) * (1 + 0.25 * along)
    rocker = z + 0.06 * along**2
    part = np.array([0.0, 1.0, 1.0, 0.35, 0.0])
    points = np.empty((9, 5, 3))
    points[:, :, 0] = middle - 0.36 * shape.length * along[:, None]
    points[:, :, 1] = outline[:, None] * part
    points[:, :, 2] = rocker[:, None] + np.array([0, 0, 0.05, 0.09, 0.09])
    tones = np.repeat([[Tone.LOAD, Tone.LOAD, Tone.LOAD, Tone.LOAD_2]], 8, axis=0)
    bars = [
        box((x - 0.04, x + 0.04), (0, 0.5), (shape.height - 0.03, z), Tone.TRIM)
        for x in (middle - 0.5, middle + 0.5)
    ]
    return join([sheet(points, tones), *bars])


def _luggage(design: Design) -> Mesh:
    shape = design.shape
    middle = _at(shape, (shape.cabin[1] + shape.cabin[2]) / 2)
    z = shape.height - 0.02
    return join(
        [
            box((middle - 0.62, middle + 0.55), (0, 0.50), (z, z + 0.08), Tone.TRIM),
            box((middle - 0.55, middle - 0.02), (0, 0.44), (z + 0.08, z + 0.34), Tone.LOAD),
            box((middle + 0.02, middle + 0.48), (0, 0.38), (z + 0.08, z + 0.27), Tone.LOAD_2),
            box((middle - 0.45, middle - 0.10), (0, 0.30), (z + 0.34, z + 0.48), Tone.SEAT),
        ]
    )


def _sign(design: Design) -> Mesh:
    shape = design.shape
    x = _at(shape, shape.cabin[1] + 0.3 * (shape.cabin[2] - shape.cabin[1]))
    z = shape.height
    return join(
        [
            box((x - 0.10, x + 0.10), (0, 0.34), (z, z + 0.20), Tone.LAMP),
            box((x - 0.13, x + 0.13), (0, 0.37), (z - 0.02, z + 0.05), Tone.TRIM),
        ]
    )


def _bar(design: Design) -> Mesh:
    """Warning lights on the roof."""
    shape = design.shape
    x = _at(shape, shape.cabin[1] + 0.25 * (shape.cabin[2] - shape.cabin[1]))
    z = shape.height - 0.01
    return join(
        [
            box((x - 0.10, x + 0.10), (0, 0.16), (z, z + 0.13), Tone.LAMP),
            box((x - 0.12, x + 0.12), (0.16, 0.52), (z, z + 0.15), Tone.BEACON),
        ]
    )


def _wing(design: Design) -> Mesh:
    shape = design.shape
    x, half = _at(shape, 0.955), 0.44 * shape.width
    z = float(upper_edge(shape, np.array([0.93]))[0])
    if shape.cabin[3] > 0.95:  # no boot: the wing continues the roof
        x, z, half = _at(shape, shape.cabin[2] + 0.02), shape.height - 0.14, 0.36 * shape.width
    tone = Tone.SECOND if design.stripe != "none" else Tone.PAINT
    leaf = box((x - 0.20, x + 0.16), (0, half), (z + 0.18, z + 0.24), tone)
    strut = box(
        (x - 0.08, x + 0.06), (0.6 * half, 0.6 * half + 0.06), (z - 0.1, z + 0.18), Tone.TRIM
    )
    return join([leaf, strut])


def _spare_wheel(design: Design) -> Mesh:
    shape = design.shape
    angle = np.linspace(-np.pi / 2, np.pi / 2, 9)[:, None]
    radius = np.array([1.0, 1.0, 0.9, 0.6, 0.0]) * 0.85 * shape.wheel
    back = _at(shape, 1.0) - np.array([-0.1, 0.12, 0.18, 0.19, 0.19])
    points = np.stack(
        np.broadcast_arrays(
            back, radius * np.cos(angle), 0.62 * shape.cowl + 0.12 + radius * np.sin(angle)
        ),
        axis=-1,
    )
    tones = np.repeat([[Tone.TYRE, Tone.TYRE, Tone.TYRE, Tone.PAINT]], 8, axis=0)
    return sheet(points[::-1], tones)


def _load(design: Design) -> Mesh:
    shape = design.shape
    start, end, floor = shape.well
    front, rear = _at(shape, start + 0.02), _at(shape, end - 0.02)
    return join(
        [
            box((front - 0.75, front - 0.05), (0, 0.55), (floor, shape.deck + 0.28), Tone.LOAD),
            box((rear + 0.10, front - 0.85), (0.06, 0.60), (floor, shape.deck + 0.10), Tone.LOAD_2),
        ]
    )


def _box(design: Design) -> Mesh:
    """A lorry's box with a coloured band."""
    shape = design.shape
    rear, front = _at(shape, 0.99), _at(shape, shape.cabin[3] + 0.015)
    low, band_low, band_high, high = shape.height * np.array([0.39, 0.62, 0.82, 1.24])
    half = shape.width / 2 + 0.02
    return join(
        [
            box((rear, front), (0, half), (low, high), Tone.LOAD_2),
            box((rear - 0.01, front + 0.01), (0, half + 0.01), (band_low, band_high), Tone.LOAD),
        ]
    )


FITTED: Final[dict[Fitting, Callable[[Design], Mesh]]] = {
    "rack": _rack,
    "board": _board,
    "luggage": _luggage,
    "sign": _sign,
    "bar": _bar,
    "wing": _wing,
    "spare wheel": _spare_wheel,
    "load": _load,
    "box": _box,
}
