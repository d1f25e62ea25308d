"""Body, cabin and wheels of a car as meshes, from its proportions."""

from typing import Final

import numpy as np

from vaentk.data.rendered.car_designs import Design, Proportions, Tone
from vaentk.data.rendered.meshes import Floats, Ints, Mesh, box, join, sheet, turned

# Columns from a surface's edge to its middle, as parts of its half width: lamps reach from 1
# to 0.62, pairs of stripes from 0.3 to 0.1.
COLUMNS: Final = np.array([1.0, 0.62, 0.3, 0.1, 0.0])
# A section of the body, from the sill to the top: part of its height, part of its half width.
SECTION: Final = np.array(
    [[0.0, 0.93], [0.2, 1.0], [0.5, 1.0], [0.76, 0.985], [0.93, 0.95], [1.0, 0.84]]
)
ARCH: Final = 1.13  # radius of a wheel arch over the wheel's
WALL: Final = 0.004  # thickness of a well's front and rear, as a part of the length
SPOKE: Final = 4  # sides of a wheel's polygon to a spoke and the gap after it


def section(shape: Proportions) -> Floats:
    """The body's section: heights and half widths as parts of the whole, (6, 2)."""
    squared = SECTION.copy()
    squared[:, 1] += shape.square * 0.6 * (1 - squared[:, 1])
    return squared


def cabin_half_width(shape: Proportions) -> float:
    """Half the cabin's width at its foot, in metres: it grows out of the body's shoulders."""
    return float(shape.width / 2 * (section(shape)[-1, 1] + 0.02))


def upper_edge(shape: Proportions, s: Floats) -> Floats:
    """Height of the body's upper edge at places s (fractions of the length)."""
    foot, _, _, tail = shape.cabin
    plain = np.interp(s, [0, foot, tail, 1], [shape.nose, shape.cowl, shape.deck, shape.deck])
    front = shape.drop[0] * _fall(s / shape.roll[0])
    rear = shape.drop[1] * _fall((1 - s) / shape.roll[1])
    return np.asarray(plain * (1 - front) * (1 - rear))


def _fall(u: Floats) -> Floats:
    """A quarter of an ellipse: 1 at u = 0, 0 from u = 1 on."""
    return np.asarray(1 - np.sqrt(1 - (1 - np.clip(u, 0, 1)) ** 2))


def arches(shape: Proportions, s: Floats) -> Floats:
    """Height of the wheel arches' edge, in metres; 0 outside them."""
    radius = ARCH * shape.wheel
    away = np.min([np.abs(s - axle) for axle in shape.axles], axis=0) * shape.length
    inside = np.sqrt(np.maximum(radius**2 - away**2, 0)) + shape.wheel
    return np.where(away <= radius + 1e-6, inside, 0)


def _stations(shape: Proportions) -> Floats:
    """Places along the body (fractions) where it has a section."""
    ends = np.array([0, 0.06, 0.25, 0.6, 1.0])
    arch = np.sin(np.pi * np.linspace(-0.5, 0.5, 9)) * ARCH * shape.wheel / shape.length
    rim = 1.02 * ARCH * shape.wheel / shape.length
    places = [ends * max(shape.roll[0], 0.05), 1 - ends * max(shape.roll[1], 0.05)]
    places += [axle + np.array([-rim, *arch, rim]) for axle in shape.axles]
    places.append(np.array([shape.cabin[0], shape.cabin[3]]))
    start, end, _ = shape.well
    if start < end:
        places.append(np.array([start, start + WALL, end - WALL, end]))
    return np.unique(np.concatenate(places).round(5))


def body(design: Design) -> Mesh:
    """Left half of the lower body, with its wheel arches, ends, lamps and well."""
    shape = design.shape
    s = _stations(shape)
    parts, across = section(shape).T
    half = shape.width / 2 * (1 - 0.16 * _fall(s / 0.14) - 0.12 * _fall((1 - s) / 0.12))
    bottom = shape.clearance * (1 + 0.4 * _fall(s / 0.08) + 0.5 * _fall((1 - s) / 0.08))
    arch = arches(shape, s)
    y = half[:, None] * across
    y[:, 0] = np.where(arch > 0, half, y[:, 0])
    z = bottom[:, None] + parts * (upper_edge(shape, s) - bottom)[:, None]
    # Sills and creases stop at the arches; low bonnets swell over them.
    z = np.maximum(z, arch[:, None] + 0.02 * np.arange(6))
    lid = upper_edge(shape, s)[:, None] + 0.03 * shape.width * (1 - COLUMNS[1:] ** 2)
    columns = np.broadcast_to(COLUMNS[1:], lid.shape).copy()
    start, end, floor = shape.well
    within = (s > start + WALL / 2) & (s < end - WALL / 2)
    lid[within] = floor
    columns[within, 0] = 0.92
    points = np.zeros((len(s), 11, 3))
    points[:, 1:7, 1], points[:, 7:, 1] = y, y[:, -1:] * columns
    points[:, 0, 2], points[:, 1:7, 2], points[:, 7:, 2] = z[:, 0], z, lid
    points[:, :, 0] = _along(shape, s[:, None], points[:, :, 1])
    side = sheet(points, _side_tones(design, (s[1:] + s[:-1]) / 2))
    return join([side, _end(design, points[0], 0.0), _end(design, points[-1], 1.0)])


