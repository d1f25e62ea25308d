"""One check of a GPU in eight minutes: its ceilings, the tests that it runs, rates of our own code.

    make gpu-check                        # or, without Snakemake and the rest of the environment:
    PYTHONPATH=workflow/src python workflow/bench/gpu_check.py gpu.json

There it takes, beside torch (2.11 or newer) and torchvision, jaxtyping, mlxtend, pandas, psutil,
pyarrow, pydantic, safetensors, scipy, tenacity, tensorboard and tqdm; its tests also beartype,
pytest, pyyaml and threadpoolctl.

Every row is written to the file as it comes. A part that fails says so, and the next one begins;
none begins after `LAST_START` seconds, and one that is still at work after `END` is ended. Rates
of the file become a card of `make plan` by ``python -m vaentk.costs.cards gpu.json``.
"""

import argparse
import json
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

BEGAN = time.perf_counter()

import torch  # noqa: E402 (importing it is part of a job's start)

from vaentk.activations import ACTIVATIONS, Smoothing  # noqa: E402
from vaentk.bounds.bound import Bound  # noqa: E402
from vaentk.bounds.halves import halved_gradient  # noqa: E402
from vaentk.bounds.images import ImageSource  # noqa: E402
from vaentk.bounds.likelihoods import Bernoulli  # noqa: E402
from vaentk.bounds.signal_to_noise import repeated_gradients, signal_to_noise  # noqa: E402
from vaentk.kernels.finite import TangentKernel  # noqa: E402
from vaentk.kernels.spectrum import least_eigenvalue  # noqa: E402
from vaentk.models import member_convolutions  # noqa: E402
from vaentk.models.conv_vae import ConvVAE  # noqa: E402
from vaentk.models.deep_gaussian_vae import deep_vae  # noqa: E402
from vaentk.models.mlp_vae import MlpVae  # noqa: E402
from vaentk.models.nonlinearities import Nonlinearities  # noqa: E402
from vaentk.models.precision import products_of  # noqa: E402
from vaentk.models.snn import StochasticNetwork  # noqa: E402
from vaentk.runtime import devices  # noqa: E402
from vaentk.training.gradient import GeneralGradient, Vector  # noqa: E402
from vaentk.training.graph import Graph  # noqa: E402
from vaentk.training.minibatch import losses  # noqa: E402
from vaentk.training.objectives import Objective  # noqa: E402
from vaentk.training.vae_gradient import TanhVaeGradient  # noqa: E402

LAST_START, END = 420, 450
TESTS = (
    "experiments/test_on_a_gpu.py",
    "experiments/test_gpu_jobs.py",
    "runtime/test_gpu_memory.py",
    "runtime/test_memory.py",
    "training/test_graph.py",
    "models/test_member_convolutions.py",
    "models/test_precision.py",
    "test_fused.py",
)
PRECISIONS = ("float32", "tf32", "bfloat16")
AUTHORS = (64, 128, 256, 512), 1024


class Check:
    """What was asked for, and what was found so far."""

    def __init__(self, path: Path, device: str, small: bool) -> None:
        self.path, self.device, self.small = path, device, small
        self.cuda = device == "cuda"
        self.found: dict[str, Any] = {"ceilings": {}, "reached": {}, "launching": {}, "rows": []}

    def say(self, part: str, what: str, **numbers: float | str) -> None:
        """Add a row, and write the file anew."""
        short = {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in numbers.items()}
        self.found["rows"].append({"part": part, "what": what, **short})
        passed = time.perf_counter() - BEGAN
        said = ", ".join(f"{name} {value}" for name, value in short.items())
        print(f"{passed:6.1f} s  {part:10} {what:52} {said}", flush=True)
        self.path.write_text(json.dumps(self.found, indent=1) + "\n", encoding="utf-8")

    def seconds(self, work: Callable[[], object], repetitions: int = 20) -> float:
        """Median seconds of a call, after three that are not measured."""
        times = []
        for repetition in range(3 + (3 if self.small else repetitions)):
            self.wait()
            start = time.perf_counter()
            work()
            self.wait()
            if repetition > 2:
                times.append(time.perf_counter() - start)
        return median(times)

    def wait(self) -> None:
        """Wait for the device."""
        if self.cuda:
            torch.cuda.synchronize()

    def recorded(self, work: Callable[[], torch.Tensor]) -> Callable[[], object]:
        """Work as a graph's replay, on a GPU."""
        if not self.cuda:
            return work
        graph = Graph(work)
        for _ in range(4):
            graph()
        assert graph.graph is not None
        return graph.graph.replay


