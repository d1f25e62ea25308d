"""DCI: known matrices of importance, known codes, and the same scores as the algorithm in loops."""

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier

from vaentk.data.grid import Grid
from vaentk.metrics import dci
from vaentk.metrics.dci import completeness, disentanglement
from vaentk.metrics.sampling import Split


@pytest.fixture
def sample(grid: Grid) -> Split:
    return Split.draw(grid, 150, 100, np.random.default_rng(0))


def test_one_code_a_factor_is_perfect_in_any_order() -> None:
    for matrix in (np.eye(4), np.eye(4)[[2, 0, 3, 1]], np.diag([1.0, 2.0, 3.0])):
        assert disentanglement(matrix) == pytest.approx(1, abs=1e-8)
        assert completeness(matrix) == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize("matrix", [np.ones((5, 3)), np.zeros((5, 3))])
def test_no_preference_is_nothing(matrix: np.ndarray) -> None:
    assert disentanglement(matrix) == pytest.approx(0, abs=1e-12)
    assert completeness(matrix) == pytest.approx(0, abs=1e-12)


def test_a_factor_in_two_codes_is_disentangled_but_not_complete() -> None:
    """By hand: two factors, each in two of four codes: entropy log 2, base 4."""
    matrix = np.array([[0.5, 0], [0.5, 0], [0, 0.5], [0, 0.5]])
    assert disentanglement(matrix) == pytest.approx(1, abs=1e-8)
    assert completeness(matrix) == pytest.approx(0.5, abs=1e-8)
    assert disentanglement(matrix.T) == pytest.approx(0.5, abs=1e-8)


def test_codes_count_as_much_as_they_matter() -> None:
    """By hand: a code of one factor weighs 3/4, a code of both 1/4."""
    matrix = np.array([[0.75, 0.0], [0.125, 0.125]])
    assert disentanglement(matrix) == pytest.approx(0.75, abs=1e-8)


def test_factors_as_codes_are_perfect(identity: torch.Tensor, sample: Split) -> None:
    assert dci.score(identity, sample) == pytest.approx((1, 1, 1), abs=1e-6)


def test_constant_codes_tell_nothing(grid: Grid, sample: Split) -> None:
    found = dci.score(torch.full((60, 2), 0.3), sample)
    assert found.disentanglement == pytest.approx(0, abs=1e-12)
    shares = [
        np.mean(test == np.bincount(train).argmax())
        for train, test in zip(sample.train.values.T, sample.test.values.T, strict=True)
    ]
    assert found.informativeness == pytest.approx(np.mean(shares))


def test_a_rotation_is_not_disentangled(square: Grid, rotated: torch.Tensor) -> None:
    sample = Split.draw(square, 150, 50, np.random.default_rng(0))
    assert dci.score(rotated, sample).disentanglement < 0.1


def test_the_scores_are_those_of_loops(partly: torch.Tensor, sample: Split) -> None:
    codes = partly.numpy()
    x, x_test = codes[sample.train.numbers], codes[sample.test.numbers]
    importance, test = np.zeros((7, 3)), []
    for i in range(3):
        model = GradientBoostingClassifier(random_state=0, n_estimators=20).fit(
            x, sample.train.values[:, i]
        )
        importance[:, i] = np.abs(model.feature_importances_)
        test.append(np.mean(model.predict(x_test) == sample.test.values[:, i]))
    by_code = [1 - entropy(row + 1e-11, base=3) for row in importance]
    by_factor = [1 - entropy(column + 1e-11, base=7) for column in importance.T]
    whole = importance.sum()
    found = dci.score(partly, sample, trees=20)
    assert found.disentanglement == pytest.approx(
        np.sum(by_code * importance.sum(axis=1) / whole), abs=1e-6
    )
    assert found.completeness == pytest.approx(
        np.sum(by_factor * importance.sum(axis=0) / whole), abs=1e-6
    )
    assert found.informativeness == pytest.approx(np.mean(test), abs=1e-6)
