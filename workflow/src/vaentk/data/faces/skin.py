"""Skin and features of a face: neck, ears, cheeks, folds, nose, mouth, eyes."""

import numpy as np

from vaentk.data.faces.canvas import Floats, Patch, Values, filled, hsv, mix, rgb
from vaentk.data.faces.head import SIDE, Head

SIDES = (-1, 1)  # left and right in the picture


def draw_neck(pixels: Values, head: Head) -> None:
    """The neck, widening to the shoulders, in the shadow of the chin."""
    patch = Patch(pixels, 8, 44, 56, SIDE)
    x = head.back - head.sin
    half = 8.2 + 2.2 * head.has("Male") + 1.6 * head.has("Chubby")
    edge = half + 0.8 * np.maximum(patch.y - 58, 0) - np.abs(patch.x - x)
    neck = np.clip(edge + 0.5, 0, 1)
    patch.paint(neck, head.skin * rgb(0.8, 0.76, 0.744), head.light[patch.where])
    shadow = patch.egg(
        head.back - head.lit_side,
        head.widest + 2.2,
        head.half - 1,
        head.widest - head.top,
        head.chin - head.widest + 0.8,
        head.pointed,
    )
    patch.paint(neck * filled(shadow, soft=4) * np.float32(0.4), head.skin * 0.45)


def draw_face(pixels: Values, head: Head) -> None:
    """The bare face and its ears, the nearer one in front of it."""
    _draw_ears(pixels, head, in_front=False)
    patch = Patch(pixels, 0, 0, SIDE, SIDE)
    patch.paint(filled(head.outline(patch)), head.skin, head.skin_light)
    _draw_ears(pixels, head, in_front=True)


def _draw_ears(pixels: Values, head: Head, in_front: bool) -> None:
    for side in SIDES:
        patch = Patch(pixels, 3 if side < 0 else 32, 28, 32 if side < 0 else 61, 46)
        x = head.back + side * (head.half * head.cos + 0.7)
        ear = patch.egg(x, head.y + 3.2, 2.5, 4.6 + 0.5 * head.old, 5.2 + 0.6 * head.old, 0.3)
        near = np.clip(-side * head.turn / 6, 0, 1)
        shown = filled(ear) * near if in_front else filled(ear)
        patch.paint(shown, head.skin * 0.94, head.skin_light[patch.where])
        if in_front:
            hollow = np.maximum(near, 0.4 * np.clip(1 - np.abs(head.turn) / 12, 0, 1))
            patch.paint(patch.glow(x, head.y + 3.4, 1.6, 3.2) * 0.45 * hollow, head.fold)


def draw_cheeks(pixels: Values, head: Head) -> None:
    """Red of the cheeks, more of it with a smile, and shade of the eyes' sockets."""
    patch = Patch(pixels, 12, 24, 52, 52)
    inside = filled(head.outline(patch), soft=2)
    smile = head.has("Smiling")
    blush = mix(head.skin * rgb(1, 0.72, 0.68), rgb(222, 92, 86), np.float32(0.25))
    strength = 0.15 + 0.16 * smile - 0.05 * head.has("Male")
    for side in SIDES:
        cheek = patch.glow(head.across(side * 9.8, 2), head.y + 9.8 - 0.8 * smile, 6, 5)
        patch.paint(inside * cheek * strength, blush)
        socket = patch.glow(head.across(side * 8.4, 1), head.y - 1.2, 6.4, 4.4)
        patch.paint(inside * socket * np.float32(0.2), head.fold)


def draw_folds(pixels: Values, head: Head) -> None:
    """Lines of forehead and chin, under and beside the eyes and the mouth, by age and weight."""
    patch = Patch(pixels, 18, 12, 46, 26)
    for line in range(3):
        y = head.y - 11.2 - 2.5 * line
        wrinkle = patch.lens(head.across(0, 2), y, 8 - line, 0, -1.1, -0.1)
        patch.paint(wrinkle * (0.7 * head.old), head.fold)
    for side in SIDES:
        patch = Patch(pixels, 8 if side < 0 else 28, 28, 36 if side < 0 else 56, 56)
        _draw_lines(patch, head, side)
    patch = Patch(pixels, 16, 50, 48, SIDE)
    hollow = patch.glow(head.across(0, 5), head.y + 22.2, 4.2, 1.7)
    patch.paint(hollow * np.float32(0.28), head.fold)
    second_chin = patch.lens(head.across(0, -4), head.chin - 3.9, 8.5, 0, 2.1, 3.3)
    patch.paint(second_chin * (0.6 * head.has("Chubby")), head.fold)


