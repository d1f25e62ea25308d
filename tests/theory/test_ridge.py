"""Theorem 2's kernel ridge regression: scikit-learn, its limits, its objective."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.kernel_ridge import KernelRidge

from vaentk.activations import ACTIVATIONS
from vaentk.errors import UserError
from vaentk.kernels.limit import limit_kernels
from vaentk.kernels.ridge import coefficients, initial_residual, predict

Array = NDArray[np.float64]
RIDGES = (1e-3, 0.1, 5.0)


def unit_rows(samples: int, outputs: int, seed: int) -> Array:
    x = np.random.default_rng(seed).standard_normal((samples, outputs))
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


def k_mu(x: Array, other: Array | None = None) -> Array:
    return limit_kernels(ACTIVATIONS["tanh"], 0.5, x, other).mu


X, X_TEST = unit_rows(60, 8, 0), unit_rows(15, 8, 1)
F_0, F_0_TEST = (np.random.default_rng(s).standard_normal((n, 8)) for s, n in ((2, 60), (3, 15)))
K, CROSS = k_mu(X), k_mu(X_TEST, X)
RESIDUAL = initial_residual(X, F_0)


def relative(got: Array, want: Array) -> float:
    return float(np.linalg.norm(got - want) / np.linalg.norm(want))


# Against scikit-learn


@pytest.mark.parametrize("ridge", RIDGES)
def test_prediction_without_f0_equals_scikit_learn(ridge: float) -> None:
    """The theorem as printed: KernelRidge fitted to the targets X; to 1e-10."""
    reference = KernelRidge(alpha=ridge, kernel="precomputed").fit(K, X)
    alpha = coefficients(K, initial_residual(X), ridge)
    assert relative(predict(CROSS, alpha), reference.predict(CROSS)) < 1e-10
    assert relative(alpha, -reference.dual_coef_) < 1e-10


@pytest.mark.parametrize("ridge", RIDGES)
def test_prediction_with_f0_equals_scikit_learn(ridge: float) -> None:
    """Linearised training moves f_0 by the ridge fit of ``X - f_0(X)``; to 1e-10."""
    reference = KernelRidge(alpha=ridge, kernel="precomputed").fit(K, X - F_0)
    got = predict(CROSS, coefficients(K, RESIDUAL, ridge), F_0_TEST)
    assert relative(got, F_0_TEST + reference.predict(CROSS)) < 1e-10


@pytest.mark.parametrize("beta", [0.01, 1.0])
def test_ridge_n_beta_minimises_the_linearised_objective(beta: float) -> None:
    """Eq. 12 on features J with K = J J^T, by least squares on the stacked system, to 1e-9.

    ``1/(2n) |f_0 + J w - X|^2 + beta/2 |w|^2``: the ridge is n beta, neither beta nor 2 n beta.
    """
    generator = np.random.default_rng(4)
    features, features_test = (generator.standard_normal((n, 200)) for n in (60, 15))
    stacked = np.vstack([features / np.sqrt(60), np.sqrt(beta) * np.eye(200)])
    sides = np.vstack([(X - F_0) / np.sqrt(60), np.zeros((200, 8))])
    moved = np.linalg.lstsq(stacked, sides, rcond=None)[0]
    expected = F_0_TEST + features_test @ moved
    kernel, cross = features @ features.T, features_test @ features.T
    gaps = [
        relative(predict(cross, coefficients(kernel, RESIDUAL, ridge), F_0_TEST), expected)
        for ridge in (60 * beta, beta, 120 * beta)
    ]
    assert gaps[0] < 1e-9
    assert min(gaps[1:]) > 1e-3


# Limits of the ridge


def test_no_ridge_interpolates() -> None:
    """ridge -> 0 meets the training targets: off by ridge |alpha|, to rounding."""
    for ridge in (0.0, 1e-12):
        fitted = predict(K, coefficients(K, RESIDUAL, ridge), F_0)
        assert np.abs(fitted - X).max() < 1e-9


def test_infinite_ridge_leaves_f0() -> None:
    """ridge -> infinity: alpha -> residual / ridge, next term |K| / ridge, and f -> f_0."""
    ridge = 1e8
    alpha = coefficients(K, RESIDUAL, ridge)
    assert relative(alpha, RESIDUAL / ridge) < np.linalg.norm(K, 2) / ridge
    assert np.abs(predict(CROSS, alpha, F_0_TEST) - F_0_TEST).max() < 1e-6


# The solver


def test_cholesky_solves_the_system_and_leaves_its_arguments() -> None:
    before, sides = K.copy(), RESIDUAL.copy()
    alpha = coefficients(K, RESIDUAL, 0.1)
    assert relative(K @ alpha + 0.1 * alpha, RESIDUAL) < 1e-12
    assert np.array_equal(K, before)
    assert np.array_equal(RESIDUAL, sides)


# Mistakes


def test_indefinite_matrix_is_refused_in_one_sentence() -> None:
    """Eigenvalues down to -1: a ridge of 0.5 does not mend it, one of 1.5 does."""
    kernel = np.diag(np.linspace(-1, 2, 60))
    with pytest.raises(UserError, match=r"ridge = 0\.5 .* not positive definite") as caught:
        coefficients(kernel, RESIDUAL, 0.5)
    assert "\n" not in str(caught.value)
    coefficients(kernel, RESIDUAL, 1.5)
