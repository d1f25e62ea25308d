"""SAP: known answers, and the same score as the algorithm in loops."""

import numpy as np
import pytest
import torch
from sklearn.svm import LinearSVC

from vaentk.data.grid import Grid
from vaentk.errors import UserError
from vaentk.metrics import sap
from vaentk.metrics.sampling import Points, Split


def whole(grid: Grid) -> Split:
    """Every image once, to learn from and to test on."""
    numbers = np.tile(np.arange(len(grid)), 20)
    points = Points(numbers, grid.values(numbers))
    return Split(points, points)


def in_loops(codes: np.ndarray, sample: Split) -> np.ndarray:
    """Accuracies as disentanglement_lib finds them, pair by pair, but at liblinear's optimum."""
    x, x_test = codes[sample.train.numbers], codes[sample.test.numbers]
    accuracy = np.zeros((codes.shape[1], sample.train.values.shape[1]))
    for i in range(accuracy.shape[0]):
        for j in range(accuracy.shape[1]):
            machine = LinearSVC(C=0.01, class_weight="balanced", dual=False, tol=1e-10)
            machine.fit(x[:, i : i + 1], sample.train.values[:, j])
            predicted = machine.predict(x_test[:, i : i + 1])
            accuracy[i, j] = np.mean(predicted == sample.test.values[:, j])
    return accuracy


def test_factors_of_two_values_are_separated_or_guessed() -> None:
    """The right code is always right and the other tosses a coin: the lead is a half."""
    grid = Grid(("x", "y"), (2, 2))
    sample = whole(grid)
    codes = torch.from_numpy(grid.values(np.arange(4))).double() - 0.5
    np.testing.assert_array_equal(sap.accuracies(codes, sample), [[1, 0.5], [0.5, 1]])
    assert sap.score(codes, sample) == 0.5


def test_constant_and_copied_codes_have_no_lead(grid: Grid, identity: torch.Tensor) -> None:
    assert sap.score(torch.full((60, 3), 0.3), whole(grid)) == 0
    assert sap.score(identity[:, [0, 1, 2, 0, 1, 2]], whole(grid)) == 0


def test_a_constant_code_predicts_the_commonest_class(grid: Grid) -> None:
    sample = Split.draw(grid, 500, 300, np.random.default_rng(0))
    accuracy = sap.accuracies(torch.full((60, 2), 0.3), sample)
    for factor in range(3):
        commonest = np.bincount(sample.train.values[:, factor]).argmax()
        share = np.mean(sample.test.values[:, factor] == commonest)
        np.testing.assert_array_equal(accuracy[:, factor], share)


def test_a_rotation_has_no_lead(square: Grid, rotated: torch.Tensor) -> None:
    """The sum and the difference of two equal factors predict each alike, but for the order."""
    assert sap.score(rotated - rotated.mean(dim=0), whole(square)) < 0.05


def test_the_order_of_codes_does_not_matter(grid: Grid, partly: torch.Tensor) -> None:
    sample = Split.draw(grid, 500, 300, np.random.default_rng(0))
    turned = partly.flip(1)
    assert sap.score(turned, sample) == sap.score(partly, sample)
    np.testing.assert_array_equal(
        sap.accuracies(turned, sample)[::-1], sap.accuracies(partly, sample)
    )


def test_noise_has_little_lead(grid: Grid) -> None:
    """Standard errors of 0.01 around one over the size."""
    sample = Split.draw(grid, 3000, 2000, np.random.default_rng(0))
    train = Points(np.arange(3000), sample.train.values)
    test = Points(np.arange(3000, 5000), sample.test.values)
    codes = torch.randn(5000, 5, generator=torch.Generator().manual_seed(0))
    fresh = Split(train, test)
    accuracy = sap.accuracies(codes, fresh)
    np.testing.assert_allclose(accuracy, [[1 / 3, 1 / 4, 1 / 5]] * 5, atol=0.05)
    assert sap.score(codes, fresh) < 0.03


@pytest.mark.parametrize("sizes", [(3, 4, 5), (2, 7)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_score_is_that_of_loops(
    partly: torch.Tensor, sizes: tuple[int, ...], dtype: torch.dtype
) -> None:
    """But for the constant code: two balanced classes tie on it and rounding decides."""
    grid, codes = Grid(tuple("abc"[: len(sizes)]), sizes), partly[:, :6].to(dtype)
    sample = Split.draw(grid, 500, 300, np.random.default_rng(0))
    expected = in_loops(codes.numpy(), sample)
    np.testing.assert_allclose(sap.accuracies(codes, sample), expected, atol=1e-6)
    first, second = np.sort(expected, axis=0)[:-3:-1]
    assert sap.score(codes, sample) == pytest.approx(np.mean(first - second), abs=1e-6)


def test_a_single_code_is_one_sentence(grid: Grid, identity: torch.Tensor) -> None:
    with pytest.raises(UserError, match="choose a latent size of 2 or more"):
        sap.score(identity[:, :1], whole(grid))