def _draw_lines(patch: Patch, head: Head, side: int) -> None:
    """Bag under the eye, fold beside the mouth, lines beside the eye, on one side."""
    bag = patch.lens(head.across(side * 8.4, 1), head.y + 3, 3.8 * head.cos, 0, 0.5, 1.7)
    patch.paint(bag * (0.65 * head.old), head.fold)
    t = (patch.y - (head.y + 14.2)) / 4.6
    line = head.across(side * 6.3, 3) + side * (1.5 * t - 0.9 * t * t) * head.cos
    fold = np.clip(0.8 - np.abs(patch.x - line), 0, 1) * np.maximum(1 - t * t, 0)
    patch.paint(fold * np.maximum(0.75 * head.old, 0.2 * head.has("Smiling")), head.fold)
    for way in SIDES:
        x, y = head.across(side * 14, -2), head.y + 0.6 + 1.1 * way
        foot = patch.lens(x, y, 1.6, 0.7 * side * way, -0.45, 0.45)
        patch.paint(foot * (0.75 * head.old), head.fold)


def draw_nose(pixels: Values, head: Head) -> None:
    """Nostrils, wings and tip, and the bridge between its bright and its shaded side."""
    patch = Patch(pixels, 18, 26, 48, 52)
    half = 2.9 + head.value("Nose_Width") + 0.55 * head.has("Male") + 0.3 * head.dark
    x, y = head.across(0, 7.5), head.y + 10.6 + head.value("Nose_Length")
    bridge = head.across(0, 5)
    side = patch.glow(bridge - 2.3 * head.lit_side, head.y + 5, 2.6, 8)
    patch.paint(side * (0.34 * np.abs(head.light_x)), head.fold)
    for way in SIDES:
        wing = patch.glow(x + way * (half - 0.9) - 1.4 * head.sin, y + 0.2, 2.3, 2)
        patch.paint(wing * np.float32(0.38), head.fold)
        nostril = patch.glow(x + 0.48 * way * half - 0.4 * head.sin, y + 1.25, 1.35, 0.95)
        patch.paint(nostril * np.float32(0.85), head.fold * 0.6)
    below = patch.lens(x - 0.4 * head.sin, y + 1.1, half, 0, -0.1, 1.2)
    patch.paint(below * np.float32(0.55), head.fold)
    bright = np.minimum(head.skin * 1.2 + 8, 255)
    patch.paint(patch.glow(x + 0.5 * head.lit_side, y - 1.4, 2.2, 2.3) * np.float32(0.5), bright)
    ridge = patch.glow(bridge + 0.5 * head.lit_side, head.y + 3.6, 1.3, 6)
    patch.paint(ridge * np.float32(0.32), bright)


def draw_mouth(pixels: Values, head: Head) -> None:
    """Lips whose corners a smile lifts; between them teeth and dark where they part."""
    patch = Patch(pixels, 14, 40, 50, SIDE)
    light = head.light[patch.where]
    smile, parted = head.has("Smiling"), head.has("Mouth_Slightly_Open")
    strength = head.value("Smile")
    lift = mix(mix(0.25, 0.95, strength), mix(1.7, 2.8, strength), smile)
    gap = mix(1.7, 3.4, head.value("Mouth_Opening")) * parted
    half = 5.5 + head.value("Mouth_Width") + 0.3 * head.has("Male")
    half = (half + mix(0.6, 1.6, strength) * smile) * head.cos
    # Both corners; the lips meet `lift` below them and part to `above` and `below`.
    x, y, slope = head.across(0, 3.4), head.y + 18.2 - 0.5 * lift, head.value("Smirk")
    above, below = lift - 0.35 * gap, lift + 0.65 * gap

    stick = head.has("Wearing_Lipstick")
    full = head.value("Lip_Fullness") * (1 - 0.3 * head.old) + 0.5 * stick
    upper, lower = (least + full - 0.25 * head.has("Male") for least in (0.75, 1.1))
    painted = hsv(head.value("Lipstick_Hue"), 0.8, mix(0.88, 0.72, head.dark))
    lip = mix(head.skin * rgb(0.92, 0.73, 0.71), painted, 0.95 * stick)
    patch.paint(
        patch.lens(x, y, half, slope, lift - 0.3, below + lower), np.minimum(lip * 1.08, 255), light
    )
    patch.paint(patch.lens(x, y, half, slope, above - upper, lift + 0.3), lip * 0.9, light)
    shine = patch.glow(x + head.lit_side, y + below + 0.5 * lower, 2.6, 0.6 * lower)
    patch.paint(shine * (0.28 + 0.3 * stick), rgb(245, 245, 245))

    inside = patch.lens(x, y, 0.93 * half, slope, above, below) * parted
    patch.paint(inside, rgb(70, 22, 26))
    edge = mix(above + 0.4 * gap + 0.35, above + 0.85 * gap, smile)
    teeth = patch.lens(x, y, 0.84 * half, slope, above - 0.1, edge) * inside
    patch.paint(teeth, rgb(246, 242, 234), np.minimum(light * 1.05, 1))
    line = patch.lens(x, y, 1.04 * half, slope, lift - 0.42, lift + 0.42) * (1 - parted)
    patch.paint(line, lip * rgb(0.48, 0.36, 0.38))
    for side in SIDES:
        corner = patch.glow(x + side * half, y + side * slope, 1.3, 1.2)
        patch.paint(corner * np.float32(0.45), head.fold * 0.8)


