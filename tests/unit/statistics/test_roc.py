"""Areas under ROC curves against scikit-learn and by hand; the bootstrap against DeLong."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from vaentk.statistics import roc
from vaentk.statistics.roc import areas, bootstrap, counted_areas


def binormal(
    area: float, images: int, columns: int, generator: np.random.Generator, prevalence: float = 0.2
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and labels of a known area: unit normals, apart by sqrt(2) Phi^-1(area)."""
    labels = generator.random((images, columns)) < prevalence
    apart = np.sqrt(2) * norm.ppf(area)
    return generator.standard_normal((images, columns)) + apart * labels, labels.astype(np.uint8)


@pytest.mark.parametrize("levels", [3, 40, 10**6])
def test_areas_are_scikit_learns_with_and_without_ties(levels: int) -> None:
    generator = np.random.default_rng(0)
    codes = generator.integers(levels, size=(300, 6)).astype(np.float32)
    codes[:150, 1] += levels / 4
    labels = (generator.random((300, 4)) < [0.01, 0.2, 0.5, 0.95]).astype(np.uint8)
    labels[:100, 1] = 1
    expected = [[roc_auc_score(label, unit) for label in labels.T] for unit in codes.T]
    np.testing.assert_allclose(areas(codes, labels), expected, rtol=1e-14)
    np.testing.assert_array_equal(areas(codes, labels > 0), areas(codes, labels))


def test_areas_by_hand() -> None:
    """Of the four pairs of 2, 4 with 1, 3 three are in order; a tie is half a pair."""
    units = [[1, 2, 3, 4], [4, 3, 2, 1], [7, 7, 7, 7], [0, 1, 0, 9], [1, 1, 3, 4], [3, 1, 2, 0]]
    labels = np.array([[0, 1, 0, 1]], dtype=np.uint8).T
    found = areas(np.array(units, dtype=float).T, labels)
    assert found.ravel().tolist() == [0.75, 0.25, 0.5, 1.0, 0.625, 0.0]


def test_an_attribute_of_all_or_none_has_no_area() -> None:
    codes = np.random.default_rng(0).standard_normal((5, 3))
    labels = np.array([[0, 1, 0]] * 4 + [[0, 1, 1]], dtype=bool)
    found = areas(codes, labels)
    assert np.isnan(found[:, :2]).all()
    assert np.isfinite(found[:, 2]).all()


def test_a_sample_is_measured_as_if_its_images_were_written_out() -> None:
    generator = np.random.default_rng(1)
    score = generator.integers(8, size=60).astype(float)
    label = (generator.random(60) < 0.3).astype(np.uint8)
    counts = generator.integers(4, size=(60, 5)).astype(np.int32)
    expected = [
        roc_auc_score(np.repeat(label, times), np.repeat(score, times)) for times in counts.T
    ]
    np.testing.assert_allclose(counted_areas(score, label, counts), expected, rtol=1e-14)
    assert np.isnan(counted_areas(score, label, counts * label[:, None])).all()


def test_the_bootstraps_spread_is_delongs() -> None:
    """DeLong et al. 1988: the variances of both classes' placements, each over its number."""
    scores, labels = binormal(0.8, 1000, 1, np.random.default_rng(2))
    estimate = bootstrap(scores, labels, np.random.default_rng(3), draws=2000)[0]
    has = labels[:, 0] > 0
    wins = scores[has] > scores[~has].T
    variance = wins.mean(1).var(ddof=1) / has.sum() + wins.mean(0).var(ddof=1) / (~has).sum()
    assert estimate.value == pytest.approx(wins.mean())
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * variance**0.5, rel=0.06)
    assert estimate.points == 1000


@pytest.mark.parametrize("area", [0.5, 0.65, 0.8])
def test_the_intervals_cover_as_often_as_they_say(area: float) -> None:
    """300 columns: the standard error of a coverage of 95% is 1.3%."""
    scores, labels = binormal(area, 1000, 300, np.random.default_rng(4))
    estimates = bootstrap(scores, labels, np.random.default_rng(5), draws=300)
    covered = np.mean([estimate.low <= area <= estimate.high for estimate in estimates])
    assert abs(covered - 0.95) < 0.038


def test_five_positive_images_have_too_narrow_an_interval() -> None:
    """Of 1000: the lower end lies above the area 0.65 in about 11%, not 2.5%, of all columns."""
    scores, labels = binormal(0.65, 1000, 300, np.random.default_rng(6), prevalence=0.005)
    estimates = bootstrap(scores, labels, np.random.default_rng(7), draws=300)
    above = np.mean([estimate.low > 0.65 for estimate in estimates])
    assert above == pytest.approx(0.11, abs=0.05)


def test_columns_without_scores_or_with_one_class_have_no_interval() -> None:
    scores = np.random.default_rng(6).standard_normal((50, 4))
    scores[:, 1] = np.nan
    labels = np.zeros((50, 4), dtype=np.uint8)
    labels[:20, :2] = 1
    labels[7, 3] = 1
    estimates = bootstrap(scores, labels, np.random.default_rng(7), draws=100)
    ends = np.array([[estimate.value, estimate.low, estimate.high] for estimate in estimates])
    assert np.isnan(ends[1:3]).all()
    assert np.isfinite(ends[[0, 3]]).all()


def test_blocks_of_draws_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scores, labels = binormal(0.7, 80, 3, np.random.default_rng(8))
    whole = bootstrap(scores, labels, np.random.default_rng(9), draws=50)
    monkeypatch.setattr(roc, "VALUES_AT_ONCE", 7 * 80)
    assert bootstrap(scores, labels, np.random.default_rng(9), draws=50) == whole
