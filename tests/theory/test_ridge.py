"""Theorem 2's kernel ridge regression: solvers against each other and against scikit-learn."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.kernel_ridge import KernelRidge

from vaentk.activations import ACTIVATIONS
from vaentk.errors import UserError
from vaentk.kernels.limit import limit_kernels
from vaentk.kernels.ridge import (
    blockwise_product,
    coefficients,
    conjugate_gradients,
    initial_residual,
    path,
    predict,
)

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


# The solvers against each other


def test_cholesky_solves_the_system_and_leaves_its_arguments() -> None:
    before, sides = K.copy(), RESIDUAL.copy()
    alpha = coefficients(K, RESIDUAL, 0.1)
    assert relative(K @ alpha + 0.1 * alpha, RESIDUAL) < 1e-12
    assert np.array_equal(K, before)
    assert np.array_equal(RESIDUAL, sides)


def test_overwriting_factors_in_place() -> None:
    """Same coefficients; the kernel is spent, and no second (n, n) array is made."""
    x = unit_rows(1200, 3, 5)
    kernel = x @ x.T
    expected = coefficients(kernel, x, 0.1)
    tracemalloc.start()
    try:
        alpha = coefficients(kernel, x, 0.1, overwrite=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.array_equal(alpha, expected)
    assert peak < 0.1 * kernel.nbytes
    assert not np.allclose(kernel, x @ x.T)


def test_path_equals_single_solves() -> None:
    alphas = path(K, RESIDUAL, RIDGES)
    assert alphas.shape == (3, 60, 8)
    for alpha, ridge in zip(alphas, RIDGES, strict=True):
        assert relative(alpha, coefficients(K, RESIDUAL, ridge)) < 1e-9
    predictions = predict(CROSS, alphas, F_0_TEST)
    assert np.allclose(predictions[1], predict(CROSS, alphas[1], F_0_TEST), rtol=0, atol=1e-14)


@pytest.mark.parametrize("ridge", RIDGES)
@pytest.mark.parametrize("tolerance", [1e-3, 1e-8, 1e-11])
def test_conjugate_gradients_equal_cholesky(ridge: float, tolerance: float) -> None:
    """Every output meets the tolerance, and the coefficients lie within it times the condition."""
    solution = conjugate_gradients(lambda v: K @ v, RESIDUAL, ridge, tolerance)
    left = np.linalg.norm(K @ solution.alpha + ridge * solution.alpha - RESIDUAL, axis=0)
    relatives = left / np.linalg.norm(RESIDUAL, axis=0)
    assert relatives.max() <= tolerance
    assert solution.residual == pytest.approx(relatives.max(), rel=0.2, abs=1e-14)
    condition = np.linalg.cond(K + ridge * np.eye(60))
    assert relative(solution.alpha, coefficients(K, RESIDUAL, ridge)) <= tolerance * condition
    assert solution.iterations <= 250


def test_conjugate_gradients_end_after_as_many_steps_as_eigenvalues() -> None:
    """Three distinct eigenvalues: three steps, whatever n is."""
    basis = np.linalg.qr(np.random.default_rng(6).standard_normal((50, 50)))[0]
    kernel = (basis * np.repeat([1.0, 4.0, 9.0], [20, 20, 10])) @ basis.T
    sides = np.random.default_rng(7).standard_normal((50, 6))
    assert conjugate_gradients(lambda v: kernel @ v, sides, 0.5, 1e-10).iterations == 3


def test_every_output_has_its_own_steps() -> None:
    """Zero, easy, huge and hard columns in one block equal the same columns alone, to 1e-9.

    A column that is done leaves the block: later products are narrower.
    """
    values, vectors = np.linalg.eigh(K)
    hard = RESIDUAL[:, :1]
    sides = np.hstack([np.zeros((60, 1)), vectors[:, -1:], 1e9 * vectors[:, :1], hard])
    widths: list[int] = []

    def product(v: Array) -> Array:
        widths.append(v.shape[1])
        return K @ v

    together = conjugate_gradients(product, sides, 0.1, 1e-11)
    assert widths[0] == 3
    assert 1 in widths
    assert not together.alpha[:, 0].any()
    alone = conjugate_gradients(lambda v: K @ v, hard, 0.1, 1e-11)
    assert relative(together.alpha[:, 3:], alone.alpha) < 1e-9
    for column, value in ((1, values[-1]), (2, values[0])):
        assert relative(together.alpha[:, column], sides[:, column] / (value + 0.1)) < 1e-9


def test_exact_preconditioner_takes_one_step() -> None:
    inverse = np.linalg.inv(K + 1e-3 * np.eye(60))
    plain = conjugate_gradients(lambda v: K @ v, RESIDUAL, 1e-3, 1e-9)
    helped = conjugate_gradients(
        lambda v: K @ v, RESIDUAL, 1e-3, 1e-9, preconditioner=lambda v: inverse @ v
    )
    assert helped.iterations == 1 < plain.iterations
    assert relative(helped.alpha, coefficients(K, RESIDUAL, 1e-3)) < 1e-8


# Without storing the kernel


@pytest.mark.parametrize("name", ["tanh", "relu"])
@pytest.mark.parametrize("part", ["mu", "sigma", "d", None])
@pytest.mark.parametrize("rows_at_once", [1, 7, 60, 256])
def test_blockwise_product_equals_the_dense_one(
    name: str, part: str | None, rows_at_once: int
) -> None:
    """Both of equal inputs (half the panels) and of others, to 1e-12."""
    vectors = np.random.default_rng(8).standard_normal((60, 5))
    for x, other in ((X, None), (X_TEST, X)):
        kernels = limit_kernels(ACTIVATIONS[name], 0.5, x, other)
        dense = kernels.total if part is None else getattr(kernels, part)
        product = blockwise_product(ACTIVATIONS[name], 0.5, x, other, part, rows_at_once)
        assert relative(product(vectors), dense @ vectors) < 1e-12
        assert relative(product(vectors[:, 0]), dense @ vectors[:, 0]) < 1e-12


def test_blockwise_solution_and_prediction_equal_dense(
    digits: Callable[[int, int], Array],
) -> None:
    """Real digits, never K: fit by conjugate gradients, predict by blocks; to 1e-6."""
    x, x_test = digits(300, 14)[:240], digits(300, 14)[240:]
    tanh = ACTIVATIONS["tanh"]
    dense = predict(k_mu(x_test, x), coefficients(k_mu(x), initial_residual(x), 1.0))
    solution = conjugate_gradients(
        blockwise_product(tanh, 0.5, x, rows_at_once=64), initial_residual(x), 1.0, 1e-9
    )
    cross = blockwise_product(tanh, 0.5, x_test, x, rows_at_once=16)
    assert relative(-cross(solution.alpha), dense) < 1e-6


def test_blockwise_product_is_bounded_in_memory() -> None:
    """1500 inputs, K_mu by panels of 16 rows: under a tenth of K's 18 MB at any time."""
    x, vectors = unit_rows(1500, 4, 9), np.ones((1500, 2))
    product = blockwise_product(ACTIVATIONS["softplus"], 0.5, x, rows_at_once=16)
    tracemalloc.start()
    try:
        product(vectors)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.1 * 1500**2 * 8