def machine(check: Check) -> None:
    name = torch.cuda.get_device_name() if check.cuda else platform.processor() or "a CPU"
    torch.zeros(1, device=check.device)
    check.wait()
    check.found |= {"device": name, "torch": torch.__version__, "python": platform.python_version()}
    check.found["start"] = time.perf_counter() - BEGAN
    check.say("machine", f"{name}, torch {torch.__version__}", start_s=check.found["start"])


def ceilings(check: Check) -> None:
    n = 256 if check.small else 8192
    for name, dtype in (
        *((precision, torch.float32) for precision in PRECISIONS[:2]),
        ("bfloat16", torch.bfloat16),
        ("float64", torch.float64),
    ):
        left, right = (torch.randn(n, n, device=check.device).to(dtype) for _ in range(2))
        with products_of(ConvVAE(1, 2, precision="tf32" if name == "tf32" else "float32")):
            rate = 2 * n**3 / check.seconds(partial(torch.mm, left, right), 10)
        check.found["ceilings"][name] = rate
        check.say("ceilings", f"product of {n} x {n}, {name}", tflops=rate / 1e12)
    source = torch.empty(1 << (20 if check.small else 30), device=check.device)
    target = torch.empty_like(source)
    rate = 8 * source.numel() / check.seconds(lambda: target.copy_(source), 10)
    check.found["ceilings"]["copy"] = rate
    check.say("ceilings", "copy, bytes read and written", tbytes=rate / 1e12)


