"""What tells 183 cars apart: kind, proportions, colours and fittings, drawn from a seed."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final, Literal, TypeVar

import numpy as np

COUNT: Final = 183

RGB = tuple[float, float, float]
Option = TypeVar("Option")


class Tone(IntEnum):
    """What a face is made of: a row of the palette."""

    BACKGROUND = 0
    PAINT = 1
    SECOND = 2  # stripes, the roof or the sides in another colour
    GLASS = 3
    TRIM = 4
    TYRE = 5
    RIM = 6
    GAP = 7  # between spokes, under arches
    CHROME = 8
    LAMP = 9
    TAIL = 10
    PLATE = 11
    SEAT = 12
    LOAD = 13  # what it carries
    LOAD_2 = 14
    BEACON = 15
    SHADOW = 16
    HALF_SHADOW = 17
    RIM_OF_SHADOW = 18


@dataclass(frozen=True)
class Proportions:
    """Lengths in metres; places along the car are fractions of its length, from the nose."""

    length: float
    width: float
    height: float
    clearance: float
    wheel: float  # radius
    axles: tuple[float, float]
    nose: float  # heights of the body's upper edge: at the nose,
    cowl: float  # at the windscreen's foot
    deck: float  # and at the tail
    cabin: tuple[float, float, float, float]  # windscreen: foot, head; rear window: head, foot
    posts: tuple[float, ...]  # between side windows
    rear_post: float  # metres
    roll: tuple[float, float]  # over what part of the length the ends round off
    drop: tuple[float, float]  # and how much of their height they lose
    tumble: float  # how much narrower the cabin is at the roof
    bow: float  # bulge of windscreen and rear window
    square: float  # sections, from rounded (0) to a box (1)
    blind: bool = False  # no side windows behind the first post
    well: tuple[float, float, float] = (0.0, 0.0, 0.0)  # open bed or cockpit: from, to, its floor
    roofless: bool = False


# fmt: off
KINDS: Final[dict[str, Proportions]] = {
    "saloon": Proportions(
        4.7, 1.80, 1.43, 0.20, 0.33, (0.19, 0.78), 0.76, 0.94, 0.98, (0.27, 0.43, 0.71, 0.87),
        (0.50, 0.68), 0.12, (0.07, 0.04), (0.18, 0.12), 0.22, 0.35, 0.2),
    "hatchback": Proportions(
        4.1, 1.76, 1.50, 0.20, 0.33, (0.19, 0.81), 0.78, 0.97, 1.00, (0.25, 0.42, 0.85, 0.975),
        (0.60,), 0.32, (0.09, 0.03), (0.22, 0.08), 0.20, 0.35, 0.2),
    "estate": Proportions(
        4.8, 1.80, 1.47, 0.20, 0.33, (0.19, 0.78), 0.76, 0.94, 0.98, (0.27, 0.42, 0.91, 0.985),
        (0.51, 0.71), 0.13, (0.07, 0.02), (0.18, 0.05), 0.20, 0.30, 0.3),
    "coupe": Proportions(
        4.5, 1.85, 1.31, 0.16, 0.34, (0.20, 0.79), 0.70, 0.88, 0.94, (0.33, 0.50, 0.64, 0.91),
        (), 0.50, (0.10, 0.05), (0.25, 0.15), 0.26, 0.40, 0.0),
    "sports car": Proportions(
        4.4, 1.98, 1.14, 0.12, 0.35, (0.21, 0.78), 0.55, 0.76, 0.88, (0.27, 0.47, 0.60, 0.86),
        (), 0.55, (0.14, 0.03), (0.30, 0.06), 0.30, 0.45, 0.1),
    "cabriolet": Proportions(
        4.2, 1.76, 1.28, 0.17, 0.33, (0.19, 0.79), 0.74, 0.90, 0.92, (0.32, 0.44, 0.60, 0.76),
        (), 0.1, (0.09, 0.07), (0.22, 0.18), 0.18, 0.2, 0.1,
        well=(0.40, 0.72, 0.55), roofless=True),
    "city car": Proportions(
        3.4, 1.62, 1.52, 0.18, 0.29, (0.16, 0.84), 0.80, 1.00, 1.00, (0.17, 0.36, 0.88, 0.985),
        (0.60,), 0.20, (0.12, 0.06), (0.25, 0.12), 0.18, 0.50, 0.1),
    "off-roader": Proportions(
        4.4, 1.86, 1.88, 0.34, 0.42, (0.18, 0.78), 1.10, 1.20, 1.20, (0.29, 0.37, 0.95, 0.99),
        (0.53, 0.74), 0.12, (0.03, 0.01), (0.08, 0.03), 0.10, 0.10, 0.85),
    "pick-up": Proportions(
        5.2, 1.86, 1.76, 0.33, 0.40, (0.18, 0.77), 1.02, 1.14, 1.12, (0.25, 0.36, 0.54, 0.575),
        (), 0.12, (0.04, 0.01), (0.12, 0.02), 0.16, 0.20, 0.6, well=(0.60, 0.99, 0.72)),
    "van": Proportions(
        4.9, 1.92, 2.10, 0.22, 0.34, (0.17, 0.80), 0.98, 1.22, 1.25, (0.13, 0.28, 0.98, 0.99),
        (0.46,), 0.15, (0.07, 0.01), (0.18, 0.02), 0.10, 0.30, 0.7, blind=True),
    "minibus": Proportions(
        4.4, 1.76, 1.95, 0.24, 0.34, (0.22, 0.77), 1.08, 1.14, 1.14, (0.012, 0.07, 0.965, 0.988),
        (0.29, 0.51, 0.73), 0.18, (0.04, 0.02), (0.15, 0.10), 0.12, 0.40, 0.4),
    "classic": Proportions(
        3.9, 1.68, 1.58, 0.20, 0.35, (0.20, 0.79), 0.86, 0.98, 0.96, (0.31, 0.41, 0.56, 0.88),
        (0.58,), 0.14, (0.28, 0.34), (0.32, 0.42), 0.32, 0.80, 0.0),
    "lorry": Proportions(
        5.2, 1.96, 2.05, 0.30, 0.38, (0.15, 0.77), 1.05, 1.20, 0.80, (0.05, 0.13, 0.30, 0.315),
        (), 0.12, (0.03, 0.01), (0.10, 0.02), 0.08, 0.20, 0.8),
}
# fmt: on

PAINTS: Final[tuple[RGB, ...]] = (
    (206, 208, 204),  # white
    (168, 176, 184),  # silver
    (52, 54, 62),  # black
    (206, 26, 34),  # red
    (122, 18, 36),  # wine
    (242, 118, 22),  # orange
    (248, 200, 28),  # yellow
    (138, 190, 44),  # lime
    (22, 96, 58),  # racing green
    (20, 158, 150),  # turquoise
    (118, 188, 232),  # sky blue
    (28, 74, 190),  # blue
    (110, 58, 164),  # violet
    (240, 146, 174),  # pink
    (196, 168, 120),  # sand
)

# Of these one is drawn, evenly.
SECOND_ON_LIGHT: Final[tuple[RGB, ...]] = ((40, 42, 48), (190, 30, 36), (30, 60, 150))
SECOND_ON_DARK: Final[tuple[RGB, ...]] = ((220, 219, 212), (250, 204, 60))
RIMS: Final[tuple[RGB, ...]] = ((224, 228, 234), (196, 202, 210), (240, 234, 212))
SEATS: Final[tuple[RGB, ...]] = ((176, 120, 72), (226, 208, 176), (150, 40, 40), (70, 72, 80))
LOADS: Final[tuple[RGB, ...]] = ((150, 96, 52), (228, 74, 60), (52, 130, 196), (244, 190, 60))

Stripe = Literal["none", "broad", "pair", "side"]
Fitting = Literal[
    "none", "rack", "board", "luggage", "sign", "bar", "wing", "spare wheel", "load", "box"
]

# What a kind may have; one is drawn, evenly.
STRIPES: Final[dict[str, tuple[Stripe, ...]]] = {
    "hatchback": ("none", "none", "pair", "side"),
    "coupe": ("none", "broad", "pair"),
    "sports car": ("none", "broad", "pair", "side"),
    "city car": ("none", "pair", "broad"),
    "off-roader": ("none", "side"),
    "pick-up": ("none", "side"),
    "van": ("none", "side"),
    "classic": ("none", "broad"),
}
FITTINGS: Final[dict[str, tuple[Fitting, ...]]] = {
    "saloon": ("none", "none", "sign", "bar"),
    "hatchback": ("none", "none", "wing", "rack"),
    "estate": ("none", "rack", "board", "luggage"),
    "coupe": ("none", "none", "wing"),
    "sports car": ("none", "wing"),
    "city car": ("none", "board", "luggage", "sign"),
    "off-roader": ("spare wheel", "rack", "luggage"),
    "pick-up": ("none", "bar", "load"),
    "van": ("none", "rack", "bar"),
    "minibus": ("none", "board", "luggage"),
    "classic": ("none", "luggage", "board"),
    "lorry": ("box",),
}


@dataclass(frozen=True)
class Design:
    """One car."""

    kind: str
    shape: Proportions
    palette: tuple[RGB, ...]  # 0..255, one for every tone
    stripe: Stripe
    two_tone: bool
    cladding: bool
    spokes: int  # 0 for a plain disc
    fitting: Fitting


def design(car: int, seed: int) -> Design:
    """The design of one car, a function of its number and the seed alone.

    No two cars share both kind and paint.
    """
    kinds = list(KINDS)
    pair = int(np.random.default_rng(seed).permutation(len(kinds) * len(PAINTS))[car])
    kind, paint = kinds[pair % len(kinds)], PAINTS[pair // len(kinds)]
    generator = np.random.default_rng([seed, car])
    return Design(
        kind=kind,
        shape=_varied(KINDS[kind], generator),
        palette=_palette(paint, generator),
        stripe=_one_of(STRIPES.get(kind, ("none",)), generator),
        two_tone=generator.random() < (0.8 if kind in ("minibus", "classic") else 0.15),
        cladding=generator.random() < (0.8 if kind in ("off-roader", "lorry") else 0.2),
        spokes=_one_of((0, 4, 5, 6), generator),
        fitting=_one_of(FITTINGS.get(kind, ("none",)), generator),
    )


def _one_of(options: tuple[Option, ...], generator: np.random.Generator) -> Option:
    return options[int(generator.random() * len(options))]


def _varied(kind: Proportions, generator: np.random.Generator) -> Proportions:
    """A kind with its measures changed by a few hundredths."""

    def near(value: float, spread: float) -> float:
        return value * (1 + spread * (2 * generator.random() - 1))

    return replace(
        kind,
        length=near(kind.length, 0.06),
        width=near(kind.width, 0.03),
        height=near(kind.height, 0.04),
        clearance=near(kind.clearance, 0.15),
        wheel=near(kind.wheel, 0.06),
        nose=near(kind.nose, 0.04),
        cowl=near(kind.cowl, 0.03),
        deck=near(kind.deck, 0.03),
        tumble=near(kind.tumble, 0.2),
        bow=near(kind.bow, 0.3),
        square=min(1.0, near(kind.square, 0.3)),
    )


def _palette(paint: RGB, generator: np.random.Generator) -> tuple[RGB, ...]:
    """Colours of every tone, in the order of Tone."""
    shade = 0.92 + 0.16 * generator.random()
    red, green, blue = (min(255.0, shade * value) for value in paint)
    light = red + green + blue > 400
    second = _one_of(SECOND_ON_LIGHT if light else SECOND_ON_DARK, generator)
    rim, seat, load = (_one_of(options, generator) for options in (RIMS, SEATS, LOADS))
    colours: dict[Tone, RGB] = {
        Tone.BACKGROUND: (255, 255, 255),
        Tone.PAINT: (red, green, blue),
        Tone.SECOND: second,
        Tone.GLASS: (96, 114, 130),
        Tone.TRIM: (62, 64, 70),
        Tone.TYRE: (44, 44, 48),
        Tone.RIM: rim,
        Tone.GAP: (34, 34, 38),
        Tone.CHROME: (214, 218, 224),
        Tone.LAMP: (255, 240, 176),
        Tone.TAIL: (214, 24, 28),
        Tone.PLATE: (236, 236, 228),
        Tone.SEAT: seat,
        Tone.LOAD: load,
        Tone.LOAD_2: (228, 222, 208),
        Tone.BEACON: (40, 100, 230),
        Tone.SHADOW: (168, 168, 172),
        Tone.HALF_SHADOW: (204, 204, 207),
        Tone.RIM_OF_SHADOW: (232, 232, 234),
    }
    return tuple(colours[tone] for tone in Tone)
