"""Drawn faces: shapes of known area, the joint distribution, and attributes that can be seen."""

import colorsys
import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from vaentk.data.faces.attributes import (
    ATTRIBUTES,
    COLOURS,
    EXCLUDES,
    MODEL,
    NUISANCES,
    TEXTURES,
    Faces,
    sample,
)
from vaentk.data.faces.canvas import Patch, filled, hsv, outlined, rgb, wave
from vaentk.data.faces.drawing import draw
from vaentk.data.faces.head import Head, sine_cosine

Images = NDArray[np.uint8]


@pytest.fixture(scope="module")
def crowd() -> tuple[Faces, Images]:
    drawn = sample(2000, np.random.default_rng(5))
    return drawn, draw(drawn)


@pytest.fixture(scope="module")
def many() -> Faces:
    return sample(40_000, np.random.default_rng(0))


def column(drawn: Faces, name: str) -> NDArray[np.bool_]:
    return np.asarray(drawn.attributes[:, ATTRIBUTES.index(name)])


def some(drawn: Faces, rows: slice) -> Faces:
    return Faces(drawn.attributes[rows], drawn.nuisance[rows])


def both(drawn: Faces, name: str) -> tuple[Faces, Faces]:
    """The same faces without and with one attribute, and without all that exclude it."""
    without = drawn.attributes.copy()
    for other, excluded in EXCLUDES.items():
        if name in excluded:
            without[:, ATTRIBUTES.index(other)] = False
    for other in EXCLUDES.get(name, ()):
        without[:, ATTRIBUTES.index(other)] = False
    if name in (*COLOURS, *TEXTURES):
        without[:, ATTRIBUTES.index("Wearing_Hat")] = False
    if name == "Wearing_Hat":  # which over short hair excludes colours and textures
        without[:, ATTRIBUTES.index("Long_Hair")] = True
    without[:, ATTRIBUTES.index(name)] = False
    present = without.copy()
    present[:, ATTRIBUTES.index(name)] = True
    return Faces(without, drawn.nuisance), Faces(present, drawn.nuisance)


# Shapes


def one(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)[:, None, None]


@pytest.fixture
def patch() -> Patch:
    return Patch(np.zeros((3, 2, 64, 64), np.float32), 0, 0, 64, 64)


def test_circle_and_ellipse_have_their_area_and_distance(patch: Patch) -> None:
    distance = patch.egg(one(30.2, 32), one(31.7, 32), one(12, 20), 12, one(12, 9))
    cover = filled(distance)
    assert cover[0].sum() == pytest.approx(np.pi * 12**2, rel=0.005)
    assert cover[1].sum() == pytest.approx(np.pi * 20 * (12 + 9) / 2, rel=0.005)
    true = np.hypot(patch.x[0] - 30.2, patch.y[0] - 31.7) - 12
    np.testing.assert_allclose(distance[0][abs(true) < 1], true[abs(true) < 1], atol=0.05)
    # A ring of width 2 around radius 12.
    assert outlined(distance, one(1, 1))[0].sum() == pytest.approx(2 * np.pi * 12 * 2, rel=0.01)


def test_egg_is_square_or_pointed_below(patch: Patch) -> None:
    """Area under the curve: a d times the integral of sqrt((1 - v^2)(1 - k v^2)), twice."""
    v = (np.arange(100_000) + 0.5) / 100_000
    for k in (-0.8, 0.4):
        half = filled(patch.egg(one(32, 32), one(20, 20), 15, 0.5, 30, k))[0][20:].sum()
        area = 2 * 15 * 30 * np.sqrt((1 - v**2) * (1 - k * v**2)).mean()
        assert half == pytest.approx(area, rel=0.01)


def test_lens_has_four_thirds_of_half_width_times_height(patch: Patch) -> None:
    area = patch.lens(one(31.3, 20), one(30.4, 40), one(9, 15.5), one(0, 3), -2.5, one(1.5, 4))
    assert area[0].sum() == pytest.approx(4 / 3 * 9 * 4, rel=0.01)
    assert area[1].sum() == pytest.approx(4 / 3 * 15.5 * 6.5, rel=0.01)


def test_glow_is_one_in_its_middle_and_zero_outside(patch: Patch) -> None:
    glow = patch.glow(one(32.5, 32.5), one(20.5, 20.5), 10, 5)
    assert glow[0, 20, 32] == 1
    assert glow[0, 20, 37] == pytest.approx((1 - 0.25) ** 2)
    assert not glow[0, 26:].any()


