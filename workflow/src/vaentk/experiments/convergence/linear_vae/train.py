"""The trainings of S1 by one optimiser, one variant after another, all runs side by side."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Final

import pandas as pd
import torch

from vaentk.experiments.convergence.linear_vae import LinearVae, OptimiserName, Place, Variant
from vaentk.experiments.convergence.linear_vae.problem import (
    parameters_at,
    problem_of,
    recipe_of,
)
from vaentk.runtime.checkpoints import Chunk
from vaentk.runtime.job import Job
from vaentk.runtime.trainings import Training, train_members
from vaentk.training import linear
from vaentk.training.linear import Problem, Recipe, parameters_of
from vaentk.training.linear_diagnostics import curvature, diagnostic_steps, gradient_noise
from vaentk.training.state import Record, State, Tick

NOISE_DRAWS: Final = 16
"""Gradients a run and diagnostic step, whose mean over hundreds of runs is what is used."""


def train(settings: LinearVae, part: OptimiserName, *, task: Job) -> dict[str, pd.DataFrame]:
    """Train every variant by one optimiser: a row per variant, seed and step, and its own columns.

    ``records`` are as `vaentk.training.linear.initial_state` describes them; ``marks`` have, at
    every diagnostic step of the trainings of the rate, ``curvature``, the largest |eigenvalue|
    of the Hessian, and ``noise``, ``|g - grad L|^2``.
    """
    tables: dict[str, list[pd.DataFrame]] = {"records": [], "marks": []}
    for variant in settings.variants():
        state = train_members(_training(settings, part, variant, task.device), task)
        columns = {"optimiser": part, "variant": variant.name, **asdict(variant)}
        del columns["steps"]
        for name in tables:
            rows = [row for row in state.records if ("curvature" in row) == (name == "marks")]
            if rows:
                tables[name].append(pd.DataFrame(rows).assign(**columns))
    return {
        name: pd.concat(parts, ignore_index=True).astype({"seed": int, "step": int})
        for name, parts in tables.items()
    }


def _training(
    settings: LinearVae, optimiser: OptimiserName, variant: Variant, device: str
) -> Training:
    """All runs of one variant."""
    problem = problem_of(settings, device, variant.beta)
    recipe, seeds = recipe_of(settings, optimiser, variant), settings.seeds(variant.role)

    def start(chunk: Chunk) -> State:
        own = tuple(seeds[place] for place in chunk)
        place: Place = "optimum" if variant.role == "noise-limited" else "start"
        first = parameters_at(place, problem, settings, own)
        return linear.initial_state(problem, first, own, recipe)

    def run(chunk: Chunk, state: State, tick: Tick) -> State:
        own = tuple(seeds[place] for place in chunk)
        for number, step in enumerate(diagnostic_steps(variant.steps)):
            if step > state.step:
                linear.train(problem, own, replace(recipe, steps=step), state, tick)
            last = state.records[-1]
            diagnosed = last["step"] == step and "curvature" in last
            if step == state.step and variant.role == "rate" and not diagnosed:
                state.records += _diagnosed(problem, own, recipe, state, number)
        return state

    return Training(
        label=f"{optimiser} {variant.name}",
        members=[{"seed": seed} for seed in seeds],
        steps=variant.steps,
        start=start,
        run=run,
        folder=variant.name,
        scalars=False,  # hundreds of curves
    )


def _diagnosed(
    problem: Problem, seeds: Sequence[int], recipe: Recipe, state: State, number: int
) -> list[Record]:
    """Measure curvature and noise at one step, one row per run."""
    parameters = parameters_of(state)
    generator = torch.Generator(problem.data.device).manual_seed(number)
    noise = gradient_noise(problem, parameters, recipe.estimator, NOISE_DRAWS, generator)
    largest = curvature(problem, parameters)
    return [
        {"seed": seed, "step": state.step, "curvature": float(value), "noise": float(variance)}
        for seed, value, variance in zip(seeds, largest, noise, strict=True)
    ]
