"""A CUDA graph: hundreds of small operations started as one."""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor

WARM_UPS: Final = 3
"""Calls before the recording, as torch asks for; they are made as usual."""


class Graph:
    """A function of tensors whose kernels are recorded once and then started all at once.

    It takes tensors of fixed shapes on a GPU to one tensor or None. It may change tensors in place,
    always the same ones, and must not make the CPU wait or read anything that changes there.
    """

    def __init__(self, function: Callable[..., Tensor | None]) -> None:
        self.function = function
        self.called = 0
        self.stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self.graph: torch.cuda.CUDAGraph | None = None
        self.inputs: tuple[Tensor, ...] = ()

    def __call__(self, *inputs: Tensor) -> Any:
        """Call the function: same inputs, same shapes, the output a copy."""
        if self.called < WARM_UPS:
            self.called += 1
            self.stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self.stream):
                output = self.function(*inputs)
            torch.cuda.current_stream().wait_stream(self.stream)
            return output
        if self.graph is None:
            self.inputs = tuple(given.clone() for given in inputs)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):  # records and does not run
                self.output = self.function(*self.inputs)
            self.graph = graph
        for place, given in zip(self.inputs, inputs, strict=True):
            place.copy_(given)
        self.graph.replay()
        return None if self.output is None else self.output.clone()
