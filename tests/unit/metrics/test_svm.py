"""Machines of one feature: liblinear's optimum, its weights, its ties."""

import numpy as np
import pytest
import torch
from sklearn.svm import LinearSVC

from vaentk.metrics import svm
from vaentk.metrics.svm import Classes, Sorted


def features(y: np.ndarray) -> np.ndarray:
    """Features of every kind: informative, noise, discrete, far off, tiny, huge, constant."""
    generator = np.random.default_rng(1)
    noise = generator.standard_normal((len(y), 8))
    return np.stack(
        [
            y + noise[:, 0],
            noise[:, 1],
            y.astype(float),
            100 + y + noise[:, 2],
            1e-3 * (y + noise[:, 3]),
            100 * (np.sin(3 * y) + noise[:, 4]),
            np.full(len(y), 0.7),
            np.zeros(len(y)),
        ]
    )


def solved(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    points = torch.from_numpy(x)
    w, b = Classes.of(torch.from_numpy(y)).fit(points, Sorted.of(points))
    return w.numpy(), b.numpy()


def labels(classes: int, n: int = 400) -> np.ndarray:
    """Classes of very different sizes."""
    shares = np.arange(1, classes + 1) / np.arange(1, classes + 1).sum()
    return np.random.default_rng(0).choice(classes, size=n, p=shares)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_the_optimum_is_liblinears(classes: int) -> None:
    y = labels(classes)
    x = features(y)
    for feature, w, b in zip(x, *solved(x, y), strict=True):
        machine = LinearSVC(C=0.01, class_weight="balanced", dual=False, tol=1e-12)
        machine.fit(feature[:, None], y)
        np.testing.assert_allclose(w, machine.coef_[:, 0], rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(b, machine.intercept_, rtol=1e-5, atol=1e-8)


def test_the_dual_method_approaches_the_same_optimum() -> None:
    """What disentanglement_lib ran, with a tolerance that the original did not have."""
    y = labels(3)
    x = features(y)[:3]
    for feature, w, b in zip(x, *solved(x, y), strict=True):
        machine = LinearSVC(
            C=0.01, class_weight="balanced", dual=True, tol=1e-9, max_iter=10**6, random_state=0
        )
        machine.fit(feature[:, None], y)
        np.testing.assert_allclose(w, machine.coef_[:, 0], rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(b, machine.intercept_, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("classes", [2, 5])
def test_the_gradient_vanishes_at_the_solution(classes: int) -> None:
    """By the objective as the module states it, summed point by point."""
    y = labels(classes)
    x = features(y)
    counts = np.bincount(y)
    balanced = 0.01 * len(y) / (classes * counts)
    for feature, slopes, intercepts in zip(x, *solved(x, y), strict=True):
        own = range(classes) if classes > 2 else [1]
        for k, w, b in zip(own, slopes, intercepts, strict=True):
            sign = np.where(y == k, 1.0, -1.0)
            rest = 0.01 if classes > 2 else balanced[0]
            cost = np.where(y == k, balanced[k], rest)
            pull = 2 * cost * sign * np.maximum(0, 1 - sign * (w * feature + b))
            scale = 1 + np.abs(pull * feature).sum()
            assert abs(w - (pull * feature).sum()) < 1e-10 * scale
            assert abs(b - pull.sum()) < 1e-10 * scale


def test_the_first_of_equal_classes_is_predicted() -> None:
    """On a constant feature, classes as large as one another have one decision function."""
    y = torch.tensor([[4], [4], [2], [2], [7]])
    x = torch.ones(5, 1)
    assert svm.accuracies(x, y, x, y).item() == 0.4
    classes = Classes.of(y[:, 0])
    w, b = classes.fit(x.T.double(), Sorted.of(x.T.double()))
    assert w[0, 0] == w[0, 1]
    assert (classes.predict(x.T.double(), w, b) == 2).all()


def test_a_class_that_was_never_learnt_is_never_right() -> None:
    x = torch.tensor([[0.0], [1.0]]).repeat(50, 1)
    y = torch.tensor([[0], [1]]).repeat(50, 1)
    assert svm.accuracies(x, y, x, y).item() == 1
    assert svm.accuracies(x, y, x, y + 5).item() == 0


def test_parts_of_the_features_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    y = labels(4)
    x, column = torch.from_numpy(features(y).T.copy()), torch.from_numpy(y)[:, None]
    expected = svm.accuracies(x, column, x, column)
    monkeypatch.setattr(svm, "VALUES_AT_ONCE", 3 * len(x))
    assert torch.equal(svm.accuracies(x, column, x, column), expected)


def test_codes_that_are_no_numbers_are_an_error() -> None:
    x, y = torch.full((10, 1), torch.nan), torch.arange(10)[:, None] % 2
    with pytest.raises(RuntimeError, match="are all codes numbers"):
        svm.accuracies(x, y, x, y)
