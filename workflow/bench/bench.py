"""Time our code against what it has to beat, side by side in one run, one thread.

Writes results/bench/bench.csv and prints it: ours and theirs are medians of alternating
repetitions, a ratio above 1 means that ours is better, and at_least is the ratio asked for; of an
error without a unit it is the largest that is allowed.
neural-tangents and pythae have an environment of their own (envs/bench-peers.lock); their lines are
there when VAENTK_BENCH_PEERS names that environment's Python.
"""

import os
from pathlib import Path

import pandas as pd
import torch
from data import data
from flows import flows
from kernels import explicit, memory, products, spectrum
from linear import linear
from metrics import metrics
from precision import precision
from steps import STEP_GOALS, descent_steps
from timing import images
from training import training

from vaentk.runtime import io

PEERS = "VAENTK_BENCH_PEERS"


def main() -> None:
    torch.set_num_threads(1)
    python = os.environ.get(PEERS) or None
    lines = [*data(), *metrics(), *linear(), *training(python)]
    lines += [*explicit(python), *products(), *spectrum(), *memory()]
    lines += flows()
    lines += precision()
    for resolution in (14, 28):
        x = images(128, resolution)
        lines += [row for width in STEP_GOALS for row in descent_steps(x, width)]
    table = pd.DataFrame(lines)
    path = Path("results/bench/bench.csv")
    io.write_table(table, path)
    with pd.option_context("display.width", 250, "display.max_colwidth", 90):
        print(table.to_string(index=False, float_format=lambda number: f"{number:.3g}"))
    if python is None:
        print(f"neural-tangents and pythae were left out: {PEERS} does not name their Python")
    print(f"written to {path}")


if __name__ == "__main__":
    main()
