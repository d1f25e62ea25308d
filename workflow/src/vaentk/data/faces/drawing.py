"""Drawn faces with CelebA's attributes, for where CelebA itself cannot be downloaded."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vaentk.data.faces import hair, skin
from vaentk.data.faces.attributes import ATTRIBUTES, Faces, sample
from vaentk.data.faces.canvas import Patch, Values, filled, hsv, mix, outlined, rgb, wave
from vaentk.data.faces.head import SIDE, Head
from vaentk.data.facts import Facts
from vaentk.data.stored import Blocks

BATCH: Final = 32  # fastest as measured: smaller calls cost overhead, larger ones leave the cache


def images(*, source: int, **_: Any) -> Blocks:
    """So many drawn faces with known attributes, which stand in for CelebA."""
    faces = sample(source, np.random.default_rng(0))
    pixels = draw(faces).transpose(0, 3, 1, 2)
    parts = np.searchsorted([8 * source // 10, 9 * source // 10], np.arange(source), side="right")
    facts = Facts(
        "faces", "celeba", "stand-in", "drawn by vaentk", (3, SIDE, SIDE), source, (), ATTRIBUTES
    )
    others = {"attributes": faces.attributes.astype(np.uint8), "parts": parts.astype(np.uint8)}
    return Blocks([pixels], pixels.shape, others, facts.text())


def draw(faces: Faces) -> NDArray[np.uint8]:
    """Draw n faces as illustrated portraits, framed as CelebA's aligned pictures are.

    Returns
    -------
    uint8 (n, 64, 64, 3)
        Red, green, blue, 0 to 255. A face gives the same bytes whatever faces are drawn with it.
    """
    images = np.empty((len(faces.attributes), SIDE, SIDE, 3), np.uint8)
    for start in range(0, len(images), BATCH):
        part = slice(start, start + BATCH)
        pixels = _layers(Head(Faces(faces.attributes[part], faces.nuisance[part])))
        images[part] = np.rint(np.clip(pixels, 0, 255)).transpose(1, 2, 3, 0)
    return images


def _layers(head: Head) -> Values:
    """All layers, from the back to the front, float32 (3, n, 64, 64)."""
    pixels = np.zeros((3, *head.light.shape), np.float32)
    _draw_backdrop(pixels, head)
    _draw_shoulders(pixels, head)
    own_hair = hair.shape_hair(pixels, head)
    hair.draw_back_hair(pixels, head, own_hair)
    skin.draw_neck(pixels, head)
    skin.draw_face(pixels, head)
    skin.draw_cheeks(pixels, head)
    skin.draw_folds(pixels, head)
    hair.draw_beard(pixels, head)
    skin.draw_nose(pixels, head)
    skin.draw_mouth(pixels, head)
    skin.draw_eyes(pixels, head)
    hair.draw_brows(pixels, head)
    hair.draw_front_hair(pixels, head, own_hair)
    _draw_glasses(pixels, head)
    _draw_hat(pixels, head)
    return pixels


def _draw_backdrop(pixels: Values, head: Head) -> None:
    """A gradient between two related colours, and a soft bright spot."""
    patch, value = Patch(pixels, 0, 0, SIDE, SIDE), head.value
    hue, saturation = value("Backdrop_Hue"), value("Backdrop_Saturation")
    bright, tilt = value("Backdrop_Value"), value("Backdrop_Tilt")
    above = hsv(hue, saturation, bright)
    below = hsv(
        hue + value("Backdrop_Turn"),
        0.8 * saturation,
        np.clip(bright + value("Backdrop_Fall"), 0.08, 1),
    )
    steep = np.abs(tilt)
    ramp = (1 - steep) * patch.y / SIDE + tilt * (patch.x / SIDE - 0.5) + 0.5 * steep
    pixels[:] = mix(above, below, ramp)
    spot = patch.glow(value("Spot_X"), value("Spot_Y"), 26, 26)
    patch.paint(spot * np.float32(0.35), rgb(235, 235, 235))


def _draw_shoulders(pixels: Values, head: Head) -> None:
    patch, value = Patch(pixels, 0, 48, SIDE, SIDE), head.value
    male = head.has("Male")
    cloth = hsv(value("Cloth_Hue"), value("Cloth_Saturation"), value("Cloth_Value"))
    half = 27 + 5 * male + 3 * head.has("Chubby")
    bottom = np.full_like(half, 80)
    shape = patch.egg(head.back - 2 * head.sin, bottom, half, 21 - 1.5 * male, 30, 0, 0.7)
    patch.paint(filled(shape), cloth, head.light[patch.where])


def _draw_glasses(pixels: Values, head: Head) -> None:
    patch, value = Patch(pixels, 4, 22, 60, 46), head.value
    worn, rim = head.has("Eyeglasses"), value("Rim_Thickness")
    square, size = mix(-0.1, 0.85, value("Rim_Shape")), value("Rim_Size")
    colour = hsv(value("Rim_Hue"), rim - 0.25, value("Rim_Value"))
    height = mix(4, 5.2, size)
    for side in (-1, 1):
        x = head.across(side * 8.7, 3)
        half = mix(5.4, 6.4, size) * head.narrowed(side, 0.2)
        lens = patch.egg(
            x, head.y + 0.9, half, height - 0.5 * value("Rim_Shape"), height, -square, square
        )
        glass = filled(lens) * worn
        patch.paint(glass * np.float32(0.1), rgb(215, 232, 245))
        glint = patch.glow(x + 2 * head.lit_side - 1, head.y - 1.2, 3.2, 2.2)
        patch.paint(glint * glass * np.float32(0.25), rgb(255, 255, 255))
        patch.paint(outlined(lens, rim) * worn, colour)
        # The arm reaches from the lens to the ear, unless the head hides it.
        ear, hinge = head.back + side * head.half * head.cos, x + side * half
        reach = 0.5 * np.abs(ear - hinge) + 1.1 - np.abs(patch.x - 0.5 * (ear + hinge))
        arm = np.clip(reach, 0, 1) * np.clip(rim + 0.5 - np.abs(patch.y - head.y + 0.6), 0, 1)
        patch.paint(arm * worn * np.clip(side * (ear - hinge) + 0.4, 0, 1), colour)
    bridge = patch.lens(head.across(0, 5), head.y + 0.4, 3.4 * head.cos, 0, -1.2 - rim, rim - 1)
    patch.paint(bridge * worn, colour)


def _draw_hat(pixels: Values, head: Head) -> None:
    """From a knitted cap without a brim to a hat with a wide one."""
    patch, value = Patch(pixels, 0, 0, SIDE, 34), head.value
    worn, brim = head.has("Wearing_Hat"), value("Hat_Brim")
    colour = hsv(value("Hat_Hue"), value("Hat_Saturation"), value("Hat_Value"))
    y = head.y - 12.8 + value("Hat_Height")
    half = head.half + mix(2.2, 3.4, value("Hair_Volume")) + 1.2 * head.has("Long_Hair")
    knit = 1 + 0.08 * wave(np.float32(0.28) * (patch.x - head.back)) * (1 - np.clip(3 * brim, 0, 1))
    light = head.light[patch.where] * knit
    crown = filled(patch.egg(head.back, y, half, 21 + 2 * brim, 3, -0.6, 0.25 + 0.4 * brim)) * worn
    patch.paint(crown, colour, light)
    band = crown * np.clip(patch.y - y + 3.9, 0, 1)
    patch.paint(band, colour * mix(0.72, 0.5, brim), light)
    edge = patch.lens(
        head.back + 2 * head.sin, y + 1.8, half + mix(0.5, 9, brim), 0, -1.3, 2.4 - 0.6 * brim
    )
    patch.paint(edge * worn * np.clip(3 * brim - 0.6, 0, 1), colour * 0.9, light)
