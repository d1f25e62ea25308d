"""Training Figure 3's VAEs against a plain PyTorch loop, pythae and the machine's own rate.

Allocator and threads are settings of a process, so every side runs in one of its own, ours as a job
of the workflow does. Sides take turns, a window of time each; the rates are medians over rounds.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import IO

import numpy as np
import torch
from plain_vae import BATCH, BETA, LATENT, LEARNING_RATE, binary_images
from timing import Line, line
from windows import WINDOW, Window, serve

from vaentk.data.facts import Facts
from vaentk.data.image_set import ImageSet
from vaentk.errors import UserError
from vaentk.experiments.latents.disentanglement import Disentanglement
from vaentk.models.conv_vae import ConvVAE
from vaentk.runtime import devices
from vaentk.training.minibatch import Member, Recipe, initial_state, train
from vaentk.training.state import State

ROUNDS = 3
GOAL = {"cpu": 1.5, "cuda": 10}
TOGETHER = 10
"""Members on a GPU; on a CPU there are as many as cores."""

FULL = Disentanglement(dataset="dsprites")
CHANNELS = (1, 3)  # of the two data sets of Figure 3
HOURS = 2.0
NOTHING = 0.0  # asked for
ROWS = {"cpu": 1024, "cuda": 8192}
"""Of the square matrices whose products give the machine's own rate."""

Command = tuple[str, ...]
HERE = Path(__file__).parent


def training(python: str | None) -> list[Line]:
    """Model-steps a second; with pythae where ``python`` is that of the peers' environment."""
    device, cores = ("cuda" if torch.cuda.is_available() else "cpu"), _cores()
    members = TOGETHER if device == "cuda" else cores
    sides = {
        "ours": _ours(members),
        "machine": (sys.executable, __file__, "machine"),
        "plain PyTorch, one after another": (sys.executable, str(HERE / "plain_vae.py")),
    }
    if python is not None:
        sides["pythae, one after another"] = (python, str(HERE / "pythae_peer.py"))
    rates = _rates(sides)
    ours, machine = rates.pop("ours"), rates.pop("machine")
    what = f"training Figure 3's VAE, {members} members on the {_name(device)}"
    lines = [
        line(what, against, ours, theirs, "model-steps/s", GOAL[device])
        for against, theirs in rates.items()
    ]
    rate = 1e-9 * BATCH * ConvVAE(1, LATENT).operations() * ours
    product = f"measured sgemm, {ROWS[device]} x {ROWS[device]}"
    product += f", {cores} threads" if device == "cpu" else ""
    lines.append(line(what, product, rate, machine, "GFLOP/s", NOTHING))
    return lines + _hours(device)


def _hours(device: str) -> list[Line]:
    """How long all of Figure 3 takes on a GPU, were every job as fast as one of ours."""
    if device == "cpu":
        print("the hours of all of Figure 3 were left out: torch finds no GPU")
        return []
    lines = []
    for members in (len(FULL.seeds), TOGETHER):
        rates = _rates({str(channels): _ours(members, channels) for channels in CHANNELS})
        updates = FULL.steps * len(FULL.seeds) * len(FULL.latent)
        hours = sum(updates / rate for rate in rates.values()) / 3600
        what = f"all of Figure 3, {members} members at once, extrapolated from latent {LATENT}"
        lines.append(line(what, f"{HOURS:g} hours", hours, HOURS, "h", 1))
    return lines


def _rates(sides: dict[str, Command]) -> dict[str, float]:
    """Median rate of every side, a window each in every round."""
    with ExitStack() as stack:
        running = {name: stack.enter_context(Side(command)) for name, command in sides.items()}
        for side in running.values():
            side.wait()
        rounds = [{name: side.window() for name, side in running.items()} for _ in range(ROUNDS)]
    return {name: median(found[name] for found in rounds) for name in sides}


class Side:
    """A process that measures a window whenever it is asked."""

    def __init__(self, command: Command) -> None:
        self.command = command

    def __enter__(self) -> "Side":
        self.errors: IO[str] = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()  # which closes its input, and it ends
        self.errors.close()

    def wait(self) -> None:
        """Wait until it is ready."""
        self._answer()

    def window(self) -> float:
        assert self.process.stdin is not None
        self.process.stdin.write("window\n")
        self.process.stdin.flush()
        return float(str(self._answer()))

    def _answer(self) -> object:
        assert self.process.stdout is not None
        answer = self.process.stdout.readline()
        if answer:
            return json.loads(answer)
        self.process.wait()
        self.errors.seek(0)
        last = (self.errors.read().strip().splitlines() or ["no message"])[-1]
        raise UserError(f"{Path(self.command[1]).name} failed under {self.command[0]}: {last}")


class Ensemble:
    """Our side: an ensemble that trains on and on, set up as a job of the workflow."""

    def __init__(self, members: int, channels: int) -> None:
        device = devices.prepare_torch("auto")
        pixels = binary_images(channels).to(torch.uint8)
        if channels == 1:  # as dSprites lies in its file
            bits = np.packbits(pixels.flatten(1).numpy(), axis=1, bitorder="little")
            pixels = torch.from_numpy(bits)
        else:
            pixels *= 255
        facts = Facts("noise", "noise", "drawn", "", (channels, 64, 64), len(pixels))
        self.images = ImageSet(facts, pixels).to(device)
        self.model = ConvVAE(channels, LATENT)
        self.members = [Member(seed, BETA) for seed in range(members)]
        self.recipe = Recipe(FULL.steps, BATCH, LEARNING_RATE, FULL.steps // 100)
        self.state = initial_state(self.model, self.members, device)

    def rate(self) -> float:
        """Model-steps a second in a window."""
        window = Window()

        def tick(state: State) -> None:
            if window.over(state.step):
                raise _Over

        try:
            train(
                self.model,
                self.images,
                self.members,
                self.recipe,
                self.state,
                tick,
                threads=_cores(),
            )
        except _Over:
            return len(self.members) * window.rate
        raise RuntimeError(f"all {self.recipe.steps} steps were made before the window was over")


class _Over(Exception):
    """The window is over, the training is not."""


def _machine() -> float:
    """GFLOP/s of matrix products in float32: of all threads at once, each on its own matrices."""
    device = devices.prepare_torch("auto")
    threads, n = (_cores() if device == "cpu" else 1), ROWS[device]

    pairs = torch.randn(threads, 2, n, n, device=device)

    def multiply(pair: torch.Tensor) -> int:
        product, count = pair[0] @ pair[1], 0
        end = time.perf_counter() + WINDOW / 2
        while time.perf_counter() < end:
            torch.mm(*pair, out=product)
            if device == "cuda":
                torch.cuda.synchronize()
            count += 1
        return count

    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return 2e-9 * n**3 * sum(pool.map(multiply, pairs)) / (WINDOW / 2)


def _ours(members: int, channels: int = 1) -> Command:
    return sys.executable, __file__, "ours", str(members), str(channels)


def _cores() -> int:
    return os.cpu_count() or 1


def _name(device: str) -> str:
    return "GPU" if device == "cuda" else f"CPU's {_cores()} cores"


if __name__ == "__main__":
    if sys.argv[1] == "machine":
        serve(_machine)
    else:
        serve(Ensemble(*map(int, sys.argv[2:])).rate)
