"""Discovery of attributes by single units: planted ones are found, others not, as often as said.

Planted units are unit normals shifted where the attribute is present; their area A for prevalence
0.2 among 1000 images has a standard error of about 0.023, 0.021, 0.018 at A = 0.5, 0.65, 0.8.
"""

import tracemalloc
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from vaentk.experiments.latents.discovery import attributes
from vaentk.experiments.latents.discovery.attributes import carried, choose, discover, null, probe
from vaentk.statistics.roc import areas

ATTRIBUTES = 40
NAMES = [f"attribute {k}" for k in range(ATTRIBUTES)]
STEEP = np.sqrt(2)

Part = tuple[np.ndarray, np.ndarray]


def part(
    generator: np.random.Generator,
    images: int,
    units: int,
    planted: Mapping[int, tuple[int, float]] | None = None,
    prevalence: float = 0.2,
) -> Part:
    """Codes of noise and independent labels; attribute to (unit, area) that carries it."""
    labels = (generator.random((images, ATTRIBUTES)) < prevalence).astype(np.uint8)
    codes = generator.standard_normal((images, units)).astype(np.float32)
    for attribute, (unit, area) in (planted or {}).items():
        codes[:, unit] += STEEP * norm.ppf(area) * labels[:, attribute]
    return codes, labels


def discoveries(
    seed: int, units: int, planted: Mapping[int, tuple[int, float]] | None = None
) -> pd.DataFrame:
    """Discoveries above 0.65 on 1000 + 1000 images; the probe has nothing to learn from."""
    generator = np.random.default_rng(seed)
    train = part(generator, 2, units, prevalence=0)
    selection, test = (part(generator, 1000, units, planted) for _ in range(2))
    return discover(train, selection, test, NAMES, 0.65, generator, 200, 100)


def all_planted(area: float) -> dict[int, tuple[int, float]]:
    """Every attribute in a unit of its own."""
    return {attribute: (attribute, area) for attribute in range(ATTRIBUTES)}


def test_what_is_planted_is_found_with_its_unit_and_sign_and_nothing_else() -> None:
    generator = np.random.default_rng(0)
    planted = {3 * k: (60 - 2 * k, 0.85 if k % 2 else 0.15) for k in range(10)}
    parts = [part(generator, 1000, 64, planted) for _ in range(3)]
    table = discover(*parts, NAMES, 0.65, generator, resamples=200, permutations=100)
    assert list(table.columns) == [
        *("attribute", "unit", "sign", "auc", "low", "high", "null"),
        *("probe", "probe_low", "probe_high", "positives", "discovered"),
    ]
    assert table["attribute"].tolist() == NAMES
    carriers = table[table["discovered"]]
    assert carriers.index.tolist() == list(planted)
    assert carriers["unit"].tolist() == [unit for unit, _ in planted.values()]
    assert carriers["sign"].tolist() == [-1.0, 1.0] * 5
    assert (carriers["auc"] - 0.85).abs().max() < 5 * 0.016
    assert (carriers["probe"] - 0.85).abs().max() < 0.08
    assert table["positives"].tolist() == parts[2][1].sum(axis=0, dtype=int).tolist()
    others = table[~table["discovered"]]
    assert (others["auc"] - 0.5).abs().max() < 5 * 0.023
    assert (others["probe"] - 0.5).abs().max() < 5 * 0.023
    for low, value, high in (("low", "auc", "high"), ("probe_low", "probe", "probe_high")):
        assert (table[low] < table[value]).all()
        assert (table[value] < table[high]).all()


def test_a_units_area_is_measured_on_the_test_images_alone() -> None:
    generator = np.random.default_rng(1)
    planted = {0: (5, 0.9), 1: (6, 0.1)}
    train, selection, test = (part(generator, 500, 8, planted) for _ in range(3))
    table = discover(train, selection, test, NAMES, 0.65, generator, resamples=50, permutations=50)
    assert table["unit"][:2].tolist() == [5, 6]
    assert table["auc"][0] == pytest.approx(roc_auc_score(test[1][:, 0], test[0][:, 5]))
    assert table["auc"][1] == pytest.approx(roc_auc_score(test[1][:, 1], -test[0][:, 6]))


def test_planted_areas_of_08_are_found() -> None:
    """The interval's end is 0.15 / 0.018 - 1.96 = 6 standard errors above 0.65: all of 120."""
    tables = [discoveries(seed, 64, all_planted(0.8)) for seed in range(3)]
    assert np.mean([table["discovered"] for table in tables]) >= 0.995