def tests(check: Check) -> None:
    files = [f"tests/unit/{name}" for name in TESTS[-2:] if check.small] or [
        f"tests/unit/{name}" for name in TESTS
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    said = done.stdout + done.stderr
    check.found["pytest"] = said[-6000:]
    last = (said.strip().splitlines() or ["nothing was said"])[-1]
    check.say("tests", last, status=done.returncode)


def figure_2(check: Check) -> None:
    """A gradient of five members at the paper's resolution; shares of what the card can do."""
    d, n, members = (49, 32, 2) if check.small else (784, 128, 5)
    x = torch.rand(n, d, device=check.device)
    x /= x.norm(dim=1, keepdim=True)
    for width in (64, 128) if check.small else (64, 512, 2048, 8192):
        took = check.seconds(_descent(x, width, members))
        operations = members * 2 * width * (9 * n * width + 5 * n * d)
        moved = members * 80 * width**2
        check.say(
            "figure 2",
            f"m = {width}, {members} members",
            ms=1e3 * took,
            of_products=operations / took / check.found["ceilings"]["float32"],
            of_bytes=moved / took / check.found["ceilings"]["copy"],
        )


def _descent(x: torch.Tensor, width: int, members: int) -> Callable[[], None]:
    tanh = ACTIVATIONS["tanh"]
    model = MlpVae(x, width, 0.5, tanh, Smoothing(tanh, 0.75, 1e-6))
    # One member's weights for all: drawing a wide network's takes a core too long.
    one = model.initial_weights((0,))
    initial = {name: weight.expand(members, -1, -1).contiguous() for name, weight in one.items()}
    gradient = TanhVaeGradient(model, Objective(x, 0.0, None), initial)
    displacement = Vector.zero(gradient.shapes, members, initial["enc"])
    gradient.start_from(displacement)

    def update() -> None:
        gradient.evaluate()
        gradient.add_to_(displacement, -1e-6)
        gradient.start_from(displacement)

    return update


def ensembles(check: Check) -> None:
    """Figure 3's update: three ways to convolve, precisions; a loop over the members as peer."""
    members, batch = (2, 4) if check.small else (5, 64)
    beta = torch.ones(members, device=check.device)
    images = torch.rand(members, batch, 1, 64, 64, device=check.device)
    drawn = torch.randn(members, batch, 10, device=check.device)

    def update_of(precision: Any, own: slice) -> Callable[[], torch.Tensor]:
        model = ConvVAE(1, 10, precision=precision)
        weights = model.initial_weights(tuple(range(members))[own])
        leaves = {name: w.to(check.device).requires_grad_() for name, w in weights.items()}

        def update() -> torch.Tensor:
            total = losses(model, leaves, images[own], drawn[own], beta[own]).total.sum()
            return torch.cat([g.flatten() for g in torch.autograd.grad(total, [*leaves.values()])])

        return update

    operations = members * batch * ConvVAE(1, 10).operations()
    reference = update_of("float32", slice(None))()
    for deterministic in (True, False):
        torch.use_deterministic_algorithms(deterministic and check.cuda)
        torch.backends.cudnn.benchmark = not deterministic
        for way in member_convolutions.WAYS:
            for precision in PRECISIONS:
                what = f"{members} members, {way}, {precision}" + ", same bytes" * deterministic
                with _way(way), products_of(ConvVAE(1, 2, precision=precision)):
                    update = update_of(precision, slice(None))
                    try:
                        error = float((update() - reference).norm() / reference.norm())
                        took = check.seconds(check.recorded(update))
                    except RuntimeError as fault:
                        check.say("ensembles", f"{what}: {str(fault)[:80]}")
                        continue
                check.say(
                    "ensembles", what, ms=1e3 * took, tflops=operations / took / 1e12, error=error
                )
    torch.use_deterministic_algorithms(False)
    alone = check.seconds(update_of("float32", slice(0, 1)))
    check.say("ensembles", "plain loop over the members, float32", ms=1e3 * members * alone)


class _way:
    """Have ensembles convolve in one way."""

    def __init__(self, way: member_convolutions.Way) -> None:
        self.way, self.chosen = way, member_convolutions.WAYS

    def __enter__(self) -> None:
        one = self.chosen[self.way]
        member_convolutions.WAYS = dict.fromkeys(self.chosen, one)  # type: ignore[misc]

    def __exit__(self, *_: object) -> None:
        member_convolutions.WAYS = self.chosen  # type: ignore[misc]


def deep(check: Check) -> None:
    """An update of the authors' CelebA network, by function, K and precision."""
    members, batch, sizes = (2, 4, ((8, 16), 32)) if check.small else (3, 256, AUTHORS)
    soft, relu = Nonlinearities.soft_clipping(1.0), Nonlinearities.named("relu")
    for name, functions, codes in (
        ("ReLU", relu, 1),
        ("soft-clipping", soft, 1),
        ("ReLU", relu, 10),
    ):
        for precision in PRECISIONS:
            model = deep_vae(3, 100, *sizes, functions, precision)  # type: ignore[arg-type]
            weights = {
                n: w.to(check.device)
                for n, w in model.initial_weights(tuple(range(members))).items()
            }
            images = torch.rand(members, batch, 3, model.side, model.side, device=check.device)
            drawn = torch.randn(members, codes, batch, 100, device=check.device)
            bound = Bound(model, Bernoulli(), "iwae" if codes > 1 else "elbo")
            beta = torch.ones(members, device=check.device)

            update = partial(_squares, bound, weights, images, drawn, beta)
            if check.cuda:
                torch.cuda.reset_peak_memory_stats()
            with products_of(model):
                eager = check.seconds(update, 5)
                took = check.seconds(check.recorded(update), 8)
            rate = members * batch * model.operations(codes) / took
            if functions is relu and codes == 1:
                check.found["reached"][precision] = rate
            check.say(
                "deep VAEs",
                f"K = {codes}, {name}, {precision}",
                ms=1e3 * took,
                eager_ms=1e3 * eager,
                tflops=rate / 1e12,
                gb=torch.cuda.max_memory_allocated() / 1e9 if check.cuda else 0.0,
            )


def _squares(*given: Any) -> torch.Tensor:
    return halved_gradient(*given).squares


def gradient_noise(check: Check) -> None:
    """S5's smallest cell: what a repetition takes."""
    sizes, count = (((8, 16), 32), 16) if check.small else (AUTHORS, 48)
    model = deep_vae(3, 100, *sizes, Nonlinearities.named("relu"))  # type: ignore[arg-type]
    weights = {name: w.to(check.device) for name, w in model.initial_weights((0, 1, 2)).items()}
    pixels = torch.rand(64, 3, model.side, model.side, device=check.device)
    source = ImageSource(pixels.__getitem__, torch.arange(64, device=check.device))
    bound, beta = Bound(model, Bernoulli(), "iwae"), torch.ones(3, device=check.device)
    for at_once in (1, 4):
        own = [torch.Generator(check.device).manual_seed(seed) for seed in range(3)]
        given = bound, weights, source, beta, own, count, 4, 1, None, at_once
        cell = partial(_ratios, *given)
        took = check.seconds(cell, 2) / count
        check.say("S5", f"B = 4, K = 1, {at_once} side by side", ms_a_repetition=1e3 * took)


def _ratios(*given: Any) -> object:
    return signal_to_noise(repeated_gradients(*given))


def kernels(check: Check) -> None:
    """Eq. 2's gradient one kernel at a time and as a graph, and a kernel's least eigenvalue."""
    x = torch.rand(128, 49, device=check.device)
    x /= x.norm(dim=1, keepdim=True)
    for name in ("erf", "soft_clipping"):
        update = _evaluation(x, name)
        eager, graph = check.seconds(update, 50), check.seconds(check.recorded(update), 50)
        if name == "erf":
            check.found["launching"] = {"eager": eager, "graph": graph}
        check.say("kernels", f"Eq. 2, m = 1024, {name}", eager_ms=1e3 * eager, graph_ms=1e3 * graph)
    width, samples, side = (256, 16, 49) if check.small else (4096, 128, 784)
    inputs = torch.rand(samples, side, device=check.device, dtype=torch.float64)
    inputs /= inputs.norm(dim=1, keepdim=True)
    smoothing = Smoothing(ACTIVATIONS["erf"], 1.0)
    drawn = StochasticNetwork(inputs, width, 0.5, smoothing).initial_weights((0,))
    one = {name: weight[0] for name, weight in drawn.items()}
    start = time.perf_counter()
    found = least_eigenvalue(TangentKernel.of(one, inputs, smoothing))
    took = time.perf_counter() - start
    what = f"smallest eigenvalue, n d = {samples * side}, m = {width}, float64"
    check.say("kernels", what, s=took, value=float(found.value))


def _evaluation(x: torch.Tensor, name: str) -> Callable[[], torch.Tensor]:
    model = StochasticNetwork(x, 1024, 0.5, Smoothing(ACTIVATIONS[name], 0.75, 1e-6))
    initial = model.initial_weights((0, 1, 2, 3, 4))
    gradient = GeneralGradient(model, Objective(x), initial)
    displacement = Vector.zero(gradient.shapes, 5, next(iter(initial.values())))
    gradient.start_from(displacement)

    def update() -> torch.Tensor:
        gradient.evaluate()
        gradient.add_to_(displacement, -1e-6)
        return displacement.flat

    return update


class _Over(Exception):
    """No time is left."""


def _over(*_: object) -> None:
    raise _Over


PARTS = (machine, ceilings, tests, figure_2, ensembles, deep, gradient_noise, kernels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", nargs="?", type=Path, default=Path("results/bench/gpu.json"))
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--small", action="store_true", help="sizes of seconds, to try it out")
    given = parser.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        sys.exit("torch finds no GPU: to try the check out, add --device cpu --small")
    given.file.parent.mkdir(parents=True, exist_ok=True)
    check = Check(given.file, devices.prepare_torch(given.device, deterministic=False), given.small)
    signal.signal(signal.SIGALRM, _over)
    failed = False
    for part in PARTS:
        left = END - (time.perf_counter() - BEGAN)
        if left < END - LAST_START:
            check.say(part.__name__, "not begun: no time is left")
            continue
        signal.alarm(int(left))
        try:
            with torch.no_grad() if part is not ensembles else nullcontext():
                part(check)
        except _Over:
            check.say(part.__name__, f"ended after {END} s")
        except Exception as fault:
            failed = True
            check.say(part.__name__, f"failed: {type(fault).__name__}: {str(fault)[:200]}")
        signal.alarm(0)
    print(f"written to {given.file}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