def test_paint_mixes_by_cover_and_leaves_the_rest() -> None:
    pixels = np.full((3, 1, 4, 4), 100, np.float32)
    window = Patch(pixels, 1, 1, 3, 3)
    cover = np.array([[[0, 0.25], [0.5, 1]]], np.float32)
    window.paint(cover, rgb(200, 100, 0), np.full((1, 2, 2), 0.5, np.float32))
    assert pixels[0, 0, 1:3, 1:3].tolist() == [[100, 100], [100, 100]]
    assert pixels[1, 0, 1:3, 1:3].tolist() == [[100, 87.5], [75, 50]]
    assert pixels[2, 0, 1:3, 1:3].tolist() == [[100, 75], [50, 0]]
    assert pixels.sum() == 4800 - (12.5 + 25 + 50) - (25 + 50 + 100)


def test_colours_waves_and_angles() -> None:
    hues = np.linspace(-0.2, 1.1, 14)
    ours = hsv(one(*hues), 0.6, one(*[0.8] * 14))[:, :, 0, 0].T / 255
    np.testing.assert_allclose(
        ours, [colorsys.hsv_to_rgb(h % 1, 0.6, 0.8) for h in hues], atol=1e-6
    )
    np.testing.assert_allclose(wave(one(-1, 0, 0.25, 0.5, 1.5, 7)).ravel(), [1, 1, 0, -1, -1, 1])
    degrees = np.linspace(-65, 65, 27)
    sine, cosine = sine_cosine(one(*degrees))
    np.testing.assert_allclose(sine.ravel(), np.sin(np.radians(degrees)), atol=1e-4)
    np.testing.assert_allclose(cosine.ravel(), np.cos(np.radians(degrees)), atol=1e-4)


# The joint distribution


def model() -> dict[str, float]:
    """Exact marginals of the model, from its tables."""
    old_men, old_women = 0.42 * (1 - 0.63), 0.58 * (1 - 0.87)
    cells = np.array([0.42 - old_men, old_men, 0.58 - old_women, old_women])
    tables = {name: given for name, given in MODEL.items() if isinstance(given, tuple)}
    p = {name: np.array(given) for name, given in tables.items() if len(given) == 4}

    def by_parent(name: str, parent: NDArray[np.float64]) -> NDArray[np.float64]:
        _, present, absent = tables[name]
        return parent * present + (1 - parent) * absent

    hair = 1 - p["Bald"]
    p["Long_Hair"] = p["Long_Hair"] * hair
    bare = hair * (1 - p["Wearing_Hat"])
    seen = bare + p["Long_Hair"] * p["Wearing_Hat"]
    p["Wearing_Hat"] = p["Wearing_Hat"] * hair
    p["Receding_Hairline"] = p["Receding_Hairline"] * bare
    p["Bangs"] = p["Bangs"] * (bare - p["Receding_Hairline"])
    for name in (*COLOURS, *TEXTURES):
        p[name] = p[name] * seen
    beard = 1 - p["No_Beard"]
    p["Goatee"] = beard * 0.37
    p["Mustache"] = beard * (0.37 * 0.39 + 0.63 * 0.20)
    for name in ("Mouth_Slightly_Open", "Narrow_Eyes", "Oval_Face"):
        p[name] = by_parent(name, p["Smiling"])
    p["Oval_Face"] = p["Oval_Face"] * (1 - p["Chubby"])
    p["Arched_Eyebrows"] = by_parent("Arched_Eyebrows", p["Wearing_Lipstick"])
    marginals = {name: float(cells @ values) for name, values in p.items()}
    return marginals | {
        "Male": 0.42,
        "Young": float(cells[0] + cells[2]),
        "Facing_Left": 0.5,
        "Lit_From_Left": 0.5,
    }


