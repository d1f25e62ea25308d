"""Small cars on the factor grid of Cars3D, drawn here: elevation, azimuth and object."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vaentk.data.rendered.car_designs import COUNT, Tone, design
from vaentk.data.rendered.car_fittings import car
from vaentk.data.rendered.meshes import Floats, Ints, Mesh, normals
from vaentk.data.rendered.zbuffer import nearest_faces
from vaentk.errors import UserError

SIZES: Final = (4, 24, COUNT)
NAMES: Final = ("elevation", "azimuth", "object")

SIDE: Final = 64
FINE: Final = 4  # samples a pixel, in each direction

ELEVATIONS: Final = np.deg2rad([3.0, 9.0, 15.0, 21.0])
DISTANCE: Final = 17.0  # metres from the camera to a car's middle
REACH: Final = 29.0  # pixels from the middle that no car leaves

# Where the light comes from, upwards and towards the camera. Not from a side, so that one side of
# a car is the mirror image of the other.
LIGHT: Final = (0.83, 0.56)
HALFWAY: Final = (0.47, 0.883)  # between light and camera: normals that mirror the light
AMBIENT: Final = 0.5
DIFFUSE: Final = 0.62
GLINT: Final = 60.0
LIGHTEST: Final = 250  # of a face, so that 255 is nothing but the background
GLOSSY: Final = (Tone.PAINT, Tone.SECOND, Tone.GLASS, Tone.CHROME)
UNSHADED: Final = (
    Tone.LAMP, Tone.TAIL, Tone.PLATE, Tone.BEACON,
    Tone.SHADOW, Tone.HALF_SHADOW, Tone.RIM_OF_SHADOW,
)  # fmt: skip


def draw(factors: NDArray[np.int64], seed: int = 0) -> NDArray[np.uint8]:
    """Images of cars in the poses of Cars3D, on white.

    An image is a function of its row of factors and the seed alone, whatever else is drawn. All
    images of an object that are asked for together share its mesh.

    Parameters
    ----------
    factors : int64 (b, 3)
        Elevation 0..3 (3, 9, 15 and 21 degrees), azimuth 0..23 (steps of 15 degrees; 0 is the
        front, at 6 the front is on the left, 12 is the rear) and object 0..182.
    seed : int
        Chooses the 183 designs.

    Returns
    -------
    uint8 (b, 64, 64, 3)
        RGB.

    Raises
    ------
    UserError
        If the factors have another shape or type or leave their ranges, or the seed is negative.
    """
    _check(factors, seed)
    images = np.empty((len(factors), SIDE, SIDE, 3), np.uint8)
    for number in np.unique(factors[:, 2]).tolist():
        one = design(number, seed)
        scene = Scene(car(one), np.array(one.palette))
        for row in np.flatnonzero(factors[:, 2] == number):
            images[row] = scene.picture(*factors[row, :2].tolist())
    return images


def _check(factors: NDArray[np.int64], seed: int) -> None:
    """Refuse factors outside the grid."""
    if factors.ndim != 2 or factors.shape[1] != len(SIZES) or factors.dtype.kind not in "iu":
        raise UserError(
            f"The factors of the cars are {factors.dtype} of shape {factors.shape}: "
            f"give whole numbers of shape (b, 3), {', '.join(NAMES)} a row."
        )
    wrong = np.argwhere((factors < 0) | (factors >= SIZES))
    if len(wrong):
        row, column = wrong[0].tolist()
        raise UserError(
            f"Row {row} of the factors has {NAMES[column]} {factors[row, column]}: "
            f"give 0 to {SIZES[column] - 1}."
        )
    if seed < 0:
        raise UserError(f"The seed of the cars is {seed}: give a whole number from 0 on.")


class Scene:
    """One mesh on white, as large as fits at every azimuth.

    Parameters
    ----------
    mesh : Mesh
        At most 4095 faces.
    palette : float64 (tones, 3)
        RGB 0..255.
    """

    def __init__(self, mesh: Mesh, palette: Floats) -> None:
        self.points = mesh.points - [0, 0, mesh.points[:, 2].max() / 2]
        self.scale = _scale(mesh.points)
        self.triangles = np.concatenate([mesh.faces[:, [0, 1, 2]], mesh.faces[:, [0, 2, 3]]]).T
        self.owners = np.tile(np.arange(1, len(mesh.faces) + 1), 2)
        self.normals = normals(mesh)
        self.colours = palette[mesh.tones]
        self.shaded = np.where(np.isin(mesh.tones, UNSHADED), 0.0, 1.0)
        self.glint = np.where(np.isin(mesh.tones, GLOSSY), GLINT, 0.0)

    def picture(self, elevation: int, azimuth: int) -> NDArray[np.uint8]:
        """The mesh from one direction, uint8 (64, 64, 3)."""
        tilt, turn = ELEVATIONS[elevation], azimuth * 2 * np.pi / SIZES[1]
        # Rounded, because the last digits of a sine differ between machines.
        angles = [float(np.round(f(angle), 12)) for angle in (tilt, turn) for f in (np.sin, np.cos)]
        right, up, near = _camera_axes(self.points, *angles)
        nearness = DISTANCE / (DISTANCE - near)
        zoom = FINE * self.scale * nearness
        x, y = FINE * SIDE / 2 + zoom * right, FINE * SIDE / 2 - zoom * up
        first, last = int(y.min() // FINE), int(y.max() // FINE) + 1
        rows = FINE * first, FINE * last
        faces = nearest_faces(x, y, nearness / 2, self.triangles, self.owners, FINE * SIDE, rows)
        image = np.full((SIDE, SIDE, 3), 255, np.uint8)
        image[first:last] = _averaged(faces, self._lit(angles))
        return image

    def _lit(self, angles: list[float]) -> Ints:
        """Colours 0..255 of white and then of every face, int64 (1 + f, 3)."""
        _, up, near = _camera_axes(self.normals, *angles)
        diffuse = np.maximum(0, LIGHT[0] * up + LIGHT[1] * near)
        fourth = (HALFWAY[0] * up + HALFWAY[1] * near) ** 2
        fourth *= fourth
        bright = 1 + self.shaded * (AMBIENT - 1 + DIFFUSE * diffuse)
        glint = self.glint * (fourth * fourth * fourth)
        colours = np.full((1 + len(self.colours), 3), 255, np.int64)
        colours[1:] = np.minimum(self.colours * bright[:, None] + glint[:, None] + 0.5, LIGHTEST)
        return colours


def _camera_axes(
    vectors: Floats, sin_tilt: float, cos_tilt: float, sin_turn: float, cos_turn: float
) -> tuple[Floats, Floats, Floats]:
    """Vectors (v, 3) of the car as the camera sees them: right, up and towards it, each (v,)."""
    # Products written out: a matrix product rounds differently from machine to machine.
    x, y, z = vectors.T
    ahead = x * cos_turn + y * sin_turn
    right = y * cos_turn - x * sin_turn
    return right, z * cos_tilt - ahead * sin_tilt, ahead * cos_tilt + z * sin_tilt


def _scale(points: Floats) -> float:
    """Pixels a metre: long cars reach the limit, shorter ones come close to it."""
    radius = float(np.sqrt((points[:, :2] ** 2).sum(axis=1)).max())
    # What a circle's outline gains by perspective.
    radius /= float(np.sqrt(1 - (radius / DISTANCE) ** 2))
    return float(round(REACH / radius * min(1.0, radius / 3.0) ** 0.35, 9))


def _averaged(faces: Ints, colours: Ints) -> NDArray[np.uint8]:
    """Mean colours of FINE x FINE samples: faces (h, w), their colours (1 + f, 3)."""
    # Three sums in one number, twenty bits each.
    packed = (colours[:, 0] << 40) | (colours[:, 1] << 20) | colours[:, 2]
    samples = packed[faces.ravel()].reshape(-1, FINE, faces.shape[1])
    lines = samples.sum(axis=1)
    sums = lines.reshape(len(lines), -1, FINE).sum(axis=2)
    channels = np.stack([(sums >> shift) & 0xFFFFF for shift in (40, 20, 0)], axis=-1)
    return ((channels + FINE**2 // 2) // FINE**2).astype(np.uint8)
