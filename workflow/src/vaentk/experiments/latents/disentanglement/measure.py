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
from vaentk.experiments.latents.disentanglement.labels import METRICS, NULLS, TRAINED
from vaentk.metrics import active_units
from vaentk.metrics import scores as metric_scores
from vaentk.models.latent_traversals import ROWS, part_of, random_codes
from vaentk.statistics.intervals import line_slope
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

    The note of ``strips`` has, of both, latent, seed, beta, mean score, and the KL of the strips'
    units in nats, falling.
    """
    factors = Facts.of(images.note).grid
    assert factors is not None
    grid, _ = part_of(factors, settings.every)
    generator = np.random.default_rng(0)
    samples = metric_scores.draw(grid, settings.points, settings.dci_points, generator)
    rows, summaries, strips, largest_kl = [], [], {}, {}
    for latent, trained in codes.items():
        for place, (seed, beta) in enumerate(product(settings.seeds, settings.betas)):
            network = {name: array[place] for name, array in trained.arrays.items()}
            key = {"latent": latent, "seed": seed, "beta": beta}
            rows += [key | row for row in _scores(network, seed, samples, settings.dci_trees)]
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
        "summary": summary,
        "trends": trends(scores, summary),
        "strips": Stored(pictures, json.dumps(note)),
    }


def _scores(
    network: Mapping[str, Tensor], seed: int, samples: dict[str, Any], dci_trees: int
) -> Iterator[dict[str, Any]]:
    """Score a trained network, the same before training, and a random code of its size."""
    mean = network["trained/mean"]
    codes = {
        TRAINED: mean,
        "untrained": network["untrained/mean"],
        "random": random_codes(len(mean), mean.shape[1], seed),
    }
    for name, means in codes.items():
        for metric, score in metric_scores.score(means, samples, dci_trees).items():
            yield {"network": name, "metric": metric, "score": score}


def trends(scores: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Fit how scores, their differences from the nulls and active units change with latent size.

    A row a beta and quantity: effect, the change per doubling of the latent size (ordinary least
    squares over all seeds) with its 95% interval; statistic and p_value of Page's test for a rise,
    whose blocks are the seeds that have every latent size (NaN with fewer than two of them, or
    three sizes); points, the number of observations. Every beta has its nulls, with the latents
    and seeds of the trained networks.

    Quantities: each metric; ``<metric>_minus_untrained`` and ``<metric>_minus_random``, paired by
    latent and seed; ``active_units``; ``beta_vae_rank``, whose effect is the rank of BetaVAE's
    among the four, 1 the smallest; ``beta_vae_minus_least_other``, BetaVAE's score minus that of
    the metric with the least effect among the other three. The interval of the last takes that
    metric as given, though it is chosen from the same data.
    """
    rows = []
    for beta, part in scores.groupby("beta"):
        wide = part.pivot(index=["latent", "seed"], columns=["network", "metric"], values="score")
        units = summary[summary["beta"] == beta].set_index(["latent", "seed"])["active_units"]
        fitted = [_trend(name, values) for name, values in _series(wide, units)]
        fitted += _exception(wide[[TRAINED]].droplevel("network", axis=1), fitted)
        rows += [{"beta": beta, **row} for row in fitted]
    return pd.DataFrame(rows)


def _series(wide: pd.DataFrame, units: pd.Series) -> Iterator[tuple[str, pd.Series]]:
    """Yield name and values, by latent and seed, of all that is fitted by itself."""
    for metric in METRICS:
        yield metric, wide[TRAINED][metric]
    for null in NULLS:
        for metric in METRICS:
            yield f"{metric}_minus_{null}", wide[TRAINED][metric] - wide[null][metric]
    yield "active_units", units.astype(float)


def _trend(quantity: str, values: pd.Series) -> dict[str, str | float]:
    """Fit and test one quantity, given by latent and seed; pairs without a partner are left out."""
    complete = values.dropna().round(DECIMALS)
    latent = complete.index.get_level_values("latent").to_numpy(float)
    fit = line_slope(np.log2(latent), complete)
    statistic, p_value = page_test(complete.unstack("latent").dropna().to_numpy(float))
    return {
        "quantity": quantity,
        "effect": fit.value,
        "low": fit.low,
        "high": fit.high,
        "statistic": statistic,
        "p_value": p_value,
        "points": fit.points,
    }


def _exception(
    trained: pd.DataFrame, fitted: list[dict[str, str | float]]
) -> list[dict[str, str | float]]:
    """Compare BetaVAE's effect with those of the other three metrics."""
    effects = pd.DataFrame(fitted).set_index("quantity")["effect"][list(FIGURE_3)]
    least = min(effects.index.drop(EXCEPTION), key=lambda metric: float(effects[metric]))
    rank = float(effects.rank(method="min")[EXCEPTION])
    difference = trained[EXCEPTION] - trained[least]
    return [
        {"quantity": f"{EXCEPTION}_rank", "effect": rank, "points": len(trained)},
        _trend(f"{EXCEPTION}_minus_least_other", difference),
    ]


def extremes(scores: pd.DataFrame) -> dict[str, tuple[int, int, float, float]]:
    """Find the ``best`` and the ``worst`` trained network by the mean of the paper's four scores.

    Each as latent, seed, beta and the mean score.
    """
    trained = scores[(scores["network"] == TRAINED) & scores["metric"].isin(FIGURE_3)]
    means = trained.groupby(["latent", "seed", "beta"], as_index=False)["score"].mean()
    chosen = {"best": means["score"].idxmax(), "worst": means["score"].idxmin()}
    return {
        name: (int(row["latent"]), int(row["seed"]), float(row["beta"]), float(row["score"]))
        for name, place in chosen.items()
        for row in [means.loc[place]]
    }
