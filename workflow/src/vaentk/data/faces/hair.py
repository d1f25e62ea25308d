"""Hair of a face: behind the head and in front of it, brows, beard."""

from dataclasses import dataclass

import numpy as np

from vaentk.data.faces.canvas import Floats, Patch, Values, filled, mix, wave
from vaentk.data.faces.head import SIDE, Head


@dataclass(frozen=True)
class Hair:
    """Hair of the head over the whole picture, float32 (n, 64, 64)."""

    cover: Values  # all that the hair could cover, in front of the face and behind it
    light: Values  # on its strands


def shape_hair(pixels: Values, head: Head) -> Hair:
    """Outline and strands of the hair."""
    patch = Patch(pixels, 0, 0, SIDE, SIDE)
    long, wavy, straight = head.has("Long_Hair"), head.has("Wavy_Hair"), head.has("Straight_Hair")
    volume, male = head.value("Hair_Volume"), head.has("Male")
    half = head.half + mix(mix(1.6, 3.2, volume) + 0.7 * (1 - male), mix(4, 6.5, volume), long)
    half += (wavy - 0.6 * straight) * mix(0.7, 1.5, long)
    rise = mix(1.5, 3.2, volume) + 0.5 * wavy + male * (1 - long) * mix(-0.3, 1.4, volume)
    y = head.y - 6
    reach = mix(14, mix(34, 60, head.value("Hair_Length")), long)
    height = y - head.top + rise
    distance = patch.egg(head.back, y, half, height, reach, -0.85 * long, 0.15)
    distance -= _ripples(patch, head)
    seen = (1 - head.has("Bald")) * (1 - head.hat_hides)
    light = head.light * _strands(patch, head, y, half, height)
    return Hair(filled(distance) * seen, light)


def _ripples(patch: Patch, head: Head) -> Values:
    """How far the outline bulges, in pixels: waves, a loose crown, a quiff to one side."""
    wavy, phase = head.has("Wavy_Hair"), head.value("Wave_Phase")
    period = head.value("Wave_Length")
    crown = np.clip((20 - patch.y) / 10, 0, 1)
    right = patch.x - head.back
    sides = wave(patch.y / period + phase + 0.22 * np.clip(right / 6, -1, 1))
    sides *= np.clip((patch.y - 10) / 10, 0, 1)
    waves = sides + 0.6 * wave(1.3 * patch.x / period + phase) * crown
    loose = 0.4 * wave(0.21 * patch.x + phase) * np.clip((16 - patch.y) / 10, 0, 1)
    lean = 0.13 * head.value("Parting") * (1 - head.has("Long_Hair"))
    quiff = lean * np.clip((22 - patch.y) / 12, 0, 1) * right
    return np.asarray(mix(loose, 1.25 * waves, wavy) + quiff, np.float32)


def _strands(patch: Patch, head: Head, y: Floats, half: Floats, height: Floats) -> Values:
    """Factor of the light on strands that run from the parting like meridians of a globe."""
    wavy, strands = head.has("Wavy_Hair"), head.value("Strands")
    up = np.clip((y - patch.y) / height, 0, 0.97)
    meridian = (patch.x - head.back - 8 * head.value("Parting")) / (half * np.sqrt(1 - up * up))
    phase = head.value("Wave_Phase")
    bend = wave((patch.y + 5 * meridian) / head.value("Wave_Length") + phase)
    meridian = meridian + bend * (0.165 * wavy)
    count = mix(mix(3.6, 4.8, strands), mix(2.3, 3, strands), wavy)
    # Two waves of unrelated periods look less like combing.
    pattern = 0.62 * wave(meridian * count + phase) + 0.5 * wave(meridian * (1.62 * count) + 0.3)
    strength = 0.04 + 0.15 * head.has("Straight_Hair") + 0.16 * wavy
    return np.asarray(1 + strength * pattern, np.float32)


def draw_back_hair(pixels: Values, head: Head, hair: Hair) -> None:
    """The hair behind head and neck, in shadow."""
    Patch(pixels, 0, 0, SIDE, SIDE).paint(hair.cover, head.hair * 0.72, hair.light)


def draw_front_hair(pixels: Values, head: Head, hair: Hair) -> None:
    """The hair around the face, its sheen, and the shine of a bald head."""
    patch = Patch(pixels, 0, 0, SIDE, SIDE)
    long, straight = head.has("Long_Hair"), head.has("Straight_Hair")
    # Short hair ends at the ears, men's in a soft edge.
    length = head.y + mix(1.5, 6, head.value("Hair_Length")) - patch.y
    end = np.clip(length / mix(2, 9, head.has("Male")) + 0.5, 0, 1)
    cover = hair.cover * (1 - _opening(patch, head)) * np.maximum(long, end)
    patch.paint(cover, head.hair, hair.light)
    sheen = patch.glow(head.back + 6 * head.light_x, head.y - 22.5, 13, 5.5)
    bright = np.minimum(head.hair * 1.25 + 48, 255)
    patch.paint(sheen * cover * (0.1 + 0.65 * straight), bright, hair.light)
    shine = patch.glow(head.back + 6 * head.light_x, head.y - 21, 7, 5)
    patch.paint(shine * (0.45 * head.has("Bald")), np.minimum(head.skin * 1.2 + 22, 255))


