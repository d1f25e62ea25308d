"""A CUDA graph: hundreds of small operations started as one."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

WARM_UPS = 3  # calls before the recording, as torch asks for


class Graph:
    """A function of tensors, recorded on its first call and replayed ever after.

    Parameters
    ----------
    function : callable
        Of tensors of fixed shapes on a GPU, to one tensor; must not make the CPU wait.
    kept : sequence of Tensor
        All that it changes in place: the calls before the recording are undone.
    """

    def __init__(self, function: Callable[..., Tensor], kept: Sequence[Tensor]) -> None:
        self.function, self.kept = function, kept
        self.graph: torch.cuda.CUDAGraph | None = None
        self.inputs: tuple[Tensor, ...] = ()
        self.output = torch.empty(0)

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Call the function: same inputs, same shapes, the output a copy."""
        if self.graph is None:
            self.graph = self._record(*inputs)
        for place, given in zip(self.inputs, inputs, strict=True):
            place.copy_(given)
        self.graph.replay()
        return self.output.clone()

    def _record(self, *inputs: Tensor) -> torch.cuda.CUDAGraph:
        self.inputs = tuple(given.clone() for given in inputs)
        before = [tensor.detach().clone() for tensor in self.kept]
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UPS):
                self.function(*self.inputs)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.output = self.function(*self.inputs)
        with torch.no_grad():
            for tensor, value in zip(self.kept, before, strict=True):
                tensor.copy_(value)
        return graph
