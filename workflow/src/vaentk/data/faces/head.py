"""Measures, colours and light of a head: what all layers of a face share."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from vaentk.data.faces.attributes import ATTRIBUTES, COLOURS, NUISANCES, Faces
from vaentk.data.faces.canvas import Floats, Patch, Terms, Values, mix, rgb

SIDE: Final = 64
# Where the eyes are in CelebA's aligned pictures, cropped to 148 x 148 and reduced to 64 x 64.
EYE_LINE: Final = 33.0
MIDDLE: Final = 32.0

SKIN: Final = (
    rgb(232, 187, 153),
    rgb(220, 172, 134),
    rgb(200, 148, 108),
    rgb(152, 102, 70),
    rgb(100, 66, 50),
)
PALE: Final = (rgb(247, 220, 206), rgb(245, 211, 194))
# From the darkest to the lightest of each colour; hair of none of these is red.
HAIR: Final = {
    "Black_Hair": (rgb(18, 16, 20), rgb(40, 34, 34)),
    "Blond_Hair": (rgb(198, 156, 88), rgb(240, 214, 150)),
    "Brown_Hair": (rgb(76, 52, 36), rgb(126, 90, 62)),
    "Gray_Hair": (rgb(140, 140, 146), rgb(222, 222, 224)),
}
RED: Final = (rgb(206, 102, 40), rgb(158, 52, 28), rgb(108, 20, 46))
# How much of the shadow's loss of light red, green and blue are spared: shadows on skin are warm.
WARMTH: Final = (0.16, 0.04, 0.0)


def along(stops: Sequence[Values], share: Values) -> Values:
    """Colour at a share, 0 to 1, of the way through evenly spaced stops; float32 (3, n, 1, 1)."""
    step = share * (len(stops) - 1)
    found = stops[0]
    for index, (start, end) in enumerate(pairwise(stops)):
        found = mix(found, found + (end - start), np.clip(step - index, 0, 1))
    return found


def sine_cosine(degrees: Floats) -> tuple[Floats, Floats]:
    """Sine and cosine of angles up to 65 degrees, to 1e-4, by Taylor's polynomials."""
    angle = degrees * np.float32(np.pi / 180)
    square = angle * angle
    sine = angle * (1 - square / 6 * (1 - square / 20 * (1 - square / 42)))
    return sine, 1 - square / 2 * (1 - square / 12 * (1 - square / 30))


