"""Gradients of full-batch layers, kept as the two factors of their matrix product."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class LayerGradient:
    """The gradient of one weight matrix of every member: ``left^T right * factor``.

    A full-batch gradient is a product of two thin matrices. Kept apart, they are added to a
    displacement in one fused matrix product, and the dense gradient never exists. ``factor`` is
    elementwise, None for ones.
    """

    left: Float[Tensor, "S n p"]
    right: Float[Tensor, "S n q"]
    factor: Float[Tensor, "S p q"] | None = None

    def dense(self) -> Float[Tensor, "S p q"]:
        """Return the gradient itself."""
        product = torch.bmm(self.left.mT, self.right)
        return product if self.factor is None else product.mul_(self.factor)

    def add_to_(self, vector: Float[Tensor, "S p q"], scale: float, keep: float = 1.0) -> None:
        """Set ``vector`` to ``keep`` times itself plus ``scale`` times the gradient, in place."""
        if self.factor is None:
            vector.baddbmm_(self.left.mT, self.right, beta=keep, alpha=scale)
            return
        if keep == 0:
            vector.zero_()  # what was there may not be finite
        elif keep != 1:
            vector.mul_(keep)
        vector.addcmul_(torch.bmm(self.left.mT, self.right), self.factor, value=scale)
