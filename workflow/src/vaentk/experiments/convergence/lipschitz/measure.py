"""X13's measures: the gradient's change over the distance of two parameters, towards zero."""

from math import sqrt

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from vaentk.bounds.bound import Bound, Weights
from vaentk.bounds.draws import generator
from vaentk.bounds.likelihoods import Gaussian
from vaentk.errors import UserError
from vaentk.experiments.convergence.lipschitz import Lipschitz
from vaentk.experiments.settings import exact
from vaentk.models.dense_vae import DenseVAE
from vaentk.models.nonlinearities import Nonlinearities
from vaentk.statistics.intervals import Estimate, geometric_mean, mean

PER_DECADE = 2
"""Distances in every factor of ten."""

FIRST = ("enc_dense0", "enc_dense0_bias")
"""The encoder's first layer."""

BELOW = 1e-12
"""How far below zero units are, so that rounding puts none above."""


def measure(settings: Lipschitz) -> dict[str, pd.DataFrame]:
    """Measure one run: a ratio a seed, activation and distance, and what they tend to."""
    named = {"relu": Nonlinearities.named("relu")}
    named |= {f"soft-{exact(s)}": Nonlinearities.soft_clipping(s) for s in settings.sharpness}
    found = [ratios(settings, functions).assign(activation=a) for a, functions in named.items()]
    table = pd.concat(found, ignore_index=True)
    return {
        "ratios": table,
        "powers": powers(table),
        "plateaus": plateaus(table, settings.sharpness),
    }


def ratios(settings: Lipschitz, functions: Nonlinearities) -> pd.DataFrame:
    """Measure ``|grad L(theta + t u) - grad L(theta)| / t``: one row per seed and t.

    L is the mean negative ELBO over the points with codes that do not change, so that its gradient
    is exact; u, a unit vector, and the gradient are of the encoder's first layer. theta is drawn as
    torch draws layers, but that the biases put its units at zero for the first point, a hair below,
    which is where ReLU and soft-clipping bend; u raises them.
    """
    side = round(sqrt(settings.dim))
    model = DenseVAE(1, side, settings.latent_dim, settings.layers, functions, glorot=False)
    bound = Bound(model, Gaussian(settings.deviation))
    cpu, seeds = torch.device("cpu"), settings.seeds
    shape = (settings.points, 1, side, side)
    data = torch.randn(shape, generator=generator(cpu, settings.data_seed), dtype=torch.float64)
    own = [generator(cpu, seed, 1) for seed in seeds]
    drawn = [
        torch.randn(settings.codes, settings.points, settings.latent_dim, generator=g) for g in own
    ]
    noise, images = torch.stack(drawn).double(), data.expand(len(seeds), *shape)
    theta = {name: weight.double() for name, weight in model.initial_weights(seeds).items()}
    theta["enc_dense0_bias"] = -(theta["enc_dense0"] @ data[0].flatten()) - BELOW
    towards = direction({name: theta[name] for name in FIRST}, data[0].flatten(), own)
    beta = torch.ones(len(seeds), dtype=torch.float64)
    _, start = bound.gradient(theta, images, noise, beta)
    rows = []
    for place in range(settings.decades * PER_DECADE + 1):
        distance = settings.largest * 10 ** (-place / PER_DECADE)
        moved = {name: theta[name] + distance * step for name, step in towards.items()}
        _, there = bound.gradient(theta | moved, images, noise, beta)
        change = norm({name: there[name] - start[name] for name in FIRST}) / distance
        if not change.all():
            raise UserError(
                f"the gradient does not change over the distance {distance:.1g}, which rounding "
                "swallows: lower decades, or raise largest"
            )
        for seed, value in zip(seeds, change.tolist(), strict=True):
            rows.append({"seed": seed, "distance": distance, "ratio": value})
    return pd.DataFrame(rows)


def direction(layer: Weights, point: Tensor, own: list[torch.Generator]) -> Weights:
    """Draw a unit vector of the first layer for every member that raises all units at a point."""
    drawn = {
        name: torch.stack([torch.randn(w.shape[1:], generator=g, dtype=w.dtype) for g in own])
        for name, w in layer.items()
    }
    weight, bias = FIRST
    rise = drawn[weight] @ point + drawn[bias]
    signs = torch.where(rise < 0, -1.0, 1.0) / norm(drawn)[:, None]
    return {weight: signs[..., None] * drawn[weight], bias: signs * drawn[bias]}


def norm(parts: Weights) -> Tensor:
    """Euclidean norm of all weights of every member, (S,)."""
    squares = [part.flatten(1).square().sum(dim=1) for part in parts.values()]
    return torch.stack(squares).sum(dim=0).sqrt()


def powers(table: pd.DataFrame) -> pd.DataFrame:
    """Fit the power of t that the ratio follows over the lower half of the distances.

    One row per activation: slope with Student's interval over seeds. -1 where the gradient jumps, 0
    where it is locally Lipschitz.
    """
    rows = []
    for activation, part in table.groupby("activation", sort=False):
        wide = part.pivot(index="distance", columns="seed", values="ratio").sort_index()
        lower = wide.iloc[: len(wide) // 2 + 1]
        across = np.log(lower.index.to_numpy(float))
        across = across - across.mean()
        slope = mean(across @ np.log(lower.to_numpy()) / (across @ across))
        rows.append({"activation": activation} | slope.as_slope())
    return pd.DataFrame(rows)


def plateaus(table: pd.DataFrame, sharpness: tuple[float, ...]) -> pd.DataFrame:
    """Average the ratio at the least distance, and fit its power of s over soft-clipping's.

    One row per activation: plateau, the geometric mean over seeds with its interval; and a row
    ``power`` of s, which stands in the same columns.
    """
    least = table[table["distance"] == table["distance"].min()]
    wide = least.pivot(index="seed", columns="activation", values="ratio")
    rows = [
        {"activation": name} | geometric_mean(wide[name]).columns("plateau")
        for name in table["activation"].unique()
    ]
    logs = np.log(wide[[f"soft-{exact(s)}" for s in sharpness]].to_numpy())
    across = np.log(sharpness) - np.log(sharpness).mean()
    power: Estimate = mean(logs @ across / (across @ across))
    rows.append({"activation": "power of s"} | power.columns("plateau"))
    return pd.DataFrame(rows)
