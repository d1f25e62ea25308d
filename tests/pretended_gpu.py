"""A GPU that the CPU plays, so that every path to a GPU is tested where there is none.

Tensors say that they lie on ``cuda:0``; their values, gradients and random numbers are real. What a
GPU refuses is refused: tensors of two devices in one operation, a generator of another device than
its tensor's, and, while a graph is recorded, whatever makes the host wait and new random numbers. A
graph that is recorded computes nothing (its outputs are not a number); replayed, it does the same
operations on the same memory.

Not played: the libraries of a GPU and their algorithms, its memory, its streams, its speed, so that
nothing is chosen by measuring. The modes belong to a thread, so pools of threads work in line.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

GPU, CPU = torch.device("cuda", 0), torch.device("cpu")

WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal", "_unique2"}
"""Operations whose result the host has to know: it waits for the GPU."""

INDEXING = {"index", "index_put", "index_put_", "_unsafe_index"}

RANDOM = {
    *("randn", "rand", "randint", "randperm", "randn_like", "rand_like"),
    *("normal_", "uniform_", "random_", "bernoulli_"),
}

MOVING = {"to", "cpu", "cuda"}


class Refused(RuntimeError):
    """What a GPU would not do."""


class Play:
    """What happens on the pretended GPU.

    Attributes
    ----------
    waits
        How often the host waited, by what made it.
    recording
        Operations of the graph that is being recorded; None while there is none.
    creating
        Whether an operation makes its tensors on the GPU.
    """

    def __init__(self) -> None:
        self.waits: Counter[str] = Counter()
        self.recording: list[tuple] | None = None
        self.creating = False

    def wait(self, what: str) -> None:
        """Have the host wait."""
        if self.recording is not None:
            raise Refused(f"{what} makes the host wait while a graph is recorded")
        self.waits[what] += 1


play = Play()


class OnGpu(Tensor):
    """A tensor that says it lies on the GPU, over one of the CPU that holds its values."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "OnGpu":
        made = Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=CPU,  # for what is written in C++
        )
        made.held = held
        return made

    device = property(lambda self: GPU)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)

    def __repr__(self) -> str:
        return f"OnGpu({self.held!r})"

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func: Any, _: Any, args: tuple = (), kwargs: Any = None) -> Any:
        return _operate(func, args, kwargs or {})


def on_gpu(value: Any) -> bool:
    """Whether a value is a tensor on the pretended GPU."""
    return isinstance(value, OnGpu)


def _leaves(value: Any) -> list[Any]:
    """Values in lists, tuples and dictionaries; torch's own takes most of an operation's time."""
    if isinstance(value, list | tuple):
        return [leaf for part in value for leaf in _leaves(part)]
    return _leaves([*value.values()]) if isinstance(value, dict) else [value]


def _mapped(change: Callable[[Any], Any], value: Any) -> Any:
    """The same with every value changed."""
    if isinstance(value, list | tuple):
        return type(value)([_mapped(change, part) for part in value])
    if isinstance(value, dict):
        return {name: _mapped(change, part) for name, part in value.items()}
    return change(value)


def _held(value: Any) -> Any:
    return value.held if isinstance(value, OnGpu) else value


def _operate(func: Any, args: tuple, kwargs: dict) -> Any:
    """Do one operation of ATen as a GPU would, or refuse it."""
    given = _leaves((args, kwargs))
    name = func._schema.name.partition("::")[2]
    there = any(map(on_gpu, given))
    if not there and not play.creating:
        return func(*args, **kwargs)
    _refuse_two_devices(name, args, given, there)
    if name in WAITING:
        play.wait(name)
    if name in INDEXING and any(_is_mask(index) for index in _leaves(args[1])):
        play.wait(f"{name} with a mask")
    held_args, held_kwargs = _mapped(_held, args), _mapped(_held, kwargs)
    if there and held_kwargs.get("device") is not None:  # which may be one without values
        held_kwargs["device"] = next(value.held.device for value in given if on_gpu(value))
    if play.recording is not None and not _is_view(func):
        found = _record(func, held_args, held_kwargs)
    else:
        found = func(*held_args, **held_kwargs)
    # What is changed in place stays the same tensor.
    known = {id(value.held): value for value in given if on_gpu(value)}

    def wrapped(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        return known[id(value)] if id(value) in known else OnGpu(value)

    return _mapped(wrapped, found)


def _refuse_two_devices(name: str, args: tuple, given: list, there: bool) -> None:
    # A number as a tensor may come from anywhere.
    here = [v for v in given if isinstance(v, Tensor) and not on_gpu(v) and v.dim()]
    if not (there and here):
        return
    if name == "copy_":
        play.wait("a copy between devices")
    elif name in INDEXING and on_gpu(args[0]):
        play.wait(f"{name} with indices of the CPU")
    else:
        raise Refused(f"{name}: tensors of cuda:0 and of cpu")


def _is_mask(index: Any) -> bool:
    return isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8)


