"""How much the noise of the outputs moves the gradient, for Eq. 2's network with a fresh zeta.

With one draw of zeta a step the gradient is ``g = grad L + noise``, L the expected objective. The
noise of the outputs, ``e_i = f(x_i; zeta) - E f(x_i)``, alone gives it ``(1/n) sum_i J_i^T e_i``
with the Jacobian ``J_i`` of the mean network. Samples and units have independent zeta, so that

    Cov e_i = (1/m) W_d^T diag(Var phi(z_ir)) W_d,
    tr C = (1/n^2) sum_i tr(Theta_ii Cov e_i),

with C the covariance of that part and the (d, d) blocks ``Theta_ii = J_i J_i^T`` of the tangent
kernel. One step of learning rate eta costs ``eta^2/2 tr(H C)``, H the Hessian. Where fluctuations
are in balance, their covariance S has ``H S + S H = eta C``, so that the loss is above that of the
flow by ``tr(H S)/2 = eta/4 tr C``, to first order in eta. What is left out, the noise of
``phi'(z)`` times the residual, moves each unit by itself and the outputs by order 1/m.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from vaentk.models.erf_variance import erf_variance
from vaentk.models.forward import Weights
from vaentk.models.snn import StochasticNetwork


def output_noise(model: StochasticNetwork, weights: Weights) -> Float[Tensor, " S"]:
    """Evaluate the trace of that covariance, of every member, for Eq. 2's network with erf.

    Layers that are not trained have no part in it.
    """
    forward = model.forward(weights)
    samples, width = forward.mean.shape[1:]
    spread = erf_variance(forward.mean, forward.variance).value
    # Theta_ii = (1/m) W_d^T diag(gate) W_d + (1/m) sum_r (E phi)^2.
    gate = torch.zeros_like(spread)
    if "mu" in model.trained:
        gate += forward.slope.square() * model.x.square().sum(dim=1, keepdim=True)
    if "sigma" in model.trained:
        squares = model.x.square()
        gate += forward.curvature.square() * (squares.square() @ weights["sigma"].square().mT)
    rows = weights["d"]
    # tr(W^T diag(a) W W^T diag(b) W) = sum_rs a_r b_s (W W^T)_rs^2, or by (d, d) blocks.
    blocks = [torch.einsum("snm,smk,sml->snkl", part, rows, rows) for part in (gate, spread)]
    trace = (blocks[0] * blocks[1]).sum(dim=(1, 2, 3)) / width**2
    if "d" in model.trained:
        diagonal = blocks[1].diagonal(dim1=2, dim2=3).sum(dim=2)
        trace += (forward.value.square().sum(dim=2) * diagonal).sum(dim=1) / width**2
    return trace / samples**2
