"""Whether deep VAEs converge faster with smoother activations, smaller beta, larger K."""

from collections.abc import Callable, Iterator
from functools import partial
from math import inf, log2, nan
from typing import Final

import numpy as np
import pandas as pd

from vaentk.experiments.convergence.deep_vae import DeepVAE
from vaentk.experiments.convergence.deep_vae.curves import REACHED, late, slope
from vaentk.statistics.intervals import Estimate, line_slope, mean
from vaentk.statistics.trends import page_test

CLAIMED: Final = {
    ("activation", "gradient_slope"): "rises",
    ("activation", "batch_slope"): "rises",
    ("beta", "steps_to_gradient"): "rises",
    ("beta", "steps_to_excess"): "rises",
    ("samples", "steps_to_gradient"): "falls",
    ("samples", "early_negative_elbo"): "falls",
    ("samples", "end_negative_elbo"): "falls",
    ("samples", "early_loss"): "falls",
    ("samples", "end_loss"): "falls",
}
"""What the paper says of a quantity along a sweep."""

EXCESS: Final = 0.1
"""Part of the loss's fall that is left when it counts as fallen."""

MISSING: Final = "cannot be told: a value is missing or a squared norm is not positive"
BOUNDS: Final = ("negative_elbo", "loss", "negative_bound")


def trends(table: pd.DataFrame, reached: pd.DataFrame, settings: DeepVAE) -> pd.DataFrame:
    """Fit how convergence changes along each sweep, seed by seed, and test for a rise.

    One row per sweep and quantity: effect, the change per step of the order from the smoothest
    activation to ReLU, or per doubling of beta or K, mean over seeds with its 95% interval (NaN
    for one seed: there is none); statistic and p_value of Page's test for a rise, whose blocks are
    the seeds (NaN for one seed, or two levels); threshold; levels, seeds; claimed; said, in words.

    Quantities: gradient_slope and batch_slope, the powers of the squared gradient norm, of all
    images and of a batch, over the last part;
    steps_to_gradient and steps_to_excess, binary logarithm of the updates to a common part of each
    one's own start, the least that all reach for the gradient and `EXCESS` for the loss above its
    least, which comes to nothing by definition; of the bounds (training images, in nats) early_
    and end_ negative_elbo, loss (what is minimised) and negative_bound (with a K common to all).

    Sweeps with fewer than two values, and activations without a place in the order, are left out.
    """
    rows = []
    for sweep, named in settings.sweeps().items():
        order = _order(sweep, named)
        if len(order) < 2:
            continue
        for quantity, threshold, of_variant in _quantities(sweep, table, reached, [*order]):
            wide = pd.DataFrame({variant: of_variant(variant) for variant in order})
            rows.append(_trend(sweep, quantity, wide, list(order.values()), threshold))
    return pd.DataFrame(rows, columns=None if rows else ["sweep", "quantity", "effect"])


def _order(sweep: str, named: dict[str, str]) -> dict[str, float]:
    """Place of every variant in its sweep: the rank by smoothness, or the binary logarithm."""
    if sweep != "activation":
        return {variant: log2(float(value)) for value, variant in named.items()}
    sharpness = {
        variant: inf if value == "relu" else float(value.removeprefix("soft-"))
        for value, variant in named.items()
        if value == "relu" or value.startswith("soft-")
    }
    ordered = sorted(sharpness, key=sharpness.__getitem__)
    return {variant: float(place) for place, variant in enumerate(ordered)}


def _quantities(
    sweep: str, table: pd.DataFrame, reached: pd.DataFrame, variants: list[str]
) -> Iterator[tuple[str, float, Callable[[str], pd.Series]]]:
    """Yield name, threshold if any, and the function from a variant to its values by seed."""

    def own(variant: str) -> pd.DataFrame:
        return table[table["variant"] == variant]

    def of_slope(variant: str, quantity: str) -> pd.Series:
        parts = late(own(variant)).groupby("seed")
        return pd.Series({seed: slope(part, quantity).value for seed, part in parts})

    yield "gradient_slope", nan, partial(of_slope, quantity="gradient")
    yield "batch_slope", nan, partial(of_slope, quantity="batch_square")
    for quantity in () if sweep == "activation" else REACHED:
        times = reached[(reached["quantity"] == quantity) & reached["variant"].isin(variants)]
        by_all = times.groupby("threshold")["steps"].apply(lambda steps: steps.notna().all())
        threshold = EXCESS if quantity == "excess" else float(by_all.index[by_all].min())
        at = times[times["threshold"] == threshold].set_index(["variant", "seed"])["steps"]

        def of_steps(variant: str, at: pd.Series = at) -> pd.Series:
            return np.log2(at.loc[variant]) if len(at) else pd.Series({0: nan})

        yield f"steps_to_{quantity.removeprefix('relative_')}", threshold, of_steps
    for when in ("early", "end"):
        for bound in BOUNDS:

            def of_bound(variant: str, when: str = when, bound: str = bound) -> pd.Series:
                return at_time(own(variant), when).set_index("seed")[bound]

            yield f"{when}_{bound}", nan, of_bound


def at_time(table: pd.DataFrame, when: str) -> pd.DataFrame:
    """The measurements at the end of the first epoch (``early``) or of training (``end``)."""
    steps = table[table["epoch"] >= 1]["step"] if when == "early" else table["step"]
    step = steps.min() if when == "early" else steps.max()
    measured: pd.DataFrame = table[table["step"] == step]
    return measured


def _trend(
    sweep: str, quantity: str, wide: pd.DataFrame, places: list[float], threshold: float
) -> dict[str, str | float]:
    """Fit one row; ``wide`` has one column per variant, in order, and one row per seed."""
    finite = bool(np.isfinite(wide.to_numpy()).all())
    estimate = mean([line_slope(places, row).value for row in wide.to_numpy()])
    statistic, p_value = page_test(wide)
    return {
        "sweep": sweep,
        "quantity": quantity,
        "threshold": threshold,
        "effect": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "statistic": statistic,
        "p_value": p_value,
        "levels": len(places),
        "seeds": len(wide),
        "claimed": CLAIMED.get((sweep, quantity), ""),
        "said": _said(estimate) if finite else MISSING,
    }


def _said(effect: Estimate) -> str:
    """Say what seeds show, and what they cannot."""
    direction = "rises" if effect.value > 0 else "falls" if effect.value < 0 else "stays"
    seeds = effect.points
    if seeds == 1:
        return f"{direction} in the one seed there is; how seeds differ is not known"
    if effect.low > 0 or effect.high < 0:
        return f"{direction} over {seeds} seeds"
    return f"open: {direction} on average, but {seeds} seeds are too few or differ too much"
