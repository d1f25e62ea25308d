"""Figure 3's measures: scores and active units, and how they change with the latent size (W5)."""

import json
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from vaentk.data.facts import Facts
from vaentk.data.stored import Stored
from vaentk.experiments.latents.disentanglement import Disentanglement
from vaentk.experiments.latents.disentanglement.labels import METRICS, NULLS, TRAINED, UNTRAINED
from vaentk.metrics import active_units
from vaentk.metrics import scores as metric_scores
from vaentk.models.latent_traversals import ROWS, part_of, random_codes
from vaentk.statistics.intervals import mean
from vaentk.statistics.trends import page_test

FIGURE_3 = ("beta_vae", "factor_vae", "mig", "sap")
"""The paper's four; others are shown beside them and take no part in its claims."""

EXCEPTION = "beta_vae"
"""The metric whose score the paper says grows less on Cars3D than the other three."""

DECIMALS = 12
"""Decimals up to which differences of scores count as equal."""


def measure(
    settings: Disentanglement, *, images: Stored, codes: Mapping[int, Stored]
) -> dict[str, Any]:
    """Score the networks of one run and their nulls; keep strips of the best and the worst one.

    ``curves`` has the trained networks' scores, without DCI's, along training. The note of
    ``strips`` has, of both, latent, seed, beta, mean score, and the KL of the strips' units in
    nats, falling.
    """
    factors = Facts.of(images.note).grid
    assert factors is not None
    grid, _ = part_of(factors, settings.every)
    generator = np.random.default_rng(0)
    samples = metric_scores.draw(grid, settings.points, settings.dci_points, generator)
    rows, curves, summaries, strips, largest_kl = [], [], [], {}, {}
    for latent, trained in codes.items():
        for place, (seed, beta) in enumerate(product(settings.seeds, settings.betas)):
            network = {name: array[place] for name, array in trained.arrays.items()}
            key = {"latent": latent, "seed": seed, "beta": beta}
            scored = _scored(TRAINED, network["trained/mean"], samples, settings.dci_trees)
            rows += [key | row for row in scored]
            curves += [key | {"step": settings.steps} | row for row in scored]
            for step in settings.kept:
                scored = _scored(TRAINED, network[f"{step}/mean"], samples)
                curves += [key | {"step": step} | row for row in scored]
            if beta == settings.betas[0]:  # those of other betas are the same
                of_nulls = _scored_nulls(network, seed, samples, settings.dci_trees)
            rows += [key | row for row in of_nulls]
            curves += [key | {"step": 0} | row for row in of_nulls if row["network"] == UNTRAINED]
            units = active_units.score(network["trained/mean"], network["trained/logvar"])
            reached = {"kl": float(units.kl.sum()), "active_units": units.count}
            summaries.append(key | {"reconstruction": float(network["reconstruction"])} | reached)
            strips[latent, seed, beta] = network["strips"].numpy()
            largest_kl[latent, seed, beta] = np.sort(units.kl)[::-1][:ROWS].tolist()
    scores, summary = pd.DataFrame(rows), pd.DataFrame(summaries)
    shown = extremes(scores)
    note = {name: [*chosen, largest_kl[chosen[:3]]] for name, chosen in shown.items()}
    pictures = {name: strips[chosen[:3]] for name, chosen in shown.items()}
    return {
        "scores": scores,
        "curves": _of_figure_3(pd.DataFrame(curves)).drop(columns="network"),
        "summary": summary,
        "trends": trends(scores, summary).assign(reduced=settings.reduced),
        "strips": Stored(pictures, json.dumps(note)),
    }


def _of_figure_3(scores: pd.DataFrame) -> pd.DataFrame:
    chosen: pd.DataFrame = scores[scores["metric"].isin(FIGURE_3)]
    return chosen


def _scored_nulls(
    network: Mapping[str, Tensor], seed: int, samples: dict[str, Any], dci_trees: int | None
) -> list[dict[str, Any]]:
    """Score the network before training, and a random code of its size.

    The scale of an untrained network's codes means nothing, and is so small that FactorVAE would
    prune them all: they are brought to a mean variance of one, that of a random code.
    """
    untrained = network["untrained/mean"]
    spread = untrained.double().var(dim=0).mean().sqrt()
    return [
        *_scored(UNTRAINED, (untrained / spread).float(), samples, dci_trees),
        *_scored(
            "random", random_codes(len(untrained), untrained.shape[1], seed), samples, dci_trees
        ),
    ]