def test_planted_areas_of_072_are_found_nine_times_in_ten() -> None:
    """0.07 / 0.020 - 1.96 = 1.5 standard errors above: 94%; 120 have a deviation of 2.2%."""
    tables = [discoveries(seed, 64, all_planted(0.72)) for seed in range(3)]
    assert np.mean([table["discovered"] for table in tables]) == pytest.approx(0.94, abs=0.08)


def test_an_area_at_the_threshold_is_rarely_a_discovery() -> None:
    """2.5% by construction of the interval; 120 have a deviation of 1.4%."""
    tables = [discoveries(seed, 64, all_planted(0.65)) for seed in range(3)]
    assert np.mean([table["discovered"] for table in tables]) < 0.07


def test_256_units_of_noise_discover_nothing() -> None:
    """0.65 is 6 standard errors from 1/2; with no threshold the null lets 0.02% through.

    More than one of 120 would then have a chance of 2e-4. The area alone exceeds it in 5%.
    """
    table = pd.concat([discoveries(seed, 256) for seed in range(3)])
    assert not table["discovered"].any()
    assert (table["low"] > table[["null"]].assign(threshold=0.5).max(axis=1)).sum() <= 1
    assert (table["auc"] > table["null"]).mean() == pytest.approx(0.05, abs=4 * 0.02)


def test_a_single_positive_image_is_rarely_a_discovery() -> None:
    """Its bootstrap does not know where another could lie; the null keeps it at most at 5%.

    Without a threshold; 400 have a deviation of 1.1%.
    """
    generator = np.random.default_rng(2)
    discovered = []
    for _ in range(10):
        parts = [part(generator, n, 20) for n in (2, 400, 400)]
        for _, labels in parts[1:]:
            labels[:] = 0
            labels[generator.integers(len(labels), size=ATTRIBUTES), range(ATTRIBUTES)] = 1
        table = discover(*parts, NAMES, 0.5, generator, 100, 100)
        assert (table["positives"] == 1).all()
        discovered.append(table["discovered"])
    assert 0.0 < np.mean(discovered) < 0.05 + 2 * 0.011


def test_choosing_and_measuring_on_the_same_images_would_exceed_one_half() -> None:
    """The largest of 256 |deviations| of standard error 0.023 is 3.0 of them: 0.57 from noise."""
    same, ours = [], []
    for seed in range(3):
        generator = np.random.default_rng(seed)
        selection, test = (part(generator, 1000, 256) for _ in range(2))
        unit, sign = choose(areas(*selection))
        columns = range(ATTRIBUTES)
        same += (0.5 + sign * (areas(*selection)[unit, columns] - 0.5)).tolist()
        ours += (0.5 + sign * (areas(*test)[unit, columns] - 0.5)).tolist()
    assert np.mean(same) == pytest.approx(0.569, abs=0.005)
    assert np.mean(ours) == pytest.approx(0.5, abs=4 * 0.023 / 120**0.5)


def test_the_null_is_that_of_a_plain_loop() -> None:
    generator = np.random.default_rng(3)
    parts = [(codes.round(1), labels[:, :3]) for codes, labels in two_parts(generator, 40, 60, 5)]
    again = np.random.default_rng(4)
    measured = []
    for _ in range(15):
        (codes, labels), (other, others) = ((x, y[again.permutation(len(y))]) for x, y in parts)
        for label, held_out in zip(labels.T, others.T, strict=True):
            chosen = [roc_auc_score(label, unit) for unit in codes.T]
            best = int(np.argmax(np.abs(np.array(chosen) - 0.5)))
            score = other[:, best] * (1 if chosen[best] >= 0.5 else -1)
            measured.append(roc_auc_score(held_out, score))
    expected = np.quantile(np.reshape(measured, (15, 3)), 0.95, axis=0)
    np.testing.assert_allclose(null(*parts, np.random.default_rng(4), 15), expected, rtol=1e-12)


def two_parts(
    generator: np.random.Generator, selection: int, test: int, units: int
) -> tuple[Part, Part]:
    """Parts of noise of two sizes."""
    return part(generator, selection, units), part(generator, test, units)


def test_the_null_of_codes_without_ties_is_that_of_mann_and_whitney() -> None:
    """1/2 + 1.645 sqrt((n + 1) / (12 p q)); 400 permutations know it to 0.1 standard errors."""
    generator = np.random.default_rng(5)
    selection, test = two_parts(generator, 300, 800, 20)
    p = test[1].sum(axis=0, dtype=float)
    deviation = np.sqrt(801 / (12 * p * (800 - p)))
    standard = (null(selection, test, generator, 400) - 0.5) / deviation
    assert standard.mean() == pytest.approx(1.645, abs=0.08)
    assert np.abs(standard - 1.645).max() < 0.5