# Frequencies in CelebA's list of attributes, 202,599 images.
CELEBA = {
    "Male": 0.417,
    "Young": 0.774,
    "Bald": 0.022,
    "Wearing_Hat": 0.048,
    "Receding_Hairline": 0.080,
    "Bangs": 0.152,
    "Black_Hair": 0.239,
    "Blond_Hair": 0.148,
    "Brown_Hair": 0.205,
    "Gray_Hair": 0.042,
    "Wavy_Hair": 0.320,
    "Straight_Hair": 0.208,
    "No_Beard": 0.835,
    "Goatee": 0.063,
    "Mustache": 0.042,
    "Wearing_Lipstick": 0.472,
    "Bushy_Eyebrows": 0.142,
    "Arched_Eyebrows": 0.267,
    "Eyeglasses": 0.065,
    "Smiling": 0.482,
    "Mouth_Slightly_Open": 0.483,
    "Narrow_Eyes": 0.115,
    "Pale_Skin": 0.043,
    "Chubby": 0.058,
    "Oval_Face": 0.284,
}


def test_marginals_are_the_model_s_and_near_celeba_s(many: Faces) -> None:
    """Within four standard errors of the model; within 0.06 of CelebA, most within 0.03."""
    exact = model()
    assert set(exact) == set(ATTRIBUTES)
    for name, p in exact.items():
        error = np.sqrt(p * (1 - p) / len(many.attributes))
        assert column(many, name).mean() == pytest.approx(p, abs=4 * error), name
    away = {name: abs(exact[name] - known) for name, known in CELEBA.items()}
    assert max(away.values()) < 0.06
    assert sum(value < 0.03 for value in away.values()) >= 22


# Correlations in CelebA's list.
CORRELATIONS = {
    ("Male", "Wearing_Lipstick"): -0.79,
    ("No_Beard", "Goatee"): -0.57,
    ("Smiling", "Mouth_Slightly_Open"): 0.54,
    ("Male", "No_Beard"): -0.52,
    ("Wearing_Lipstick", "Arched_Eyebrows"): 0.46,
    ("Goatee", "Mustache"): 0.45,
    ("Male", "Arched_Eyebrows"): -0.41,
    ("Young", "Gray_Hair"): -0.36,
    ("Wavy_Hair", "Wearing_Lipstick"): 0.36,
    ("Male", "Wavy_Hair"): -0.32,
    ("Male", "Blond_Hair"): -0.30,
    ("Young", "Chubby"): -0.29,
    ("Male", "Young"): -0.28,
    ("Male", "Bushy_Eyebrows"): 0.25,
    ("Receding_Hairline", "Gray_Hair"): 0.25,
    ("Male", "Chubby"): 0.23,
    ("Young", "Eyeglasses"): -0.22,
    ("Smiling", "Oval_Face"): 0.21,
}


def test_correlations_are_those_of_life(many: Faces) -> None:
    """Sign and size, to 0.12, of the strongest correlations in CelebA; ours beside them."""
    for (first, second), known in CORRELATIONS.items():
        found = np.corrcoef(column(many, first), column(many, second))[0, 1]
        assert found == pytest.approx(known, abs=0.12), (first, second)
    assert np.corrcoef(column(many, "Male"), column(many, "Long_Hair"))[0, 1] < -0.5
    assert abs(np.corrcoef(column(many, "Male"), column(many, "Facing_Left"))[0, 1]) < 0.02


def test_what_excludes_each_other_never_meets(many: Faces) -> None:
    for name, excluded in EXCLUDES.items():
        for other in excluded:
            assert not (column(many, name) & column(many, other)).any(), (name, other)
    covered = column(many, "Wearing_Hat") & ~column(many, "Long_Hair")
    for name in (*COLOURS, *TEXTURES, "Bangs", "Receding_Hairline"):
        assert not (column(many, name) & covered).any(), name
    beard = ~column(many, "No_Beard")
    assert not (beard & ~column(many, "Male")).any()
    assert (beard & ~column(many, "Goatee") & ~column(many, "Mustache")).any()


def test_nuisances_fill_their_ranges(many: Faces) -> None:
    low, high = np.array(list(NUISANCES.values())).T
    share = (many.nuisance - low) / (high - low)
    assert share.shape == (40_000, len(NUISANCES))
    assert share.min() >= 0
    assert share.max() < 1
    mean = dict(zip(NUISANCES, share.mean(axis=0), strict=True))
    assert mean.pop("Yaw") == pytest.approx(1 / 3, abs=0.01)
    tone = many.nuisance[:, list(NUISANCES).index("Skin_Tone")]
    means = [tone[column(many, name)].mean() for name in ("Blond_Hair", "Brown_Hair", "Black_Hair")]
    assert means == pytest.approx([0.7 / 4, 0.9 / 3, 1 / 2], abs=0.02)
    del mean["Skin_Tone"]
    assert list(mean.values()) == pytest.approx([0.5] * len(mean), abs=0.01)