def _is_view(func: Any) -> bool:
    returns = any(found.alias_info is not None for found in func._schema.returns)
    return returns and not _writes(func)


def _writes(func: Any) -> bool:
    return any(a.alias_info is not None and a.alias_info.is_write for a in func._schema.arguments)


def _record(func: Any, args: tuple, kwargs: dict) -> Any:
    """Put an operation on the graph: memory for its outputs, no values, and nothing changed."""
    written = []
    for place, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = args[place] if place < len(args) else kwargs.get(argument.name)
            written += [t for t in _leaves(value) if isinstance(t, Tensor)]
    before = [tensor.clone() for tensor in written]
    found = func(*args, **kwargs)
    for tensor, values in zip(written, before, strict=True):
        tensor.copy_(values)
    outputs = [] if written else [t for t in _leaves(found) if isinstance(t, Tensor)]
    for tensor in outputs:
        if tensor.is_floating_point():
            tensor.fill_(float("nan"))
    assert play.recording is not None
    play.recording.append((func, args, kwargs, outputs))
    return found


class Graph:
    """`torch.cuda.CUDAGraph`."""

    def __init__(self) -> None:
        self.operations: list[tuple] = []

    def replay(self) -> None:
        """Do what was recorded again, on the same memory."""
        with torch.no_grad(), torch._C._DisableTorchDispatch():
            for func, args, kwargs, outputs in self.operations:
                found = [t for t in _leaves(func(*args, **kwargs)) if isinstance(t, Tensor)]
                for place, value in zip(outputs, found, strict=False):
                    place.copy_(value)


@contextlib.contextmanager
def recording(graph: Graph, **_: Any) -> Iterator[None]:
    """`torch.cuda.graph`."""
    play.recording = graph.operations
    try:
        yield
    finally:
        play.recording = None


class Stream:
    """`torch.cuda.Stream`: all streams are one."""

    def wait_stream(self, other: "Stream") -> None:
        """Wait for another."""

    def synchronize(self) -> None:
        """Have the host wait."""
        play.wait("synchronize")

    def is_capturing(self) -> bool:
        """Whether a graph is recorded, as optimisers ask."""
        return play.recording is not None


class Generator(torch.Generator):
    """`torch.Generator`, which knows the device that it is of."""

    def __new__(cls, device: Any = "cpu") -> "Generator":
        made = super().__new__(cls)
        made.of = torch.device(device)
        return made

    @property
    def device(self) -> torch.device:
        """Where it draws."""
        return self.of


class Operations(TorchDispatchMode):
    """Every operation, those without a tensor too."""

    def __torch_dispatch__(self, func: Any, _: Any, args: tuple = (), kwargs: Any = None) -> Any:
        return _operate(func, args, kwargs or {})


def _is_gpu(device: Any) -> bool:
    return device is not None and torch.device(device).type == "cuda"


