"""Elementwise functions that are one kernel on a GPU, where torch's own would be ten or hundreds.

They are operators of torch. On a GPU torch's jiterator compiles their C++ when they are first
called, by NVRTC, which comes with torch: an image needs no compiler. Anywhere else they do the same
by torch's functions.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch


def fused(name: str, formula: Callable[..., Any], code: Callable[..., str], tensors: int) -> Any:
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
    tensors : how many the function takes
    """
    operator = torch.library.custom_op(f"vaentk::{name}", formula, mutates_args=())

    def launch(*given: Any) -> Any:
        return _kernel(code(*given[tensors:]))(*given[:tensors])

    operator.register_kernel("cuda")(launch)
    return operator


@cache
def _kernel(code: str) -> Callable[..., Any]:
    outputs = code.partition("{")[0].count("T&")
    if outputs:
        made = torch.cuda.jiterator._create_multi_output_jit_fn
        return made(code, num_outputs=outputs)
    return torch.cuda.jiterator._create_jit_fn(code)