def test_fewer_faces_are_the_first_of_more(many: Faces) -> None:
    few = sample(7, np.random.default_rng(0))
    np.testing.assert_array_equal(few.attributes, many.attributes[:7])
    np.testing.assert_array_equal(few.nuisance, many.nuisance[:7])
    assert few.attributes.dtype == bool
    assert few.nuisance.dtype == np.float64
    assert len(sample(0, np.random.default_rng(0)).attributes) == 0


# Drawing


# SHA-256 of the crowd's first 200 images; also with all of NumPy's vector instructions disabled.
DIGEST = "80908a8a62af91818cf10bb1128298a66e32e65acda331a107aa93a05a4a7602"


def test_images_are_these_bytes_on_every_machine(crowd: tuple[Faces, Images]) -> None:
    drawn, images = crowd
    assert images.shape == (2000, 64, 64, 3)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(draw(some(drawn, slice(40))), images[:40])
    assert hashlib.sha256(images[:200].tobytes()).hexdigest() == DIGEST


def test_a_face_is_the_same_alone_and_in_company(crowd: tuple[Faces, Images]) -> None:
    drawn, images = crowd
    for index in (0, 5, 16, 37):
        alone = draw(some(drawn, slice(index, index + 1)))
        np.testing.assert_array_equal(alone[0], images[index])
    np.testing.assert_array_equal(draw(some(drawn, slice(3, 60, 3))), images[3:60:3])
    assert draw(some(drawn, slice(0))).shape == (0, 64, 64, 3)


def test_no_two_faces_are_alike(crowd: tuple[Faces, Images]) -> None:
    _, images = crowd
    assert len({image.tobytes() for image in images}) == len(images)


def test_all_layers_are_single_precision() -> None:
    """Double precision would go unnoticed but for the time."""
    head = Head(sample(2, np.random.default_rng(0)))
    arrays = {name: v for name, v in vars(head).items() if isinstance(v, np.ndarray)}
    assert len(arrays) > 20
    assert {v.dtype for v in arrays.values()} == {np.dtype(np.float32)}


def test_eyes_are_where_celeba_has_them(crowd: tuple[Faces, Images]) -> None:
    """CelebA's eyes at (69, 111) and (108, 111) of 178 x 218, in the crop and scale used."""
    _, images = crowd
    grey = images.mean(axis=(0, 3))
    for left, right, known in ((16, 32, (69 - 15) * 64 / 148), (32, 48, (108 - 15) * 64 / 148)):
        dark = grey[27:40, left:right].max() - grey[27:40, left:right]
        weight = np.where(dark > 0.8 * dark.max(), dark, 0)
        rows, columns = np.indices(weight.shape) + 0.5
        assert (weight * rows).sum() / weight.sum() + 27 == pytest.approx(
            (111 - 35) * 64 / 148, abs=1.5
        )
        assert (weight * columns).sum() / weight.sum() + left == pytest.approx(known, abs=1.5)


def test_small_causes_have_small_effects() -> None:
    """A thousandth of every range changes no image by more than 1 grey value in the mean."""
    drawn = sample(24, np.random.default_rng(3))
    low, high = np.array(list(NUISANCES.values())).T
    moved = Faces(drawn.attributes, drawn.nuisance + 0.001 * (high - low))
    change = np.abs(draw(drawn).astype(int) - draw(moved)).mean(axis=(1, 2, 3))
    assert change.min() > 0
    assert change.max() < 1


def test_every_nuisance_shows() -> None:
    """Over half of its range (hues and phases come round), in a face that has what it acts on."""
    drawn = sample(len(NUISANCES), np.random.default_rng(8))
    drawn.attributes[:] = False
    drawn.nuisance[:] = drawn.nuisance[0]
    low, high = np.array(list(NUISANCES.values())).T
    for row, name in enumerate(NUISANCES):
        present = ["Mouth_Slightly_Open", "Wavy_Hair", "Mustache"]
        present += ["Eyeglasses"] * name.startswith("Rim")
        present += ["Wearing_Hat"] * name.startswith("Hat")
        present += ["Chubby"] * (name == "Cheeks")
        if name.startswith("Lip"):
            present = ["No_Beard", "Wearing_Lipstick"]
        drawn.attributes[row, [ATTRIBUTES.index(attribute) for attribute in present]] = True
    ends = [drawn.nuisance.copy(), drawn.nuisance.copy()]
    for share, values in zip((0.2, 0.7), ends, strict=True):
        np.fill_diagonal(values, low + share * (high - low))
    first, second = (draw(Faces(drawn.attributes, values)).astype(int) for values in ends)
    shown = (np.abs(first - second).max(axis=3) > 4).sum(axis=(1, 2))
    assert [name for name, pixels in zip(NUISANCES, shown, strict=True) if pixels < 4] == []


