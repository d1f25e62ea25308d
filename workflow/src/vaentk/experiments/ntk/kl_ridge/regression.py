"""The kernel ridge regression that Eq. 4 leads to, and other readings of Theorem 2's.

While W_sigma stands still and inputs have norm 1, the latent's variance stays sigma0^2, and Eq. 4's
KL term sees the shifts ``U = X dW^T`` (n x m) of the latent means alone. With f_0 = 0 and times n,
Eq. 4 is, linearised in the displacement dW of W_mu,

    1/2 |f(X) - X|_F^2 + beta/(2 sigma0^2) |U|_F^2,    f(X) = m^(-1/2) (A o U) W_d,

``A = E phi'`` at the start, "o" entry by entry. U is free but for ``U = P U``, where
``P = X (X^T X)^+ X^T`` projects on the column space of X. So the minimiser is kernel ridge
regression with the kernel ``P P^T o (1/m) A A^T -> P o kappa_1`` and the ridge ``beta/sigma0^2``;
at an input x the row ``x X^+ = x (X^T X)^+ X^T`` stands for P. (The same with both times n: the
kernel ``n P o kappa_1`` and the ridge ``n beta/sigma0^2``.) Two cases:

    n <= d independent inputs   P = I: f(X) = X kappa_1(1/q) / (kappa_1(1/q) + beta/sigma0^2)
    (1/n) X^T X = I/d           P = (d/n) X X^T: the kernel K_mu with ridge n beta/(d sigma0^2),
                                which is Eq. 12's with beta/(d sigma0^2) for its beta
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from vaentk.activations import ACTIVATIONS
from vaentk.kernels.kappa import kappas
from vaentk.kernels.ridge import coefficients, initial_residual, predict

Array = NDArray[np.float64]

READINGS = ("KL", "Eq. 12, isotropic", "n beta", "beta")
"""The module's kernel and ridge; and with the kernel K_mu three ridges: what the first is where
``(1/n) X^T X = I/d``, Eq. 12's ``n beta``, and ``beta``, which Theorem 2 prints."""


@dataclass(frozen=True)
class KlRegression:
    """Kernel ridge regression from unit-norm inputs to themselves, by every reading.

    Attributes
    ----------
    x
        Training inputs and targets, (n, d).
    sigma0
        Initial W_sigma.
    shifts
        ``x' X^+`` of training inputs and then of those held out, (n + n', n): how the shift of a
        latent mean follows from those at the training inputs.
    products
        ``x' . x`` of the same inputs, (n + n', n).
    kappa_1
        Of the same inputs, (n + n', n).
    """

    x: Float64[Array, "n d"]
    sigma0: float
    shifts: Float64[Array, "all n"]
    products: Float64[Array, "all n"]
    kappa_1: Float64[Array, "all n"]

    @classmethod
    def of(
        cls,
        activation: str,
        sigma0: float,
        x: Float64[Array, "n d"],
        held_out: Float64[Array, "t d"],
    ) -> "KlRegression":
        """Evaluate kappa_1 at infinite width."""
        q = 1 + sigma0**2
        inputs = np.concatenate([x, held_out])
        products = inputs @ x.T
        at, _ = kappas(ACTIVATIONS[activation], q)
        kappa_1 = np.asarray(at((products / q).ravel())[1]).reshape(products.shape)
        return cls(x, sigma0, inputs @ np.linalg.pinv(x), products, kappa_1)

    def predict(self, reading: str, beta: float) -> Float64[Array, "all d"]:
        """Predict outputs on training inputs and then on those held out, for Eq. 4's beta."""
        samples, outputs = self.x.shape
        weight = beta / self.sigma0**2
        kernel = (self.shifts if reading == "KL" else self.products) * self.kappa_1
        ridge = {
            "KL": weight,
            "Eq. 12, isotropic": samples * weight / outputs,
            "n beta": samples * beta,
            "beta": beta,
        }[reading]
        return predict(kernel, coefficients(kernel[:samples], initial_residual(self.x), ridge))