class Calls(TorchFunctionMode):
    """Calls of torch that name a device, move a tensor, draw, or give values to the host."""

    def __torch_function__(self, func: Any, _: Any, args: tuple = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        first = args[0] if args else None
        if name in MOVING and isinstance(first, Tensor):
            return _moved(func, name, first, args[1:], kwargs)
        if on_gpu(first):
            if name == "numpy":
                raise Refused("numpy() of a tensor of cuda:0")
            if name == "tolist":
                play.wait("tolist")
                return first.held.tolist()
            if name == "data_ptr":
                return first.held.data_ptr()
            if name == "new_tensor":
                play.wait("new_tensor of numbers of the host")
                return OnGpu(first.held.new_tensor(*args[1:], **kwargs))
        device = kwargs.get("device")
        if name in RANDOM:
            _refuse_foreign_draws(name, first, device, kwargs.get("generator"))
        if on_gpu(first) and device is not None and not _is_gpu(device):
            raise Refused(f"{name}: not played: a tensor of the CPU like one of cuda:0")
        if not _is_gpu(device):
            return func(*args, **kwargs)
        kwargs["device"] = CPU
        if name in ("tensor", "as_tensor"):
            if on_gpu(first):
                return first if name == "as_tensor" else first.clone()
            play.wait(f"{name} of numbers of the host")
            needs_gradient = kwargs.pop("requires_grad", False)
            return OnGpu(func(*args, **kwargs)).requires_grad_(needs_gradient)
        before, play.creating = play.creating, True
        try:
            return func(*args, **kwargs)
        finally:
            play.creating = before


def _refuse_foreign_draws(name: str, first: Any, device: Any, generator: Any) -> None:
    if play.recording is not None:
        raise Refused(f"{name}: random numbers while a graph is recorded")
    target = GPU if _is_gpu(device) or (device is None and on_gpu(first)) else CPU
    own = getattr(generator, "of", CPU)
    if generator is not None and own.type != target.type:
        raise Refused(f"{name}: a generator of {own.type} for a tensor of {target.type}")


def _moved(func: Any, name: str, tensor: Tensor, rest: tuple, kwargs: dict) -> Tensor:
    """Do ``to``, ``cpu`` or ``cuda``."""
    target, dtype = (GPU if on_gpu(tensor) else CPU), None
    if name != "to":
        target, rest = (CPU, rest) if name == "cpu" else (GPU, rest[1:])
    for value in (*rest, *kwargs.values()):
        if isinstance(value, Tensor):
            target, dtype = value.device, value.dtype
        elif isinstance(value, torch.dtype):
            dtype = value
        elif isinstance(value, (str, torch.device)):
            target = GPU if _is_gpu(value) else CPU
    if (target.type == "cuda") == on_gpu(tensor):
        return tensor if dtype in (None, tensor.dtype) else func(tensor, dtype)
    play.wait(f"a copy to {target.type}")
    values = (tensor.held if on_gpu(tensor) else tensor).detach().clone()
    moved = OnGpu(values) if target.type == "cuda" else values
    return moved if dtype in (None, moved.dtype) else moved.to(dtype)


class Pool:
    """A pool of threads that works in line."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    map = staticmethod(map)


def _groups(grouped: Callable) -> Callable:
    """Have optimisers find tensors of the GPU on it, which C++ takes for the CPU's."""

    def by_device(lists: list, with_indices: bool = False) -> dict:
        device = GPU if on_gpu(lists[0][0]) else CPU
        return {(device, dtype): v for (_, dtype), v in grouped(lists, with_indices).items()}

    return by_device


class Autocast(torch.autocast):
    """`torch.autocast`, by the CPU's rules."""

    def __init__(self, device_type: str, *given: Any, **known: Any) -> None:
        super().__init__("cpu", *given, **known)


FREE, TOTAL = 130 << 30, 139 << 30
"""Bytes of the memory of a large card."""


@contextlib.contextmanager
def pretended() -> Iterator[Play]:
    """Have a GPU for a while."""
    from vaentk.models import member_convolutions
    from vaentk.training import deep, minibatch

    play.__init__()  # type: ignore[misc]
    optimiser = torch.optim.Optimizer
    changes: list[tuple[Any, str, Any]] = [
        (torch, "Generator", Generator),
        (torch, "autocast", Autocast),
        (torch.cuda, "is_available", lambda: True),
        (torch.cuda, "Stream", Stream),
        (torch.cuda, "current_stream", Stream),
        (torch.cuda, "stream", lambda stream: contextlib.nullcontext()),
        (torch.cuda, "is_current_stream_capturing", lambda: play.recording is not None),
        (torch.accelerator, "current_stream", Stream),
        (torch.cuda, "synchronize", lambda: play.wait("synchronize")),
        (torch.cuda, "CUDAGraph", Graph),
        (torch.cuda, "graph", recording),
        (torch.cuda, "mem_get_info", lambda: (FREE, TOTAL)),
        (torch.cuda, "get_per_process_memory_fraction", lambda: 1.0),
        (torch.cuda, "memory_reserved", lambda: 0),
        (torch.cuda, "memory_allocated", lambda: 0),
        (torch.cuda, "empty_cache", lambda: None),
        (deep, "ThreadPoolExecutor", Pool),
        (minibatch, "ThreadPoolExecutor", Pool),
        (member_convolutions, "REPETITIONS", 0),
        (
            optimiser,
            "_group_tensors_by_device_and_dtype",
            staticmethod(_groups(optimiser._group_tensors_by_device_and_dtype)),
        ),
    ]
    before = [(place, name, place.__dict__[name]) for place, name, _ in changes]
    for place, name, value in changes:
        setattr(place, name, value)
    try:
        with Operations(), Calls():
            yield play
    finally:
        for place, name, value in before:
            setattr(place, name, value)


@contextlib.contextmanager
def on_the_cpu() -> Iterator[None]:
    """Leave the GPU alone for a while: beside it the CPU takes several times as long."""
    with _disable_current_modes(), torch._C.DisableTorchFunction():
        yield
