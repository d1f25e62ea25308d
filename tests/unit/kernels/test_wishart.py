"""The edges of a weighted Wishart matrix against Marchenko and Pastur's and a matrix's own."""

import numpy as np
import pytest

from vaentk.activations import ACTIVATIONS
from vaentk.kernels.limit import limit_kernels
from vaentk.kernels.wishart import edges, unit_weights


@pytest.mark.parametrize("ratio", [0.01, 0.25, 0.9])
def test_equal_weights_give_marchenko_and_pasturs_edges(ratio: float) -> None:
    """``g (1 -+ sqrt(d/m))^2``; the scalar search stops at 1e-5 of its logarithm."""
    least, greatest = edges(np.full(7, 3.0), ratio)
    assert least == pytest.approx(3 * (1 - ratio**0.5) ** 2, rel=1e-6)
    assert greatest == pytest.approx(3 * (1 + ratio**0.5) ** 2, rel=1e-6)


def test_more_outputs_than_units_leave_a_null_space() -> None:
    least, greatest = edges(np.ones(7), 4.0)
    assert least == pytest.approx(0, abs=1e-6)
    assert greatest == pytest.approx(9)


@pytest.mark.parametrize(("outputs", "units"), [(400, 1600), (300, 600)])
def test_edges_are_those_of_a_drawn_matrix(outputs: int, units: int) -> None:
    """``1/m sum_r g_r d_r d_r^T``, g exponential; at finite size edges vary as d^(-2/3)."""
    generator = np.random.default_rng(0)
    weights = generator.exponential(size=units)
    rows = generator.standard_normal((units, outputs))
    values = np.linalg.eigvalsh(rows.T @ (weights[:, None] * rows) / units)
    least, greatest = edges(weights, outputs / units)
    assert values[-1] == pytest.approx(greatest, rel=0.04)
    assert values[0] == pytest.approx(least, rel=0.1)
    equal = (1 + (outputs / units) ** 0.5) ** 2
    assert greatest > 1.1 * equal, "Marchenko and Pastur's edge is too low"


def test_weights_of_units_average_to_the_limit_kernel() -> None:
    """``E g = v^T K_mu v``; 2^14 units know it to a percent."""
    x = np.random.default_rng(1).standard_normal((6, 9))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    kernel = limit_kernels(ACTIVATIONS["erf"], 0.5, x).mu
    for direction in np.linalg.eigh(kernel)[1].T[[0, -1]]:
        found = unit_weights(ACTIVATIONS["erf"], 0.5, x, direction).mean()
        assert found == pytest.approx(direction @ kernel @ direction, rel=0.01)
