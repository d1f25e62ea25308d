"""Attributes told by single units and by a linear probe: planted ones are, others are not.

Planted units are unit normals shifted where the attribute is present; an area of 1/2 for prevalence
0.2 among 1000 images has a standard error of about 0.023.
"""

from collections.abc import Mapping

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from vaentk.experiments.latents.discovery.attributes import choose, probe
from vaentk.statistics.roc import areas

ATTRIBUTES = 40
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


def test_an_attribute_spread_over_units_is_the_probes_and_not_a_units() -> None:
    """Half of all lie above the sum of 64 units: each alone is correlated 1/8 with that sum."""
    generator = np.random.default_rng(10)
    train, test = (part(generator, 1000, 64) for _ in range(2))
    for codes, labels in (train, test):
        labels[:, 0] = codes.sum(axis=1) > 0
        codes[:, 0] *= 1000
    assert np.abs(areas(*test)[:, 0] - 0.5).max() < 0.12
    found = np.diag(areas(probe(train, test[0]), test[1]))
    assert found[0] > 0.97
    assert np.abs(found[1:] - 0.5).max() < 5 * 0.023


def test_the_probe_has_no_score_where_the_training_images_have_one_class() -> None:
    generator = np.random.default_rng(9)
    train, test = (part(generator, 300, 6, {0: (0, 0.99), 1: (1, 0.99)}) for _ in range(2))
    train[1][:, 1] = 0
    found = probe(train, test[0])
    assert np.isnan(found[:, 1]).all()
    assert roc_auc_score(test[1][:, 0], found[:, 0]) > 0.95


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
