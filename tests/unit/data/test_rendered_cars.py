"""Drawn cars: known geometry, symmetry, cars that differ, and hidden surfaces by brute force."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.distance import pdist, squareform

from vaentk.data.rendered import cars, zbuffer
from vaentk.data.rendered.car_designs import COUNT, KINDS, PAINTS, Tone, design
from vaentk.data.rendered.car_fittings import car
from vaentk.data.rendered.cars import NAMES, SIZES, Scene, draw
from vaentk.data.rendered.meshes import Mesh, box, normals, sheet
from vaentk.errors import UserError

Images = NDArray[np.uint8]
Floats = NDArray[np.float64]


def grid(elevations: list[int], azimuths: list[int], objects: list[int]) -> NDArray[np.int64]:
    axes = np.meshgrid(elevations, azimuths, objects, indexing="ij")
    return np.stack(axes, axis=-1).reshape(-1, 3).astype(np.int64)


def apart(a: Images, b: Images) -> Floats:
    """Mean absolute difference of images, in grey values."""
    return np.asarray(np.abs(a.astype(np.float64) - b).mean(axis=(-3, -2, -1)))


def one_of_each_kind() -> list[int]:
    first: dict[str, int] = {}
    for number in range(COUNT):
        first.setdefault(design(number, 0).kind, number)
    return list(first.values())


ONE_OF_EACH = one_of_each_kind()


@pytest.fixture(scope="module")
def around() -> Images:
    """A car of every kind at the lowest and highest elevation: (2, 12, 13, 64, 64, 3)."""
    images = draw(grid([0, 3], list(range(0, 24, 2)), ONE_OF_EACH))
    return images.reshape(2, 12, len(ONE_OF_EACH), 64, 64, 3)


# What is drawn


def test_the_factors_are_those_of_cars3d() -> None:
    assert SIZES == (4, 24, 183)
    assert NAMES == ("elevation", "azimuth", "object")
    assert len(ONE_OF_EACH) == len(KINDS) == 13


def test_an_image_depends_on_its_factors_alone() -> None:
    factors = grid([0, 2], [0, 5, 17], [3, 40, 181])
    images = draw(factors)
    assert images.shape == (18, 64, 64, 3)
    assert images.dtype == np.uint8
    order = np.random.default_rng(1).permutation(len(factors))
    np.testing.assert_array_equal(draw(factors[order]), images[order])
    np.testing.assert_array_equal(draw(factors[7:8]), images[7:8])
    np.testing.assert_array_equal(draw(factors[[4, 4]].astype(np.uint8)), images[[4, 4]])
    assert draw(factors[:0]).shape == (0, 64, 64, 3)


def test_a_seed_gives_other_cars() -> None:
    factors = grid([1], [2], list(range(20)))
    first, other = draw(factors), draw(factors, seed=1)
    assert np.median(apart(first, other)) > 4
    designs = [[design(number, seed) for number in range(COUNT)] for seed in (0, 1)]
    assert sum(a == b for a, b in zip(*designs, strict=True)) == 0


def test_no_two_cars_share_kind_and_paint() -> None:
    """15 paints, each up to 8% lighter or darker, for each of 13 kinds: 195 pairs for 183 cars."""
    assert len(PAINTS) * len(KINDS) == 195
    for seed in (0, 7):
        used = [design(number, seed) for number in range(COUNT)]
        bodies = np.array([one.palette[Tone.PAINT] for one in used])
        misfit = np.abs(bodies[:, None] / np.array(PAINTS) - 1).max(axis=2)
        assert misfit.min(axis=1).max() <= 0.08 + 1e-9
        kinds = [one.kind for one in used]
        assert len(set(zip(kinds, misfit.argmin(axis=1).tolist(), strict=True))) == COUNT


def test_all_cars_can_be_told_apart() -> None:
    """At one pose any two differ by 2 grey values on average; a car covers a quarter of it."""
    images = draw(grid([1], [2], list(range(COUNT)))).reshape(COUNT, -1)
    distances = squareform(pdist(images.astype(np.float64), "cityblock")) / images.shape[1]
    nearest = np.sort(distances, axis=1)[:, 1]
    assert nearest.min() > 2
    assert np.median(nearest) > 5


def test_neighbouring_poses_differ() -> None:
    objects = ONE_OF_EACH[::4]
    images = draw(grid([0, 1, 2, 3], [4, 5, 6, 7], objects)).reshape(4, 4, -1, 64, 64, 3)
    assert apart(images[1:], images[:-1]).min() > 3
    assert apart(images[:, 1:], images[:, :-1]).min() > 3


def test_white_around_and_nothing_cropped(around: Images) -> None:
    frame = np.ones((64, 64), bool)
    frame[2:-2, 2:-2] = False
    assert (around[..., frame, :] == 255).all()
    assert (around == 255).all(axis=-1).mean() > 0.5


def test_cars_fill_the_width_of_the_frame_as_in_cars3d(around: Images) -> None:
    seen = (around[0] != 255).any(axis=-1)
    lengths, widths = (seen[azimuth].any(axis=1).sum(axis=1) for azimuth in (3, 0))
    assert lengths.min() >= 46
    assert lengths.max() <= 60
    assert widths.min() >= 20
    assert widths.max() <= 30


def test_both_sides_are_mirror_images(around: Images) -> None:
    mirrored = around[:, -np.arange(12) % 12, :, :, ::-1]
    assert apart(around, mirrored).max() < 0.1
    different = np.abs(around.astype(np.int16) - mirrored).max(axis=-1) > 20
    assert different.mean(axis=(-2, -1)).max() < 0.002


def test_the_rear_has_red_lamps_and_the_front_has_not() -> None:
    """Of cars without red or brown elsewhere: red pixels at azimuths 0 and 12."""
    blue = [n for n in ONE_OF_EACH if np.argmax(design(n, 0).palette[Tone.PAINT]) == 2]
    assert blue
    images = draw(grid([1], [0, 12], blue)).astype(np.int16).reshape(2, -1, 64, 64, 3)
    red = (images[..., 0] > 90) & (images[..., 1:].max(axis=-1) < 0.6 * images[..., 0])
    lower = red[:, :, 32:].sum(axis=(-2, -1))
    assert (lower[1] >= lower[0] + 3).all()


def test_windows_and_wheels_are_where_they_belong() -> None:
    for number in range(COUNT):
        one = design(number, 0)
        mesh, shape = car(one), one.shape
        assert len(mesh.faces) < 4096
        z = {tone: mesh.points[mesh.faces[mesh.tones == tone], 2] for tone in Tone}
        assert z[Tone.TYRE].min() == pytest.approx(0, abs=1e-6)
        assert z[Tone.GLASS].min() > shape.wheel
        assert z[Tone.GLASS].max() < shape.height
        assert z[Tone.LAMP].size
        assert z[Tone.TAIL].max() < shape.height


@pytest.mark.parametrize(
    ("factors", "seed", "words"),
    [
        pytest.param([[4, 0, 0]], 0, "Row 0 .* elevation 4: give 0 to 3", id="elevation"),
        pytest.param([[0, 0, 0], [0, -1, 0]], 0, "Row 1 .* azimuth -1: give 0 to 23", id="azimuth"),
        pytest.param([[0, 0, 183]], 0, "object 183: give 0 to 182", id="object"),
        pytest.param([0, 0, 0], 0, r"int64 of shape \(3,\): give .* \(b, 3\)", id="one-row"),
        pytest.param([[0, 0]], 0, r"shape \(1, 2\)", id="two-columns"),
        pytest.param([[0.0, 1.0, 2.0]], 0, "float64 of shape", id="floats"),
        pytest.param([[0, 0, 0]], -1, "seed of the cars is -1", id="seed"),
    ],
)
def test_wrong_factors_are_one_sentence(factors: Any, seed: int, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        draw(np.array(factors), seed)
    assert str(caught.value).endswith(".")


# The camera


CUBE = box((-1, 1), (-1, 1), (0, 2), Tone.TAIL)
FRONT, TOP = normals(CUBE).argmax(axis=0)[[0, 2]]
PALETTE = np.zeros((len(Tone), 3))
PALETTE[Tone.TAIL] = [250, 0, 0]
PALETTE[Tone.BEACON] = [0, 250, 0]


def cube_with(face: int) -> Scene:
    tones = CUBE.tones.copy()
    tones[face] = Tone.BEACON
    return Scene(CUBE._replace(tones=tones), PALETTE)


def green_and_red(image: Images) -> tuple[float, float]:
    """Pixels covered by green and by red faces, from the colours' mixture with white."""
    red, _, blue = (255 - image.reshape(-1, 3).astype(np.float64)).sum(axis=0) / 255
    green = (red - blue * 5 / 255) / (1 - 5 / 255)
    return green, blue - green