def _opening(patch: Patch, head: Head) -> Values:
    """Cover of the face's part that hair leaves free: below the hairline or the fringe."""
    has, value = head.has, head.value
    long, bangs, receding = has("Long_Hair"), has("Bangs"), has("Receding_Hairline")
    male, line = has("Male"), value("Hairline")
    hairline = head.y - 20.2 + 2.2 * line + 0.6 * male - mix(4.2, 5.6, line) * receding
    top = mix(hairline, head.y - 10.4 + 2.9 * line, bangs)
    half = head.half * mix(0.93, 0.89, long) - 0.3 * bangs + 0.5 * receding
    x, y = head.back + 3 * head.sin, head.y + 4
    straight_cut = 0.12 + 0.5 * bangs + 0.4 * male * (1 - bangs) * (1 - long)
    opening = filled(patch.egg(x, y, half, y - top, 40, -0.2 - 0.8 * long, straight_cut))
    # The parting: the hairline is highest there and lower to one side; a fringe is ragged.
    right, parting = patch.x - x, value("Parting")
    plain = (1 - bangs) * (1 - receding)
    slant = 0.16 * parting * (1 - receding) * (1 - 0.6 * bangs)
    edge = slant * (8 + 1.6 * right)
    edge = edge + (0.15 * (1 - male) + 0.42 * long) * plain * np.abs(right - 7 * parting)
    ragged = wave(right / mix(4, 7, value("Strands")) + value("Wave_Phase"))
    edge = edge + (0.3 + 0.6 * bangs) * ragged
    opening = opening * np.clip(patch.y - top - edge + 0.5, 0, 1)
    for side in (-1, 1):
        temple = filled(patch.egg(x + 0.58 * side * half, top + 4.2, 4.6, 6.2, 9))
        opening = np.maximum(opening, temple * receding)
    return np.asarray(opening, np.float32)


def draw_brows(pixels: Values, head: Head) -> None:
    """Both brows, blunt towards the nose."""
    bushy, arched, male = head.has("Bushy_Eyebrows"), head.has("Arched_Eyebrows"), head.has("Male")
    arch, thickness = head.value("Brow_Arch"), head.value("Brow_Thickness")
    thick = mix(0.55 + 0.2 * thickness + 0.22 * male, 1.35 + 0.5 * thickness, bushy)
    bow = mix(0.35 + 0.4 * arch - 0.25 * male, 1.9 + 0.8 * arch, arched)
    y = head.y - 5 + head.value("Brow_Height") - 0.5 * arched - 0.3 * bushy
    for side in (-1, 1):
        patch = Patch(pixels, 9 if side < 0 else 26, 19, 38 if side < 0 else 55, 33)
        x = head.across(side * (8.7 + head.value("Eye_Spacing")), 1.4)
        half = (4.7 + 0.5 * bushy) * head.narrowed(side, 0.2)
        slope = -side * (0.6 * arch + 0.25 * arched)
        brow = patch.lens(x, y, half, slope, -bow - thick, -bow + thick)
        inner = patch.lens(
            x - 0.42 * side * half,
            y - 0.1,
            0.58 * half,
            0.5 * slope,
            -0.62 * bow - 1.05 * thick,
            -0.62 * bow + 0.95 * thick,
        )
        patch.paint(np.maximum(brow, inner) * mix(0.78, 0.96, bushy), head.brows)


def draw_beard(pixels: Values, head: Head) -> None:
    """Beard along the jaw, or goatee and mustache with a shaven jaw."""
    patch = Patch(pixels, 4, 34, 60, SIDE)
    strength, has_beard = head.value("Beard"), 1 - head.has("No_Beard")
    goatee, mustache = head.has("Goatee"), head.has("Mustache")
    shaven = np.maximum(goatee, mustache)
    colour = mix(head.brows, head.hair * 0.8, np.float32(0.35))
    grain = 1 + 0.07 * wave(0.37 * patch.x + wave(0.31 * patch.y))
    light = head.light[patch.where] * grain
    x, y = head.across(0, 3.4), head.y + 18.2

    jaw = filled(head.outline(patch, grow=mix(0.2, 1.4, strength) * (1 - shaven)), soft=1.2)
    t = (patch.x - 0.5 * (x + head.back)) / head.half
    t2 = np.minimum(t * t, 1)
    cheek = head.y + 16.5 - 9.5 * t2 * t2 - 4 * np.sqrt(t2)
    lips = filled(patch.egg(x, y + 0.6, 7.2, 4.2, 3.4), soft=2)
    jaw = jaw * np.clip((patch.y - cheek) / 3, 0, 1) * (1 - 0.85 * lips)
    density = mix(mix(0.6, 0.92, strength), 0.22 * strength, shaven)
    patch.paint(jaw * (density * has_beard), colour, light)

    x = head.across(0, 4)
    chin = patch.egg(x, head.y + 24.5, 5.6 + 0.8 * strength, 3.6, 5.2 + strength, 0, 0.6)
    patch.paint(filled(chin, soft=1.6) * goatee * mix(0.78, 0.95, strength), colour, light)
    _draw_mustache(patch, head, x, y, colour, light)


def _draw_mustache(
    patch: Patch, head: Head, x: Floats, y: Floats, colour: Floats, light: Floats
) -> None:
    """A mustache whose halves slope down to the corners of the mouth."""
    size = head.value("Mustache_Size")
    shape = patch.lens(x, y - 2.1 - 0.4 * size, 7.2 + 0.8 * size, 0, -1.5 - 0.7 * size, 0.8)
    for side in (-1, 1):
        half = patch.lens(x + 3.3 * side, y - 1.6, 3.6, 1.6 * side, -1.5, 0.9)
        shape = np.maximum(shape, half)
    patch.paint(shape * (head.has("Mustache") * mix(0.85, 0.97, size)), colour, light)