def _along(shape: Proportions, s: Floats, y: Floats) -> Floats:
    """The coordinate x of the body's points: nose and tail are rounded in plan."""
    near = np.maximum(0, 1 - s / 0.12) - np.maximum(0, 1 - (1 - s) / 0.12)
    inset = 0.06 * shape.width * (2 * y / shape.width) ** 2
    return np.asarray(shape.length * (0.5 - s) - near * inset)


def _end(design: Design, ring: Floats, s: float) -> Mesh:
    """The nose (s = 0) or the tail (s = 1), which closes the body at its last section."""
    rows = ring[1:6, None, 1:] * np.stack([COLUMNS, np.ones(5)], axis=-1)
    rows = np.concatenate([rows, ring[None, 6:, 1:]])
    x = _along(design.shape, np.full(rows.shape[:2], s), rows[:, :, 0])
    points = np.concatenate([x[:, :, None], rows], axis=-1)
    tones = np.full((5, 4), int(Tone.PAINT))
    tones[0] = _bumper(design)
    tones[2, 0] = Tone.LAMP if s == 0 else Tone.TAIL
    if s == 0:
        tones[1, 1:] = Tone.TRIM
        tones[1, 2:] = Tone.PLATE
        tones[2, 1:] = Tone.TRIM
        return sheet(points, tones)
    tones[2, 2:] = Tone.PLATE
    return sheet(points[:, ::-1], tones[:, ::-1])


def _bumper(design: Design) -> Tone:
    """What the bumpers are made of."""
    if design.kind in ("classic", "minibus"):
        return Tone.CHROME
    return Tone.TRIM if design.cladding else Tone.PAINT


def _side_tones(design: Design, s: Floats) -> Ints:
    """Tones of the body between sections, at s, from the sill to the middle of the top."""
    shape = design.shape
    tones = np.full((len(s), 10), int(Tone.PAINT))
    tones[:, 0] = Tone.GAP
    if design.cladding:
        tones[:, 1] = Tone.TRIM
    tones[(s < 0.03) | (s > 0.97), 1] = _bumper(design)
    if design.stripe == "side":
        tones[:, 3] = Tone.SECOND
    if design.stripe in ("broad", "pair"):
        tones[:, 8 if design.stripe == "pair" else slice(8, 10)] = Tone.SECOND
    tones[s < 0.02, 3] = Tone.LAMP
    tones[s > 0.985, 3] = Tone.TAIL
    start, end, _ = shape.well
    tones[(s > start) & (s < end), 6:] = Tone.TRIM
    return tones


def cabin(design: Design) -> Mesh:
    """Left half of the cabin: windows, posts and roof, or of a roofless car's windscreen."""
    shape = design.shape
    foot, head, rear_head, rear_foot = (shape.length * (0.5 - s) for s in shape.cabin)
    # Levels: inside the body, at its edge, the windows' sill, middle and top, the roof's rim.
    up = np.array([-0.25, 0.0, 0.07, 0.48, 0.86, 0.96, 1.0])
    lean = np.clip(up, 0, 1) * (1 - shape.bow * (1 - np.clip(up, 0, 1)))
    rim = np.array([0, 0, 0, 0, 0, 0.02, 0.10])
    front = foot + (head - foot) * lean - rim
    rear = rear_foot + (rear_head - rear_foot) * lean + rim
    half = cabin_half_width(shape) * (1 - shape.tumble * np.maximum(up, 0)) - rim * 0.6
    z = shape.cowl + up * (shape.height - shape.cowl)
    curve = 0.16 * (1 - 0.5 * shape.square) * COLUMNS**2
    ahead = front[:, None] - curve
    behind = rear[:, None] + 0.6 * curve
    if shape.roofless:
        return _windscreen(ahead[1:5], half[1:5, None] * COLUMNS, z[1:5, None])
    along = _side_points(shape, ahead[:, 0], behind[:, 0])
    x = np.concatenate([ahead[:, ::-1], along, behind], axis=1)
    sides = np.ones(along.shape[1])
    y = half[:, None] * np.concatenate([COLUMNS[::-1], sides, COLUMNS])
    points = np.stack([x, y, np.broadcast_to(z[:, None], x.shape)], axis=-1)
    walls = sheet(points.transpose(1, 0, 2), _wall_tones(design, along.shape[1]).T)
    return join([walls, _roof(design, points[-1])])