def test_the_null_chooses_anew() -> None:
    """On the test images only one unit of ten varies.

    It is chosen in a tenth of the permutations, and half of these put its area above 1/2: the 95%
    quantile is about 1/2, and well above it where that unit is the only one.
    """
    generator = np.random.default_rng(6)
    selection, test = two_parts(generator, 200, 200, 10)
    test[0][:, 1:] = 0
    among_ten = null(selection, test, generator, 200)
    alone = null((selection[0][:, :1], selection[1]), (test[0][:, :1], test[1]), generator, 200)
    assert (among_ten >= 0.5).all()
    assert among_ten.mean() < 0.51
    assert alone.min() > 0.55
    test[0][:, 0] = 0
    assert (null(selection, test, generator, 20) == 0.5).all()


def test_blocks_of_permutations_change_nothing_and_bound_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """100 permutations of 40 attributes of 3000 images at once would take 96 MB; a block 8."""
    parts = two_parts(np.random.default_rng(7), 3000, 2000, 16)
    whole = null(*parts, np.random.default_rng(8), 100)
    monkeypatch.setattr(attributes, "VALUES_AT_ONCE", 1 << 20)
    tracemalloc.start()
    blocks = null(*parts, np.random.default_rng(8), 100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_allclose(blocks, whole, rtol=1e-14)
    assert peak < 40e6


def test_what_has_one_class_in_a_part_is_no_discovery() -> None:
    generator = np.random.default_rng(9)
    planted = {k: (k, 0.99) for k in range(4)}
    train, selection, test = (part(generator, 300, 6, planted) for _ in range(3))
    for place, (_, labels) in enumerate((train, selection, test)):
        labels[:, place] = place % 2
    table = discover(train, selection, test, NAMES, 0.65, generator, resamples=50, permutations=20)
    assert table["discovered"][:4].tolist() == [True, False, False, True]
    assert table["unit"][:4].tolist() == [0, -1, 2, 3]
    missing = table[["sign", "auc", "null", "probe"]].isna()
    assert missing[:4].to_numpy().tolist() == [
        [False, False, False, True],
        [True, True, True, False],
        [False, True, True, True],
        [False] * 4,
    ]
    nothing = (test[0], np.zeros_like(test[1]))
    table = discover(train, nothing, nothing, NAMES, 0.65, generator, resamples=5, permutations=5)
    assert not table["discovered"].any()
    assert table["null"].isna().all()


def test_an_attribute_spread_over_units_is_the_probes_and_not_a_units() -> None:
    """Half of all lie above the sum of 64 units: each alone is correlated 1/8 with that sum."""
    generator = np.random.default_rng(10)
    parts = [part(generator, n, 64) for n in (1000, 1000, 1000)]
    for codes, labels in parts:
        labels[:, 0] = codes.sum(axis=1) > 0
        codes[:, 0] *= 1000
    table = discover(*parts, NAMES, 0.65, generator, resamples=100, permutations=100)
    assert not table["discovered"].any()
    assert table["auc"][0] < 0.62
    assert table["probe_low"][0] > 0.97
    assert table["probe_high"][1:].max() < 0.65


def test_the_probe_takes_units_in_their_own_measure() -> None:
    generator = np.random.default_rng(11)
    (codes, labels), (other, _) = (part(generator, 200, 5, {0: (2, 0.9)}) for _ in range(2))
    scale, shift = np.array([1, 8, 64, 512, 4096]), np.arange(5)
    expected = probe((codes, labels), other)
    rescaled = probe((codes * scale + shift, labels), other * scale + shift)
    np.testing.assert_allclose(rescaled, expected, atol=1e-3)
    assert expected.shape == (200, ATTRIBUTES)


def test_the_best_unit_and_its_sign_are_chosen_and_nan_is_not() -> None:
    measured = np.array([[0.7, 0.4, 0.5, np.nan], [0.2, np.nan, 0.5, np.nan]])
    unit, sign = choose(measured)
    assert unit.tolist() == [1, 0, 0, -1]
    np.testing.assert_array_equal(sign, [-1, -1, 1, np.nan])


def test_units_are_named_by_the_attribute_they_carry_best() -> None:
    planted = {4: (0, 0.9), 7: (2, 0.1)}
    codes, labels = part(np.random.default_rng(12), 1000, 3, planted)
    labels[:, 5] = 1
    attribute, area = carried(codes, labels)
    assert attribute[[0, 2]].tolist() == [4, 7]
    assert area[0] == pytest.approx(roc_auc_score(labels[:, 4], codes[:, 0]))
    assert area[2] == pytest.approx(roc_auc_score(labels[:, 7], codes[:, 2]))
    assert area[2] < 0.15
    attribute, area = carried(codes, np.ones_like(labels))
    assert attribute.tolist() == [-1] * 3
    assert np.isnan(area).all()