# What can be seen: rows from and to, and how many pixels there change in the median face.
SEEN: dict[str, tuple[int, int, int]] = {
    "Male": (30, 64, 60),
    "Young": (7, 64, 8),
    "Bald": (0, 32, 300),
    "Long_Hair": (30, 64, 250),
    "Wearing_Hat": (0, 26, 300),
    "Receding_Hairline": (6, 26, 100),
    "Bangs": (12, 32, 100),
    "Black_Hair": (1, 30, 200),
    "Blond_Hair": (1, 30, 300),
    "Brown_Hair": (1, 30, 200),
    "Gray_Hair": (1, 30, 300),
    "Wavy_Hair": (0, 64, 100),
    "Straight_Hair": (1, 40, 40),
    "No_Beard": (34, 64, 80),
    "Goatee": (34, 64, 60),
    "Mustache": (34, 64, 60),
    "Wearing_Lipstick": (46, 60, 6),
    "Bushy_Eyebrows": (19, 32, 20),
    "Arched_Eyebrows": (19, 32, 20),
    "Eyeglasses": (24, 44, 60),
    "Smiling": (26, 60, 15),
    "Mouth_Slightly_Open": (46, 60, 15),
    "Narrow_Eyes": (26, 38, 18),
    "Pale_Skin": (7, 64, 400),
    "Chubby": (0, 64, 150),
    "Oval_Face": (0, 64, 80),
    "Facing_Left": (0, 64, 300),
    "Lit_From_Left": (0, 64, 300),
}
# These change nothing outside of those rows.
LOCAL = [
    *("No_Beard", "Goatee", "Mustache", "Wearing_Lipstick", "Bushy_Eyebrows", "Arched_Eyebrows"),
    *("Eyeglasses", "Smiling", "Mouth_Slightly_Open", "Narrow_Eyes"),
]


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_every_attribute_alone_is_seen_where_it_belongs(name: str) -> None:
    """By more than 24 of 255 grey values, and all of it there if the attribute is local."""
    without, present = (draw(part) for part in both(sample(16, np.random.default_rng(1)), name))
    change = np.abs(without.astype(int) - present).mean(axis=3)
    top, bottom, pixels = SEEN[name]
    assert np.median((change[:, top:bottom] > 24).sum(axis=(1, 2))) >= pixels
    if name in LOCAL:
        change[:, top:bottom] = 0
        assert change.max() == 0


def test_a_face_turns_and_is_lit_to_its_left() -> None:
    drawn = sample(40, np.random.default_rng(2))
    right, left = (Head(part) for part in both(drawn, "Facing_Left"))
    assert (left.across(0, 7.5) < left.x).all()  # the nose
    assert (left.back > left.x).all()
    assert (right.across(0, 7.5) > right.x).all()
    without, present = (draw(part).mean(axis=3) for part in both(drawn, "Lit_From_Left"))
    gain = present - without
    assert (gain[:, 20:58, 16:28].mean(axis=(1, 2)) > 3).all()
    assert (gain[:, 20:58, 36:48].mean(axis=(1, 2)) < -3).all()


def test_a_linear_classifier_reads_every_attribute(crowd: tuple[Faces, Images]) -> None:
    """ROC AUC of logistic regression on 16 x 16 pixels: 0.8; Brown_Hair, between others, 0.65."""
    drawn, images = crowd
    inputs = images.reshape(2000, 16, 4, 16, 4, 3).mean(axis=(2, 4)).reshape(2000, -1) / 255
    inputs -= inputs.mean(axis=0)
    for name in ATTRIBUTES:
        labels = column(drawn, name)
        fitted = LogisticRegression(C=1.0, max_iter=2000).fit(inputs[:1500], labels[:1500])
        auc = roc_auc_score(labels[1500:], fitted.decision_function(inputs[1500:]))
        assert auc > (0.65 if name == "Brown_Hair" else 0.8), name