# Mistakes


@pytest.mark.parametrize("solve", ["cholesky", "path", "conjugate gradients"])
def test_indefinite_matrix_is_refused_in_one_sentence(solve: str) -> None:
    """Eigenvalues down to -1: a ridge of 0.5 does not mend it, one of 1.5 does."""
    kernel = np.diag(np.linspace(-1, 2, 60))
    call: dict[str, Callable[[float], object]] = {
        "cholesky": lambda ridge: coefficients(kernel, RESIDUAL, ridge),
        "path": lambda ridge: path(kernel, RESIDUAL, [3.0, ridge]),
        "conjugate gradients": lambda ridge: conjugate_gradients(
            lambda v: kernel @ v, RESIDUAL, ridge
        ),
    }
    with pytest.raises(UserError, match=r"ridge = 0\.5 .* not positive definite") as caught:
        call[solve](0.5)
    assert "\n" not in str(caught.value)
    call[solve](1.5)


def test_singular_kernel_needs_a_ridge() -> None:
    """One input twice: path refuses ridge 0, as the eigenvalue is rounding."""
    doubled = np.vstack([X, X[:1]])
    residual = np.vstack([RESIDUAL, RESIDUAL[:1]])
    with pytest.raises(UserError, match="ridge = 0 "):
        path(np.outer([1, 1], [1, 1]).astype(float), residual[:2], [0.0])
    kernel = k_mu(doubled)
    assert relative(path(kernel, residual, [0.1])[0], coefficients(kernel, residual, 0.1)) < 1e-9


def test_conjugate_gradients_that_do_not_converge_say_so() -> None:
    kernel = np.diag(np.logspace(-8, 2, 60))
    for tolerance, products in ((1e-8, 5), (1e-30, 400)):
        with pytest.raises(UserError) as caught:
            conjugate_gradients(lambda v: kernel @ v, RESIDUAL, 1e-6, tolerance, products)
        message = str(caught.value)
        assert f"after {products} products" in message
        assert "ridge = 1e-06" in message
        assert "\n" not in message


def test_rows_of_other_norms_are_refused() -> None:
    with pytest.raises(UserError, match="unit"):
        blockwise_product(ACTIVATIONS["tanh"], 0.5, 3 * X)