def area(corners: Floats, elevation: float, turn: float, scale: float) -> float:
    """Area in pixels of a polygon as the camera sees it: rotations, a division, a shoelace.

    0 where the polygon shows its back.
    """
    c, s = np.cos(turn), np.sin(turn)
    right, ahead, z = np.array([[-s, c, 0], [c, s, 0], [0, 0, 1]]) @ (corners - [0, 0, 1]).T
    c, s = np.cos(elevation), np.sin(elevation)
    up, near = np.array([[-s, c], [c, s]]) @ [ahead, z]
    zoom = scale / (1 - near / cars.DISTANCE)
    x, y = right * zoom, up * zoom
    return max(0.0, float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def test_a_higher_camera_sees_more_roof_by_known_areas() -> None:
    """At 3 degrees the camera is lower than the cube's top; later the top grows."""
    scene = cube_with(TOP)
    turn = np.deg2rad(15)
    roofs = []
    for number, elevation in enumerate(cars.ELEVATIONS):
        areas = [area(face, elevation, turn, scene.scale) for face in CUBE.points[CUBE.faces]]
        roof, walls = green_and_red(scene.picture(number, 1))
        assert roof == pytest.approx(areas[TOP], rel=0.01, abs=0.1)
        assert walls == pytest.approx(sum(areas) - areas[TOP], rel=0.01)
        roofs.append(roof)
    assert roofs[0] == pytest.approx(0, abs=0.1)
    assert np.diff(roofs).min() > 50


def test_the_front_turns_from_the_middle_to_the_left_and_away() -> None:
    scene = cube_with(FRONT)
    pictures = [scene.picture(1, azimuth)[..., 0] < 128 for azimuth in (0, 2, 4, 6, 12)]
    middles = [np.nonzero(green)[1].mean() for green in pictures[:3]]
    assert middles[0] == pytest.approx(31.5)
    assert middles[0] - 5 > middles[1]
    assert middles[1] - 3 > middles[2]
    assert not pictures[3].any()
    assert not pictures[4].any()


def test_the_top_is_brightest_and_sides_alike_are_shaded_alike() -> None:
    """A grey cube over a corner: one shade for the top, one for both sides."""
    palette = np.full((len(Tone), 3), 100.0)
    mesh = CUBE._replace(tones=np.full(6, int(Tone.TYRE)))
    values = Scene(mesh, palette).picture(3, 3)[..., 0]
    shades, counts = np.unique(values[values < 255], return_counts=True)
    side, top = np.sort(shades[np.argsort(counts)[-2:]])
    c, s = np.cos(cars.ELEVATIONS[3]), np.sin(cars.ELEVATIONS[3])
    up, near = cars.LIGHT
    walls = -s * np.sqrt(0.5) * up + c * np.sqrt(0.5) * near
    for shade, towards in ((top, c * up + s * near), (side, walls)):
        assert shade == pytest.approx(100 * (cars.AMBIENT + cars.DIFFUSE * towards), abs=1)


# Nearest faces


def nearest_by_brute_force(
    points: Floats, triangles: NDArray[np.int64], side: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The nearest seen triangle at every pixel, by barycentric coordinates of its centre.

    Second, where a centre lies on an edge, so that it can belong to either side.
    """
    y, x = np.mgrid[:side, :side] + 0.5
    best, found, edge = np.zeros((side, side)), np.zeros((side, side), np.int64), x < 0
    for number, corners in enumerate(triangles.T):
        (xa, ya, qa), (xb, yb, qb), (xc, yc, qc) = points[corners]
        whole = (xb - xa) * (yc - ya) - (xc - xa) * (yb - ya)
        if whole >= 0:
            continue
        v = ((x - xa) * (yc - ya) - (xc - xa) * (y - ya)) / whole
        w = ((xb - xa) * (y - ya) - (x - xa) * (yb - ya)) / whole
        q = qa + v * (qb - qa) + w * (qc - qa)
        least = np.minimum(np.minimum(v, w), 1 - v - w)
        nearer = (least >= 0) & (q > best)
        best[nearer], found[nearer] = q[nearer], number + 1
        edge |= np.abs(least) < 1e-9
    return found, edge


def test_nearest_faces_agree_with_brute_force() -> None:
    generator = np.random.default_rng(3)
    owners = np.arange(1, 41)
    for _ in range(5):
        points = generator.random((120, 3)) * [40, 40, 1]
        points[:, :2] = (np.floor(points[:, :2] * 16) + 0.5) / 16
        x, y, nearness = points.T
        triangles = generator.permutation(120).reshape(3, 40)
        got = zbuffer.nearest_faces(x, y, nearness, triangles, owners, 40, (0, 40))
        expected, edge = nearest_by_brute_force(points, triangles, 40)
        assert (got > 0).mean() > 0.3
        assert edge.mean() < 0.01
        np.testing.assert_array_equal(got[~edge], expected[~edge])
        again = zbuffer.nearest_faces(x, y, nearness, triangles[:, ::-1], owners[::-1], 40, (0, 40))
        np.testing.assert_array_equal(again, got)


def test_a_closed_surface_has_no_gaps_and_its_area() -> None:
    """A ball of 2,400 faces covers pi r^2 pixels, every one of its rows without a break."""
    turn, rise = np.meshgrid(
        np.linspace(0, 2 * np.pi, 61), np.linspace(-np.pi / 2, np.pi / 2, 41), indexing="ij"
    )
    points = np.stack([np.cos(rise) * np.cos(turn), np.cos(rise) * np.sin(turn), np.sin(rise)], -1)
    ball: Mesh = sheet(points, 0)
    x, up, near = ball.points[:, 1], ball.points[:, 2], ball.points[:, 0]
    corners = ball.faces
    triangles = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]]).T
    faces = zbuffer.nearest_faces(
        64 + 50 * x, 64 - 50 * up, 0.5 + near / 4, triangles, np.full(4800, 7), 128, (0, 128)
    )
    covered = faces == 7
    assert covered.sum() == pytest.approx(np.pi * 50**2, rel=0.01)
    np.testing.assert_array_equal(ndimage.binary_fill_holes(covered), covered)
    assert (np.abs(np.diff(covered.astype(int), axis=1)).sum(axis=1) <= 2).all()
