"""Meshes of quadrilaterals, each with a tone, and the surfaces they are put together from."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Mesh(NamedTuple):
    """Quadrilaterals seen from the side on which their corners run anticlockwise.

    Attributes
    ----------
    points : float64 (v, 3)
        Metres: x ahead, y to the left, z up.
    faces : int64 (f, 4)
        Corners, as rows of ``points``; two may coincide.
    tones : int64 (f,)
        What each face is made of, a row of the palette.
    """

    points: Floats
    faces: Ints
    tones: Ints


def normals(mesh: Mesh) -> Floats:
    """Unit normals (f, 3) of the faces, outwards; 0 for a face without area."""
    a, b, c, d = (mesh.points[corner] for corner in mesh.faces.T)
    normal = np.cross(c - a, d - b)
    length = np.sqrt((normal**2).sum(axis=1, keepdims=True))
    return np.asarray(normal / np.where(length > 0, length, 1))


def join(parts: Sequence[Mesh]) -> Mesh:
    """One mesh of several."""
    starts = np.cumsum([0, *(len(part.points) for part in parts[:-1])])
    return Mesh(
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=True)]),
        np.concatenate([part.tones for part in parts]),
    )


def with_mirror_image(half: Mesh) -> Mesh:
    """A left half together with its mirror image in the plane y = 0."""
    return join([half, Mesh(half.points * [1, -1, 1], half.faces[:, [0, 3, 2, 1]], half.tones)])


def sheet(points: Floats, tones: Ints | int) -> Mesh:
    """A grid of points as a surface, outside where (first axis) x (second axis) points.

    Parameters
    ----------
    points : float64 (n, m, 3)
    tones : int64 (n - 1, m - 1) or int
    """
    n, m = points.shape[:2]
    corner = np.arange(n * m).reshape(n, m)
    faces = np.stack(
        [corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]], axis=-1
    ).reshape(-1, 4)
    return Mesh(
        points.reshape(-1, 3),
        faces,
        np.broadcast_to(np.asarray(tones, np.int64), (n - 1, m - 1)).reshape(-1),
    )


def box(x: Sequence[float], y: Sequence[float], z: Sequence[float], tone: int) -> Mesh:
    """A block between two bounds a direction; open at y = 0, where its mirror image adjoins."""
    corners = np.stack(np.meshgrid(x, y, z, indexing="ij"), axis=-1).reshape(8, 3)
    faces = np.array(
        [[0, 4, 5, 1], [0, 1, 3, 2], [4, 6, 7, 5], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    )[int(y[0] == 0) :]
    return Mesh(corners.astype(np.float64), faces, np.full(len(faces), tone))


def turned(profile: Floats, centre: Sequence[float], turns: int, tones: Ints) -> Mesh:
    """A solid of revolution about an axis along y.

    Parameters
    ----------
    profile : float64 (m, 2)
        Distances along the axis and from it, from the inner end to the outer.
    centre : three floats
    turns : int
        Sides of the polygon that stands for the circle.
    tones : int64 (turns, m - 1)
    """
    angle = np.linspace(2 * np.pi, 0, turns + 1)[:, None]
    along, radius = profile.T
    wheel = np.broadcast_arrays(radius * np.cos(angle), along, radius * np.sin(angle))
    return sheet(np.stack(wheel, axis=-1) + centre, tones)
