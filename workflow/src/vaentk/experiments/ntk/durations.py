"""How long n/lambda_0 is for a limit kernel, and whether a flow can be followed so long."""

from typing import Final

from jaxtyping import Float64
from numpy import ndarray

from vaentk.errors import UserError
from vaentk.kernels.limit import greatest_eigenvalue, least_eigenvalue

SINGULAR: Final = 1e-12
"""Part of the largest eigenvalue, below which rounding may have made the smallest one."""

STIFFEST: Final = 1e9
"""Largest number to whose power the fastest mode may shrink by e: some 50,000 gradients."""


def of_horizon(kernel: Float64[ndarray, "n n"], horizon: float) -> tuple[float, float]:
    """Return ``horizon`` times n/lambda_0, and the rate lambda_max/n of the fastest mode.

    Parameters
    ----------
    kernel
        Limit kernel K of the training images, which has the eigenvalues lambda.

    Raises
    ------
    UserError
        Where lambda_0 is zero to rounding, so that nothing says how long to train, and where the
        time is too long for any integrator.
    """
    n, least, greatest = len(kernel), least_eigenvalue(kernel), greatest_eigenvalue(kernel)
    if least < SINGULAR * greatest:
        raise UserError(
            f"the limit kernel of these {n} images is singular to rounding (lambda_0 = "
            f"{least:.2g}, lambda_max = {greatest:.2g}), and n/lambda_0 is no time to train "
            "for: take another activation, fewer samples, or more components or pixels"
        )
    if horizon * greatest / least > STIFFEST:
        raise UserError(
            f"horizon is {horizon:g} times n/lambda_0, in which the fastest mode shrinks by e to "
            f"the {horizon * greatest / least:.2g}, and {STIFFEST:g} is the most that is followed: "
            f"take a horizon of at most {STIFFEST * least / greatest:.2g}, fewer samples or more "
            "pixels"
        )
    return horizon * n / least, greatest / n
