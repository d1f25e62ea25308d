"""Layers of VAEs in bfloat16 against float32: updates a second, and whether results move.

Figure 3 of the default configuration is trained twice with the same seeds, once in each precision.
Trainings diverge from each other by the last bit that differs, so scores are not equal; what counts
is that they change no more than from one seed to another.
"""

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
import yaml
from timing import Line, line, side_by_side

from vaentk.bounds.bound import Bound
from vaentk.bounds.halves import Halved, halved_gradient
from vaentk.bounds.likelihoods import Bernoulli
from vaentk.data.dsprites import published
from vaentk.data.stored import Stored
from vaentk.experiments.latents.disentanglement import Disentanglement
from vaentk.experiments.latents.disentanglement import measure as measuring
from vaentk.experiments.latents.disentanglement.train import train
from vaentk.models.conv_vae import ConvVAE
from vaentk.models.deep_gaussian_vae import deep_vae
from vaentk.models.nonlinearities import Nonlinearities
from vaentk.runtime.job import Job

GOALS: Final = 1.2, 1.0
"""Updates in bfloat16 over those in float32, on a CPU with instructions for it: of Figure 3's
network, and of a large one, whose small batch leaves its time to the weights."""

ALLOWED: Final = 2.0
"""Root mean square over metrics of their change, in units of its standard error between seeds,
which is pooled over latent sizes: of other seeds it would be 1.2 on average, rarely more than 2."""

AUTHORS: Final = (64, 128, 256, 512), 1024


def precision() -> list[Line]:
    """Speed, where the CPU has instructions for bfloat16, and Figure 3's scores."""
    flags = Path("/proc/cpuinfo").read_text("utf-8") if Path("/proc/cpuinfo").exists() else ""
    fast = [*_speed()] if "bf16" in flags else []
    if not fast:
        print("the speed of bfloat16 was left out: this CPU has no instructions for it")
    return [*fast, _moved()]


def _speed() -> list[Line]:
    """Gradients of one member, as a CPU trains it: on one thread."""
    lines = []
    large = deep_vae(3, 100, *AUTHORS, Nonlinearities.named("relu"))
    for what, model, batch, goal in (
        ("Figure 3's network, 64x64 pixels", ConvVAE(1, 10), 64, GOALS[0]),
        ("the authors' CelebA network", large, 16, GOALS[1]),
    ):
        images = torch.rand(1, batch, model.channels, model.side, model.side)
        drawn, weights = torch.randn(1, 1, batch, model.latent_dim), model.initial_weights((0,))

        def gradient(model: ConvVAE, *given: Any) -> Halved:
            return halved_gradient(Bound(model, Bernoulli()), *given, torch.ones(1))

        given = weights, images, drawn
        rounded = replace(model, precision="bfloat16")
        ours, theirs = side_by_side(
            partial(gradient, rounded, *given), partial(gradient, model, *given)
        )
        name = f"gradient in bfloat16, {what}, batch {batch}"
        lines.append(line(name, "float32", 1e3 * ours, 1e3 * theirs, "ms", goal))
    return lines


def _moved() -> Line:
    """How far Figure 3's scores at the default's size move."""
    config = yaml.safe_load(Path("config/config.yaml").read_text("utf-8"))
    plain = config["experiments"]["disentanglement"]["dsprites"]
    blocks = published.images(source="drawn", fetch=lambda *_: None)
    images = Stored({"images": torch.from_numpy(np.concatenate([*blocks.images]))}, blocks.note)
    scores = {
        name: _scores(Disentanglement.from_plain(plain | {"precision": name}), images)
        for name in ("float32", "bfloat16")
    }
    change = (scores["bfloat16"] - scores["float32"]).groupby(["metric", "latent"]).mean()
    seeds = scores["float32"].groupby(["metric", "latent"])
    variance = (seeds.var() * 2 / seeds.count()).groupby("metric").mean()  # of few seeds each
    moved = float(np.sqrt((change**2).groupby("metric").mean().div(variance).mean()))
    shown = ", ".join(f"{m} at {n} {c:+.3f}" for (m, n), c in change.items())
    errors = ", ".join(f"{metric} {error:.3f}" for metric, error in np.sqrt(variance).items())
    print(f"scores in bfloat16 less those in float32: {shown}; standard errors: {errors}")
    what = "Figure 3's scores at the default's size, change by bfloat16 over that by seeds"
    row = line(what, "float32", moved, 1.0, "", 0)
    return row | {"at_least": ALLOWED, "met": "yes" if moved <= ALLOWED else "NO"}


def _scores(settings: Disentanglement, images: Stored) -> "pd.Series[float]":
    """Scores of trained networks by metric, latent size and seed."""
    codes = {}
    with tempfile.TemporaryDirectory() as folder:
        for latent in settings.latent:
            log = Path(folder) / f"logs/{settings.precision}/{latent}.log"
            job = Job({}, {}, {}, {"checkpoint_seconds": 1e9}, torch.get_num_threads(), "cpu", log)
            found = train(settings, latent, images=images, task=job)["codes"]
            codes[latent] = Stored({name: torch.from_numpy(array) for name, array in found.items()})
    scores: pd.DataFrame = measuring.measure(settings, images=images, codes=codes)["scores"]
    trained = scores[(scores["network"] == measuring.TRAINED) & (scores["score"].notna())]
    return trained.set_index(["metric", "latent", "seed"])["score"]
