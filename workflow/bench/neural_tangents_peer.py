"""Time neural-tangents on one thread, and hand its kernels back for a check of agreement.

Run by the Python of the peers' environment (envs/bench-peers.lock), not by .venv, with one
argument, a folder with

    request.json  {"explicit": [32], "trace": [32, 128], "limit": [128], "sigma0": 0.5,
                   "degree": 100, "repetitions": 5, "seconds": 30, "bytes": 4e9}
    x, mu, sigma, d .npy    inputs (n, d) and the network's weights (m, d), (m, d), (m, k)

``explicit`` and ``trace`` are the sample counts for the finite kernel with and without its output
indices, ``limit`` those for the limit kernel of tanh. Each kernel is left in the folder as
CASE-N.npy by the fastest implementation, and one line of JSON goes to the standard output:

    [{"case", "samples", "seconds", "best", "variants": {name: seconds or why left out}}, ...]

Seconds are medians after a first call, compilation apart. A variant is left out when its Jacobian
needs more memory than ``bytes``, or its first call takes more than ``seconds``, or more than a
second and twice the best so far.
"""

import os

os.environ["XLA_FLAGS"] = (
    "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"  # read once, by jax
)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if hasattr(os, "sched_setaffinity"):  # whatever threads there are share one core
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import json
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from math import inf, sqrt
from pathlib import Path
from statistics import median

import jax
import jax.numpy as jnp
import neural_tangents as nt
import numpy as np
from jax.scipy.special import erf
from neural_tangents import stax

BLOCK = 32
"""Rows of a kernel that vector products are taken for at once."""


class Bench:
    """One folder's request, its arrays, and the measurements so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.request = json.loads((folder / "request.json").read_text())
        names = ("x", "mu", "sigma", "d")
        self.arrays = {name: np.load(folder / f"{name}.npy") for name in names}
        self.lines: list[dict[str, object]] = []

    def measure(
        self, function: Callable, at_most: float, *arguments: object
    ) -> tuple[float, np.ndarray] | str:
        """Median seconds and the kernel, or why it was left out."""
        compiled = jax.jit(function).lower(*arguments).compile()
        times = []
        for repetition in range(self.request["repetitions"] + 1):
            start = time.perf_counter()
            kernel = compiled(*arguments).block_until_ready()
            elapsed = time.perf_counter() - start
            if repetition:
                times.append(elapsed)
            elif elapsed > at_most:
                return f"takes {elapsed:.3g} s"
        return median(times), np.asarray(kernel)

    def case(
        self, name: str, samples: int, variants: dict[str, Callable | str], *arguments
    ) -> None:
        """Measure each variant of one kernel (a string: why not), and keep the fastest's kernel."""
        line = {"case": name, "samples": samples, "seconds": None, "best": None, "variants": {}}
        self.lines.append(line)
        for variant, function in variants.items():
            at_most = min(self.request["seconds"], max(1, 2 * (line["seconds"] or inf)))
            result = function
            if not isinstance(function, str):
                result = self.measure(function, at_most, *arguments)
            if isinstance(result, str):
                line["variants"][variant] = result
                continue
            seconds, kernel = result
            line["variants"][variant] = seconds
            if seconds < (line["seconds"] or inf):
                line |= {"seconds": seconds, "best": variant}
                # neural-tangents orders (n, n, k, k); we keep a sample beside its output.
                ordered = kernel.transpose(0, 2, 1, 3) if kernel.ndim == 4 else kernel
                np.save(self.folder / f"{name}-{samples}.npy", ordered)


def network(weights: dict[str, jax.Array], x: jax.Array) -> jax.Array:
    """The erf network with its latent noise integrated out."""
    variance = x**2 @ (weights["sigma"] ** 2).T
    hidden = erf(x @ weights["mu"].T / jnp.sqrt(1 + 2 * variance))
    return hidden @ weights["d"] / sqrt(len(weights["d"]))