class Head:
    """A batch of n heads: every measure float32 (n, 1, 1) in pixels, every colour (3, n, 1, 1).

    A head is a solid that turns: a feature has a place across the face and a depth. Depth 0 is the
    plane of the eyes, which alignment keeps in place; the head's outline is 9 pixels behind it.
    """

    def __init__(self, faces: Faces) -> None:
        self._flags = faces.attributes.T.astype(np.float32)[:, :, None, None]
        self._values = faces.nuisance.T.astype(np.float32)[:, :, None, None]
        has, value = self.has, self.value
        self.old = (1 - has("Young")) * mix(0.6, 1, value("Age"))
        self.hat_hides = has("Wearing_Hat") * (1 - has("Long_Hair"))
        # 1 where the light comes from the right, -1 where from the left.
        self.lit_side = 1 - 2 * has("Lit_From_Left")
        self._measure()
        self._colour()
        self._light()

    def has(self, attribute: str) -> Values:
        """1 where the attribute is present, 0 where not, float32 (n, 1, 1)."""
        return np.asarray(self._flags[ATTRIBUTES.index(attribute)])

    def value(self, nuisance: str) -> Values:
        """Continuous cause, float32 (n, 1, 1)."""
        return np.asarray(self._values[list(NUISANCES).index(nuisance)])

    def across(self, place: Terms, depth: float) -> Values:
        """Position in x of a feature at a place across the face (0 its middle) and a depth."""
        return np.asarray(self.x + place * self.cos + depth * self.sin, np.float32)

    def narrowed(self, side: int, loss: float) -> Values:
        """Factor of a feature's width by turning; the side turned away loses more."""
        return np.asarray(self.cos - loss * np.maximum(side * self.sin, 0), np.float32)

    def outline(self, patch: Patch, grow: Terms = 0.0) -> Values:
        """Signed distance to the face's outline, widened at the jaw by `grow`."""
        round_top = 0.38 + 0.35 * self.has("Bald")
        return patch.egg(
            self.back,
            self.widest,
            self.half + 0.2 * grow,
            self.widest - self.top,
            self.chin - self.widest + grow,
            self.pointed,
            round_top,
        )

    def _measure(self) -> None:
        has, value = self.has, self.value
        male, chubby, oval = has("Male"), has("Chubby"), has("Oval_Face")
        self.turn = value("Yaw") * (1 - 2 * has("Facing_Left"))
        self.sin, self.cos = sine_cosine(self.turn)
        self.x = MIDDLE + value("Shift_X")
        self.y = EYE_LINE + value("Shift_Y")
        self.back = self.x - 9 * self.sin
        cheeks, chin = value("Cheeks"), value("Chin")
        self.half = 15.6 + 0.7 * male + value("Face_Width")
        self.half += mix(1.2, 2.0, cheeks) * chubby - mix(0.8, 1.5, cheeks) * oval
        self.widest = self.y + 2 + 3.5 * chubby - 1.5 * oval
        self.top = self.y - 26.5 - value("Forehead") + 1.5 * has("Bald")
        self.chin = self.y + 26.3 + value("Face_Length") + 0.9 * male + chubby
        self.chin += mix(0.8, 1.8, chin) * oval
        self.pointed = 0.06 + 0.2 * (chin - 0.5) - 0.4 * male + 0.26 * oval
        self.pointed -= mix(0.1, 0.3, chin) * chubby

    def _colour(self) -> None:
        has, value = self.has, self.value
        pale = has("Pale_Skin")
        self.dark = value("Skin_Tone") * (1 - pale)
        skin = mix(along(SKIN, value("Skin_Tone")), along(PALE, value("Skin_Tone")), pale)
        skin = skin * (1 + value("Undertone") * rgb(0.04, 0.0, -0.09))
        # Older skin is less saturated.
        self.skin = mix(skin, 0.25 * skin + rgb(0.66, 0.6, 0.56) * skin[:1], 0.26 * self.old)
        self.fold = self.skin * rgb(0.62, 0.5, 0.48)
        self.hair = along(RED, value("Hair_Shade"))
        for name in COLOURS:
            self.hair = mix(self.hair, along(HAIR[name], value("Hair_Shade")), has(name))
        hidden = np.maximum(has("Bald"), self.hat_hides)
        brows = mix(mix(self.hair, rgb(44, 30, 24), np.float32(0.45)), rgb(50, 36, 30), hidden)
        self.brows = mix(brows, rgb(40, 28, 22), 0.6 * self.dark)

    def _light(self) -> None:
        """Light on a round head, as if it filled the picture: float32 (n, 64, 64)."""
        sine, cosine = sine_cosine(self.value("Light_Angle") * self.lit_side)
        self.light_x = sine
        grid = Patch(np.zeros((3, 1, SIDE, SIDE), np.float32), 0, 0, SIDE, SIDE)
        right, down = (grid.x - self.back) / (self.half + 5), (grid.y - self.y) / 36
        front = np.sqrt(np.maximum(1 - right * right - down * down, np.float32(0.04)))
        facing = np.maximum(sine * right - 0.35 * down + cosine * front, np.float32(0)) / 1.06
        ambient = self.value("Ambient_Light")
        self.light = np.asarray(ambient + (1.1 - ambient) * facing, np.float32)
        self.skin_light = np.stack([self.light + spared * (1 - self.light) for spared in WARMTH])
