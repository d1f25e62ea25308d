"""Areas under ROC curves against scikit-learn and by hand; influences against DeLong's formula."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from vaentk.statistics.roc import areas, influences


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


def delong(scores: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Areas and their covariance matrix, written out: DeLong et al. 1988, Eqs. 2 to 5."""
    x, y = scores[label > 0], scores[label == 0]
    psi = (x[:, None] > y) + 0.5 * (x[:, None] == y)  # (positives, negatives, columns)
    v10, v01 = psi.mean(axis=1), psi.mean(axis=0)
    return psi.mean(axis=(0, 1)), np.cov(v10.T) / len(x) + np.cov(v01.T) / len(y)


@pytest.mark.parametrize("levels", [3, 10**6])
def test_products_of_influences_are_delongs_covariances(levels: int) -> None:
    """To rounding, with ties and without."""
    generator = np.random.default_rng(1)
    label = (generator.random(90) < 0.2).astype(np.uint8)
    scores = generator.integers(levels, size=(90, 4)) + label[:, None] * [0, 1, 2, levels // 2]
    scores[:, 3] += scores[:, 0]
    values, moved = influences(scores.astype(float), label)
    expected, covariance = delong(scores, label)
    np.testing.assert_allclose(values, expected, rtol=1e-14)
    np.testing.assert_allclose(values, areas(scores.astype(float), label[:, None])[:, 0])
    np.testing.assert_allclose(moved.T @ moved, covariance, rtol=1e-12, atol=1e-17)
    np.testing.assert_allclose(moved.sum(axis=0), 0, atol=1e-15)


def test_influences_are_those_of_a_bootstrap_also_between_labels() -> None:
    """Three scores, two of one label, and another that overlaps it.

    A covariance of 4000 draws is known to about 1/sqrt(4000) of the product of deviations; the
    influences are right to the next order in the images, 1/400. 0.06 is 4 errors.
    """
    generator = np.random.default_rng(2)
    common = generator.standard_normal(400)
    first = generator.random(400) < 0.3
    labels = np.column_stack([first, first, first | (generator.random(400) < 0.1)])
    scores = common[:, None] + labels + generator.standard_normal((400, 3))
    moved = np.column_stack([influences(scores[:, [k]], labels[:, k])[1] for k in range(3)])
    drawn = []
    for _ in range(4000):
        chosen = generator.integers(400, size=400)
        drawn.append(np.diag(areas(scores[chosen], labels[chosen])))
    covariance = np.cov(np.array(drawn).T)
    deviations = np.sqrt(np.diag(covariance))
    scale = np.outer(deviations, deviations)
    assert (covariance / scale)[[0, 0], [1, 2]].min() > 0.2, "the case says something"
    np.testing.assert_allclose(moved.T @ moved / scale, covariance / scale, atol=0.06)


@pytest.mark.parametrize("area", [0.5, 0.65, 0.8])
def test_the_variance_is_that_of_new_images(area: float) -> None:
    """300 columns: a variance is known to sqrt(2/300) = 8%; 0.25 is 3 errors."""
    scores, labels = binormal(area, 1000, 300, np.random.default_rng(4))
    both = [influences(scores[:, [k]], labels[:, k]) for k in range(300)]
    values = np.array([value[0] for value, _ in both])
    variances = np.array([np.square(moved).sum() for _, moved in both])
    assert values.mean() == pytest.approx(area, abs=4 * values.std() / 300**0.5)
    assert variances.mean() == pytest.approx(values.var(ddof=1), rel=0.25)


def test_what_has_no_score_or_a_single_image_of_a_class_has_no_area() -> None:
    scores = np.random.default_rng(6).standard_normal((50, 2))
    label = np.zeros(50, np.uint8)
    for count, known in ((0, False), (1, False), (2, True), (48, True), (49, False)):
        label[:count] = 1
        values, moved = influences(scores, label)
        assert np.isfinite(values).all() == np.isfinite(moved).all() == known
    label[25:] = 0
    scores[3, 1] = np.nan
    assert all(np.isnan(array).all() for array in influences(scores, label))