def finite(bench: Bench, name: str, samples: int, trace_axes: tuple[int, ...]) -> None:
    """The kernel of all three weight matrices in float32, each implementation.

    AUTO is none of its own: it takes one of these. The two that hold Jacobians are left out where
    those would not fit; the third goes through the rows in blocks, which bounds its memory.
    """
    arrays = {key: jnp.asarray(value, jnp.float32) for key, value in bench.arrays.items()}
    x = arrays.pop("x")[:samples]
    outputs = arrays["d"].shape[1]
    scale = outputs if trace_axes else 1  # neural-tangents divides a trace by its length
    jacobian = 4 * samples * outputs * sum(w.size for w in arrays.values())

    def variant(implementation: nt.NtkImplementation) -> Callable | str:
        of_pairs = nt.empirical_ntk_fn(
            network, trace_axes=trace_axes, vmap_axes=0, implementation=implementation
        )

        def kernel(x: jax.Array, other: jax.Array | None, weights: dict) -> jax.Array:
            return scale * of_pairs(x, other, weights)

        if implementation is not nt.NtkImplementation.NTK_VECTOR_PRODUCTS:
            if jacobian > bench.request["bytes"]:
                return f"its Jacobian takes {jacobian / 1e9:.1f} GB"
            return lambda x, weights: kernel(x, None, weights)
        if samples <= BLOCK or samples % BLOCK:
            return lambda x, weights: kernel(x, None, weights)

        def in_blocks(x: jax.Array, weights: dict[str, jax.Array]) -> jax.Array:
            blocks = x.reshape(-1, BLOCK, x.shape[1])
            rows = jax.lax.map(lambda block: kernel(block, x, weights), blocks)
            return rows.reshape(samples, *rows.shape[2:])

        return in_blocks

    names = ("NTK_VECTOR_PRODUCTS", "JACOBIAN_CONTRACTION", "STRUCTURED_DERIVATIVES")
    variants = {key: variant(nt.NtkImplementation[key]) for key in names}
    bench.case(name, samples, variants, x, arrays)


def limit(bench: Bench, samples: int, dtype: str) -> None:
    """K_d and K_mu of tanh, (2, n, n), with the noise in coordinates of its own.

    stax divides a layer's inputs by the root of their number, which the factor undoes.
    """
    x = bench.arrays["x"][:samples].astype(np.float64)
    noise = bench.request["sigma0"] * np.eye(samples)
    none = np.zeros_like(noise)
    left, right = np.concatenate([x, noise, none], axis=1), np.concatenate([x, none, noise], axis=1)
    dense = stax.Dense(1, W_std=1.0, b_std=None, parameterization="ntk")
    phi = stax.ElementwiseNumerical(fn=jnp.tanh, deg=bench.request["degree"])
    _, _, kernel = stax.serial(dense, phi)

    def both(left: jax.Array, right: jax.Array) -> jax.Array:
        kernels = kernel(left, right, ("nngp", "ntk"))
        return jnp.stack([kernels.nngp, kernels.ntk])

    arguments = (jnp.asarray(sqrt(left.shape[1]) * side, dtype) for side in (left, right))
    bench.case(f"limit-{dtype}", samples, {"ElementwiseNumerical": both}, *arguments)


def main() -> None:
    warnings.simplefilter("ignore")
    bench = Bench(Path(sys.argv[1]))
    with redirect_stdout(sys.stderr):  # AUTO prints what it tries
        for samples in bench.request["explicit"]:
            finite(bench, "explicit", samples, ())
        for samples in bench.request["trace"]:
            finite(bench, "trace", samples, (-1,))
        for samples in bench.request["limit"]:
            limit(bench, samples, "float32")
            jax.config.update("jax_enable_x64", True)
            limit(bench, samples, "float64")
            jax.config.update("jax_enable_x64", False)
    print(json.dumps(bench.lines))


if __name__ == "__main__":
    main()
