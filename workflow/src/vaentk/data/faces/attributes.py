"""CelebA's attributes of a face, drawn from a causal model, and what varies beside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

COLOURS: Final = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")
TEXTURES: Final = ("Wavy_Hair", "Straight_Hair")

# What each name rules out, besides: a hat over short hair leaves neither colour nor texture to see.
EXCLUDES: Final[Mapping[str, tuple[str, ...]]] = {
    "Bald": ("Long_Hair", "Wearing_Hat", "Receding_Hairline", "Bangs", *COLOURS, *TEXTURES),
    "Wearing_Hat": ("Receding_Hairline", "Bangs"),
    "Receding_Hairline": ("Bangs",),
    "Black_Hair": ("Blond_Hair", "Brown_Hair", "Gray_Hair"),
    "Blond_Hair": ("Brown_Hair", "Gray_Hair"),
    "Brown_Hair": ("Gray_Hair",),
    "Wavy_Hair": ("Straight_Hair",),
    "No_Beard": ("Goatee", "Mustache"),
    "Chubby": ("Oval_Face",),
}

# The causal model, causes before effects: P(attribute); or a parent, P(attribute | parent) and
# P(attribute | not parent); or P(attribute) for young men, older men, young women, older women. An
# attribute is absent where another rules it out. Numbers are CelebA's frequencies, rounded; what is
# rare there is a little less rare. Long_Hair, Facing_Left and Lit_From_Left are ours.
MODEL: Final[Mapping[str, float | tuple[str, float, float] | tuple[float, float, float, float]]] = {
    "Male": 0.42,
    "Young": ("Male", 0.63, 0.87),
    "Bald": (0.03, 0.15, 0.0, 0.0),
    "Long_Hair": (0.10, 0.05, 0.80, 0.55),
    "Wearing_Hat": (0.08, 0.08, 0.04, 0.04),
    "Receding_Hairline": (0.06, 0.30, 0.05, 0.06),
    "Bangs": (0.14, 0.05, 0.20, 0.36),
    "Black_Hair": (0.46, 0.22, 0.26, 0.14),
    "Blond_Hair": (0.05, 0.04, 0.26, 0.34),
    "Brown_Hair": (0.30, 0.20, 0.30, 0.24),
    "Gray_Hair": (0.01, 0.36, 0.003, 0.15),
    "Wavy_Hair": (0.20, 0.15, 0.46, 0.52),
    "Straight_Hair": (0.29, 0.22, 0.20, 0.12),
    "No_Beard": (0.60, 0.64, 1.0, 1.0),
    "Goatee": ("No_Beard", 0.0, 0.37),
    "Mustache": ("Goatee", 0.39, 0.20),
    "Wearing_Lipstick": (0.01, 0.0, 0.82, 0.74),
    "Bushy_Eyebrows": (0.32, 0.14, 0.08, 0.03),
    "Arched_Eyebrows": ("Wearing_Lipstick", 0.48, 0.08),
    "Eyeglasses": (0.07, 0.22, 0.02, 0.07),
    "Smiling": (0.38, 0.43, 0.52, 0.66),
    "Mouth_Slightly_Open": ("Smiling", 0.76, 0.22),
    "Narrow_Eyes": ("Smiling", 0.14, 0.09),
    "Pale_Skin": (0.035, 0.025, 0.06, 0.05),
    "Chubby": (0.05, 0.25, 0.01, 0.06),
    "Oval_Face": ("Smiling", 0.41, 0.20),
    "Facing_Left": 0.5,
    "Lit_From_Left": 0.5,
}
ATTRIBUTES: Final = tuple(MODEL)

# Continuous causes, between two ends: lengths in pixels, angles in degrees, hues in turns, others
# without unit. Uniform, but for Yaw (denser near the front) and Skin_Tone (lighter, that is nearer
# 0, with lighter hair). A strength acts within its attribute's range when present, or when absent.
NUISANCES: Final[Mapping[str, tuple[float, float]]] = {
    "Yaw": (4.0, 30.0),  # towards the side that Facing_Left tells
    "Light_Angle": (20.0, 65.0),  # towards the side that Lit_From_Left tells
    "Ambient_Light": (0.42, 0.64),
    "Shift_X": (-0.9, 0.9),
    "Shift_Y": (-0.9, 0.9),
    "Face_Width": (-0.8, 0.8),
    "Face_Length": (-1.0, 0.8),
    "Forehead": (-0.6, 1.0),
    "Cheeks": (0.0, 1.0),
    "Chin": (0.0, 1.0),
    "Age": (0.0, 1.0),
    "Skin_Tone": (0.0, 1.0),
    "Undertone": (-0.5, 1.0),
    "Hair_Shade": (0.0, 1.0),
    "Hair_Volume": (0.0, 1.0),
    "Hair_Length": (0.0, 1.0),
    "Hairline": (0.0, 1.0),
    "Parting": (-1.0, 1.0),
    "Strands": (0.0, 1.0),
    "Wave_Length": (11.0, 17.0),
    "Wave_Phase": (0.0, 1.0),
    "Brow_Thickness": (0.0, 1.0),
    "Brow_Arch": (0.0, 1.0),
    "Brow_Height": (-0.4, 0.5),
    "Beard": (0.0, 1.0),
    "Mustache_Size": (0.0, 1.0),
    "Eye_Size": (0.0, 1.0),
    "Eye_Colour": (0.0, 1.0),
    "Eye_Spacing": (-0.35, 0.35),
    "Eye_Tilt": (-0.15, 0.5),
    "Gaze": (-0.6, 0.6),
    "Nose_Width": (0.0, 1.0),
    "Nose_Length": (-0.5, 0.6),
    "Smile": (0.0, 1.0),
    "Mouth_Opening": (0.0, 1.0),
    "Mouth_Width": (-0.5, 0.5),
    "Smirk": (-0.35, 0.35),
    "Lip_Fullness": (0.0, 1.0),
    "Lipstick_Hue": (-0.06, 0.02),
    "Rim_Thickness": (0.35, 0.8),
    "Rim_Hue": (0.0, 1.0),
    "Rim_Value": (0.12, 0.42),
    "Rim_Shape": (0.0, 1.0),
    "Rim_Size": (0.0, 1.0),
    "Hat_Hue": (0.0, 1.0),
    "Hat_Saturation": (0.15, 0.75),
    "Hat_Value": (0.25, 0.85),
    "Hat_Brim": (0.0, 1.0),
    "Hat_Height": (-1.0, 1.0),
    "Cloth_Hue": (0.0, 1.0),
    "Cloth_Saturation": (0.1, 0.7),
    "Cloth_Value": (0.2, 0.9),
    "Backdrop_Hue": (0.0, 1.0),
    "Backdrop_Saturation": (0.05, 0.45),
    "Backdrop_Value": (0.25, 0.92),
    "Backdrop_Turn": (-0.12, 0.12),
    "Backdrop_Fall": (-0.3, 0.3),
    "Backdrop_Tilt": (-0.7, 0.7),
    "Spot_X": (0.0, 64.0),
    "Spot_Y": (0.0, 40.0),
}

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Faces:
    """What a set of n faces shows, in the order and units of ``ATTRIBUTES`` and ``NUISANCES``.

    Attributes
    ----------
    attributes : bool (n, 28)
    nuisance : float64 (n, 60)
    """

    attributes: Flags
    nuisance: NDArray[np.float64]


def sample(n: int, generator: np.random.Generator) -> Faces:
    """Draw n faces from the causal model; a smaller n gives the first of the same faces."""
    uniform = generator.random((n, len(ATTRIBUTES) + len(NUISANCES)))
    has: dict[str, Flags] = {}
    for name, chance in zip(ATTRIBUTES, uniform.T, strict=False):
        has[name] = (chance < _probability(name, has, n)) & ~_ruled_out(name, has, n)
    share = dict(zip(NUISANCES, uniform.T[len(ATTRIBUTES) :], strict=True))
    share["Yaw"] = share["Yaw"] * share["Yaw"]
    tone = share["Skin_Tone"]
    share["Skin_Tone"] = np.select(
        [has["Blond_Hair"], has["Brown_Hair"], has["Black_Hair"]],
        [0.7 * tone * tone * tone, 0.9 * tone * tone, tone],
        0.9 * tone,
    )
    low, high = np.array(list(NUISANCES.values())).T
    return Faces(
        attributes=np.stack(list(has.values()), axis=1),
        nuisance=low + (high - low) * np.stack(list(share.values()), axis=1),
    )


def _probability(name: str, has: Mapping[str, Flags], n: int) -> NDArray[np.float64]:
    """P(attribute | its parents, and not ruled out), float64 (n,)."""
    match MODEL[name]:
        case float(share):
            return np.full(n, share)
        case str(parent), present, absent:
            return np.where(has[parent], present, absent)
    table = np.array(MODEL[name])
    # The table gives shares of all visible hair; here, of that which is none of the earlier ones.
    for group in (COLOURS, TEXTURES):
        if name in group:
            earlier = group[: group.index(name)]
            table = table / (1 - sum(np.array(MODEL[other]) for other in earlier))
    return np.asarray(table[np.where(has["Male"], 0, 2) + np.where(has["Young"], 0, 1)])


def _ruled_out(name: str, has: Mapping[str, Flags], n: int) -> Flags:
    """Whether an attribute drawn before rules this one out, bool (n,)."""
    out = np.zeros(n, bool)
    for other, excluded in EXCLUDES.items():
        if name in excluded:
            out |= has[other]
    if name in COLOURS or name in TEXTURES:
        out |= has["Wearing_Hat"] & ~has["Long_Hair"]
    return out
