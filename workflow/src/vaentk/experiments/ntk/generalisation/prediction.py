"""What the limit kernel predicts for images that it was not trained on.

With f_0 = 0 gradient flow on Eq. 7 with the kernel K leads, at an input x', to

    f(x'; t) = K(x', X) phi_t(K) X,    phi_t(lambda) = (1 - e^{-lambda t/n}) / lambda,

and for t -> infinity to ridgeless regression. K = V diag(lambda) V^T in float64. Of many images the
smallest eigenvalues come near the rounding of the largest, about ``n eps lambda_max`` in all.
"""

from dataclasses import dataclass
from math import isinf

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from vaentk.activations import ACTIVATIONS
from vaentk.kernels.flow import gradient_flow
from vaentk.kernels.limit import limit_kernels

Array = NDArray[np.float64]

ROUNDING = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class KernelLearning:
    """Gradient flow on the limit kernel, from unit-norm inputs to themselves.

    Attributes
    ----------
    x, held_out
        Training inputs and targets (n, d), and test inputs (n', d).
    values
        Eigenvalues of K, increasing, (n,).
    targets
        ``V^T X``, (n, d).
    cross
        ``K(x', X) V``, (n', n).
    """

    x: Float64[Array, "n d"]
    held_out: Float64[Array, "t d"]
    values: Float64[Array, " n"]
    targets: Float64[Array, "n d"]
    cross: Float64[Array, "t n"]

    @classmethod
    def of(
        cls,
        activation: str,
        sigma0: float,
        x: Float64[Array, "n d"],
        held_out: Float64[Array, "t d"],
    ) -> "KernelLearning":
        """Evaluate the limit kernels and decompose that of the training inputs."""
        phi = ACTIVATIONS[activation]
        values, vectors = np.linalg.eigh(limit_kernels(phi, sigma0, x).total)
        cross = limit_kernels(phi, sigma0, held_out, x).total @ vectors
        return cls(x, held_out, values, vectors.T @ x, cross)

    def outputs(self, time: float, cut: float = 1.0) -> Float64[Array, "t d"]:
        """Predict outputs on the test inputs at a time in Eq. 7's units, infinity included.

        At infinity modes with eigenvalues below ``cut`` times the rounding are left out.
        """
        filtered = gradient_flow([time], len(self.x))(np.abs(self.values))[0]
        if isinf(time):
            filtered[self.values < cut * self.rounding] = 0
        predicted: Array = self.cross @ (filtered[:, None] * self.targets)
        return predicted

    @property
    def rounding(self) -> float:
        """Size of the rounding of an eigenvalue, ``n eps lambda_max``."""
        return len(self.x) * ROUNDING * float(self.values[-1])

    def error(self, time: float) -> float:
        """Return the held-out error, see `relative_error`."""
        return relative_error(self.outputs(time), self.held_out)

    def training_error(self, time: float) -> float:
        """Return the error on the training inputs, over that of answering zero."""
        left = np.exp(-time / len(self.x) * np.abs(self.values))[:, None] * self.targets
        return relative_error(self.targets - left, self.targets)

    def unsure(self) -> float:
        """Return how far the error at infinity moves if modes near the rounding are left out.

        These are eigenvalues below a hundred times it; relative to the error.
        """
        fewer = relative_error(self.outputs(np.inf, cut=100.0), self.held_out)
        return abs(fewer / self.error(np.inf) - 1)

    def linear_error(self) -> float:
        """Return the held-out error of linear regression: projection on the training inputs."""
        weights = np.linalg.lstsq(self.x, self.x, rcond=1e-10)[0]
        return relative_error(self.held_out @ weights, self.held_out)


def relative_error(outputs: Array, targets: Array) -> float:
    """Return ``|f - X|_F^2 / |X|_F^2``, the squared error over that of answering zero."""
    return float(np.square(outputs - targets).sum() / np.square(targets).sum())