def _side_points(shape: Proportions, ahead: Floats, behind: Floats) -> Floats:
    """Edges of the posts along the side at every level, from front to rear."""
    first, last = ahead - 0.07, behind + shape.rear_post
    edges = [first]
    for post in shape.posts:
        middle = shape.length * (0.5 - post)
        edges += [np.full_like(first, middle + 0.035), np.full_like(first, middle - 0.035)]
    edges.append(last)
    return np.stack([np.clip(edge, np.minimum(first, last), first) for edge in edges], axis=1)


def _wall_tones(design: Design, sides: int) -> Ints:
    """Tones of the cabin's walls between levels, around from the front's middle."""
    plain = Tone.SECOND if design.two_tone else Tone.PAINT
    tones = np.full((6, 9 + sides), int(plain))
    tones[2:4, :4] = tones[2:4, -4:] = Tone.GLASS
    tones[2:4, 5 : 4 + sides : 2] = Tone.GLASS
    tones[2:4, 6 : 3 + sides : 2] = Tone.TRIM
    if design.shape.blind:
        tones[2:4, 6 : 4 + sides] = plain
    return tones


def _roof(design: Design, ring: Floats) -> Mesh:
    """The roof inside the cabin's uppermost ring of points."""
    front, side, rear = ring[4::-1], ring[5:-5], ring[-5:]
    middle = side[:, None] * np.stack([np.ones(5), COLUMNS, np.ones(5)], axis=-1)
    points = np.concatenate([front[None], middle, rear[None]])
    points[1:-1, :, 2] += 0.035 * (1 - COLUMNS**2)
    tones = np.full((len(points) - 1, 4), int(Tone.SECOND if design.two_tone else Tone.PAINT))
    if design.stripe in ("broad", "pair") and not design.two_tone:
        tones[:, 2 if design.stripe == "pair" else slice(2, 4)] = Tone.SECOND
    return sheet(points, tones)


def _windscreen(x: Floats, y: Floats, z: Floats) -> Mesh:
    """A windscreen that stands by itself, in a frame."""
    outside = np.stack(np.broadcast_arrays(x, y, z), axis=-1)
    inside = outside - [0.05, 0, 0]
    tones = np.full((3, 4), int(Tone.GLASS))
    tones[-1] = Tone.TRIM
    return join(
        [
            sheet(outside, tones),
            sheet(inside[:, ::-1], tones[:, ::-1]),
            sheet(np.stack([outside[-1], inside[-1]]), Tone.TRIM),
            sheet(np.stack([inside[:, 0], outside[:, 0]]), Tone.TRIM),
        ]
    )


def wheels(design: Design) -> Mesh:
    """The two wheels on the left, and the dark inside of their arches."""
    shape = design.shape
    radius, outer = shape.wheel, shape.width / 2 - 0.02
    profile = np.array(
        [[-0.22, 0], [-0.20, 1.0], [-0.02, 1.0], [0.0, 0.74], [-0.03, 0.64], [-0.03, 0.2], [0, 0]]
    ) * [1, radius]
    turns = SPOKE * (design.spokes or 4)
    tones = np.tile([Tone.GAP, Tone.TYRE, Tone.TYRE, Tone.RIM, Tone.RIM, Tone.RIM], (turns, 1))
    if design.spokes:
        tones[2::SPOKE, 4] = tones[3::SPOKE, 4] = Tone.GAP
    parts = [
        turned(profile, (shape.length * (0.5 - axle), outer, radius), turns, tones)
        for axle in shape.axles
    ]
    reach = 1.1 * ARCH * radius / shape.length
    ends = np.array([shape.axles[1] + reach, shape.axles[0] - reach])
    low, high = 0.8 * shape.clearance, float(upper_edge(shape, ends).min()) - 0.06
    under = (shape.length * (0.5 - ends)).tolist()
    return join([*parts, box(under, (0, shape.width / 2 - 0.30), (low, high), Tone.GAP)])