def draw_eyes(pixels: Values, head: Head) -> None:
    """Both eyes: white, iris, pupil and glint within the lids; lashes and crease."""
    narrow, male = head.has("Narrow_Eyes"), head.has("Male")
    size, squeeze = head.value("Eye_Size"), head.has("Smiling") * (1 - narrow)
    up = (
        mix(mix(2.1, 2.7, size), mix(0.55, 0.95, size), narrow)
        - 0.15 * squeeze
        - 0.25 * head.old * (1 - narrow)
    )
    down = mix(mix(1.25, 1.6, size), mix(0.4, 0.7, size), narrow) - 0.2 * squeeze
    for side in SIDES:
        patch = Patch(pixels, 10 if side < 0 else 26, 24, 38 if side < 0 else 54, 40)
        x = head.across(side * (8.5 + head.value("Eye_Spacing")), 1)
        y = head.y + 0.2
        half = (4.1 - 0.2 * male) * head.narrowed(side, 0.25)
        tilt = -side * head.value("Eye_Tilt")
        opening = patch.lens(x, y, half, tilt, -up, down)
        crease = patch.lens(x, y - 0.9, 1.02 * half, tilt, -up - 0.75, -up + 0.15)
        patch.paint(crease * np.float32(0.45), head.fold * 0.93)
        white = np.minimum(head.light[patch.where] * 1.02, 1)
        patch.paint(opening, rgb(248, 244, 240), white)
        _draw_iris(patch, head, x, y - 0.25, opening)
        lid = patch.lens(x, y, 1.06 * half, tilt, -up - 0.85 + 0.35 * male, -up + 0.28)
        patch.paint(lid * (0.95 - 0.15 * male), mix(rgb(36, 22, 20), head.skin, np.float32(0.1)))
        rim = patch.lens(x, y, half, tilt, down - 0.1, down + 0.45)
        patch.paint(rim * np.float32(0.4), head.fold * 0.75)
        lash = patch.lens(
            x + 0.98 * side * half, y - 0.9 + side * tilt, 1.25, -0.75 * side, -0.5, 0.45
        )
        patch.paint(lash * (0.8 * (1 - male)), rgb(30, 18, 18))


def _draw_iris(patch: Patch, head: Head, x: Floats, y: Floats, opening: Floats) -> None:
    """Iris, pupil and glint of one eye, where its opening shows them."""
    light = head.value("Eye_Colour") * (1 - 0.9 * head.dark)
    brown = mix(rgb(58, 34, 22), rgb(104, 72, 40), np.clip(2 * light, 0, 1))
    blue = mix(rgb(92, 122, 88), rgb(92, 140, 186), np.clip(4 * light - 3, 0, 1))
    x = x + head.value("Gaze") + 1.2 * head.sin
    patch.paint(
        filled(patch.egg(x, y, 1.85, 1.9, 1.9)) * opening,
        mix(brown, blue, np.clip(4 * light - 2, 0, 1)),
    )
    patch.paint(filled(patch.egg(x, y, 0.85, 0.9, 0.9)) * opening, rgb(14, 10, 12))
    glint = patch.glow(x + 0.7 * head.lit_side, y - 0.7, 0.95, 0.95)
    patch.paint(glint * opening * np.float32(0.9), rgb(255, 255, 255))
