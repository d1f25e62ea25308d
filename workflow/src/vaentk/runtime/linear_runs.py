"""The trainings of S1 in one job, one variant after another, with checkpoints and progress."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from tqdm import tqdm

from vaentk.experiments.convergence.linear_vae import LinearVae, OptimiserName, Variant
from vaentk.runtime import progress
from vaentk.runtime.checkpoints import Checkpoint
from vaentk.runtime.job import Job
from vaentk.training.linear import Record, State, initial_parameters, initial_state, train
from vaentk.training.linear_landmarks import (
    curvature,
    gradient_noise,
    landmarks,
    problem_of,
    recipe_of,
)

NOISE_DRAWS = 16
"""Gradients a run and landmark, whose mean over hundreds of runs is what is used."""


def train_variants(
    settings: LinearVae, optimiser: OptimiserName, job: Job, folder: Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train every variant from its checkpoint, if there is one.

    Parameters
    ----------
    settings : LinearVae
    optimiser : str
    job : Job
        Gives the device, the log and the parameters.
    folder : Path
        Where checkpoints live until they are forgotten; not a declared result.

    Returns
    -------
    tuple of DataFrame
        `State.records`, and at every landmark of the trainings of the rate: ``curvature``, the
        largest |eigenvalue| of the Hessian, and ``noise``, ``|g - grad L|^2``; a row a variant,
        seed and step, with the variant's own columns.
    """
    variants = settings.variants()
    total = sum(variant.steps for variant in variants)
    bar = progress.bar(total, 0, f"{optimiser}, {settings.runs} runs")
    records, marks = [], []
    with bar:
        for variant in variants:
            state, marked = _train(settings, optimiser, variant, job, folder, bar)
            known = {"optimiser": optimiser, "variant": variant.name, **asdict(variant)}
            del known["steps"]
            records.append(pd.DataFrame(state.records).assign(**known))
            if marked:
                marks.append(pd.DataFrame(marked).assign(**known))
    whole = (pd.concat(parts, ignore_index=True) for parts in (records, marks))
    first, second = (part.astype({"seed": int, "step": int}) for part in whole)
    return first, second


def _train(
    settings: LinearVae,
    optimiser: OptimiserName,
    variant: Variant,
    job: Job,
    folder: Path,
    bar: "tqdm[Any]",
) -> tuple[State, list[Record]]:
    """Train one variant, a stretch between landmarks at a time."""
    path = folder / f"{variant.name}.safetensors"
    fingerprint = json.dumps([job.device, job.params])
    checkpoint = Checkpoint(path, fingerprint, job.params["checkpoint_seconds"])
    problem = problem_of(settings, job.device, variant.beta)
    recipe, seeds = recipe_of(settings, optimiser, variant), settings.seeds()
    kept, marked = checkpoint.load(job.device), list[Record]()
    if kept is None:
        start = initial_parameters(problem, seeds, settings.initial_scale)
        state = initial_state(problem, start, seeds, recipe)
    else:
        state, marked = State(*kept[:3]), kept.marks
    bar.update(state.step)
    before = state.step

    def tick(state: State) -> None:
        nonlocal before
        bar.update(state.step - before)
        before = state.step
        checkpoint.offer(state.step, state.tensors, state.records, marked)

    for place, step in enumerate(landmarks(variant.steps)):
        if step > state.step:
            train(problem, seeds, replace(recipe, steps=step), state, tick)
        measured = {row["step"] for row in marked}
        if step == state.step and variant.role == "rate" and step not in measured:
            parameters = state.parameters()
            generator = torch.Generator(job.device).manual_seed(place)
            noise = gradient_noise(problem, parameters, recipe.estimator, NOISE_DRAWS, generator)
            found_here = curvature(problem, parameters).tolist(), noise.tolist()
            for seed, largest, variance in zip(seeds, *found_here, strict=True):
                row = {"seed": seed, "step": step, "curvature": largest, "noise": variance}
                marked.append(row)
    checkpoint.save(state.step, state.tensors, state.records, marked)
    return state, marked