def _scored(
    name: str, means: Tensor, samples: dict[str, Any], dci_trees: int | None = None
) -> list[dict[str, Any]]:
    """Score posterior means, (n, latent_dim), by every metric."""
    scores = metric_scores.score(means, samples, dci_trees)
    return [{"network": name, "metric": metric, "score": score} for metric, score in scores.items()]


def trends(scores: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Fit how scores, their differences from the nulls and active units change with latent size.

    One row per beta and quantity: effect, the change per doubling of the latent size with its 95%
    interval, the mean over seeds of each seed's least squares slope; level, the mean over latent
    sizes and seeds with its interval over seeds; statistic and p_value of Page's test for a rise,
    whose blocks are the seeds (NaN with fewer than two of them, or three sizes); points, the number
    of observations, and freedom. Every beta has its nulls, with the latents and seeds of the
    trained networks.

    Quantities: each metric; ``<metric>_untrained``, that of the networks before training;
    ``<metric>_minus_untrained`` and ``<metric>_minus_random``, paired by latent and seed;
    ``active_units``; ``beta_vae_rank``, whose effect is the rank of BetaVAE's among the four, 1 the
    smallest; ``beta_vae_minus_<metric>``, BetaVAE's score minus that of each other metric.
    """
    rows = []
    for beta, part in scores.groupby("beta"):
        wide = part.pivot(index=["latent", "seed"], columns=["network", "metric"], values="score")
        units = summary[summary["beta"] == beta].set_index(["latent", "seed"])["active_units"]
        fitted = [_trend(name, values) for name, values in _series(wide, units)]
        rows += [{"beta": beta, **row} for row in [*fitted, _rank(fitted)]]
    return pd.DataFrame(rows)


def _series(wide: pd.DataFrame, units: pd.Series) -> Iterator[tuple[str, pd.Series]]:
    """Yield name and values, by latent and seed, of all that is fitted by itself."""
    trained = wide[TRAINED]
    metrics = [metric for metric in METRICS if metric in trained]
    for metric in metrics:
        yield metric, trained[metric]
    for metric in metrics:
        yield f"{metric}_untrained", wide[UNTRAINED][metric]
    for null in NULLS:
        for metric in metrics:
            yield f"{metric}_minus_{null}", trained[metric] - wide[null][metric]
    for metric in FIGURE_3:
        if metric != EXCEPTION:
            yield f"{EXCEPTION}_minus_{metric}", trained[EXCEPTION] - trained[metric]
    yield "active_units", units.astype(float)


def _trend(quantity: str, values: pd.Series) -> dict[str, str | float]:
    """Fit and test one quantity, given by latent and seed."""
    by_seed = values.round(DECIMALS).unstack("latent")
    octaves = np.log2(by_seed.columns.to_numpy(float))
    octaves -= octaves.mean()
    table = by_seed.to_numpy(float)
    effect = mean(table @ octaves / (octaves @ octaves))
    statistic, p_value = page_test(table)
    return {
        "quantity": quantity,
        "effect": effect.value,
        "low": effect.low,
        "high": effect.high,
        **mean(table.mean(axis=1)).columns("level"),
        "statistic": statistic,
        "p_value": p_value,
        "points": table.size,
        "freedom": effect.freedom,
    }


def _rank(fitted: list[dict[str, str | float]]) -> dict[str, str | float]:
    """Rank BetaVAE's effect among those of the four."""
    effects = pd.DataFrame(fitted).set_index("quantity")["effect"][list(FIGURE_3)]
    rank = float(effects.rank(method="min")[EXCEPTION])
    return {"quantity": f"{EXCEPTION}_rank", "effect": rank}


def extremes(scores: pd.DataFrame) -> dict[str, tuple[int, int, float, float]]:
    """Find the ``best`` and the ``worst`` trained network by the mean of the paper's four scores.

    Each as latent, seed, beta and the mean score.
    """
    trained = _of_figure_3(scores[scores["network"] == TRAINED])
    means = trained.groupby(["latent", "seed", "beta"], as_index=False)["score"].mean()
    chosen = {"best": means["score"].idxmax(), "worst": means["score"].idxmin()}
    return {
        name: (int(row["latent"]), int(row["seed"]), float(row["beta"]), float(row["score"]))
        for name, place in chosen.items()
        for row in [means.loc[place]]
    }
