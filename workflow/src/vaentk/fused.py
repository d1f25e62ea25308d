"""Elementwise functions that are one kernel on a GPU, where torch's own would be ten or hundreds.

They are operators of torch. On a GPU torch's jiterator compiles their C++ when they are first
called, by NVRTC, which comes with torch: an image needs no compiler. Anywhere else they do the same
by torch's functions.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch


def fused(
    name: str,
    formula: Callable[..., Any],
    code: Callable[..., str],
    tensors: int,
    outputs: int = 1,
) -> Any:
    """Make an operator of an elementwise function.

    Parameters
    ----------
    name : of the operator, in ``torch.ops.vaentk``
    formula
        The function by torch's own: tensors of one shape, dtype and device, then plain numbers. Its
        annotations are the operator's signature.
    code
        From those numbers to the C++ of the function of single elements: a template of one type T,
        which has its one result as return value or several as references after the tensors.
    tensors, outputs : how many the function takes and gives
    """
    operator = torch.library.custom_op(f"vaentk::{name}", formula, mutates_args=())

    def launch(*given: Any) -> Any:
        return _kernel(code(*given[tensors:]), outputs)(*given[:tensors])

    def shaped(like: torch.Tensor, *_: Any) -> Any:
        made = tuple(torch.empty_like(like) for _ in range(outputs))
        return made if outputs > 1 else made[0]

    operator.register_kernel("cuda")(launch)
    operator.register_fake(shaped)
    return operator


@cache
def _kernel(code: str, outputs: int) -> Callable[..., Any]:
    if outputs > 1:
        return torch.cuda.jiterator._create_multi_output_jit_fn(code, num_outputs=outputs)
    return torch.cuda.jiterator._create_jit_fn(code)
