"""S5's measures: how signal-to-noise ratios go with the batch B and the codes K of an image."""

from collections.abc import Iterator, Mapping
from itertools import product
from math import nan, sqrt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.bounds.bound import Bound, Weights
from vaentk.bounds.gradient_noise_grid import Grid
from vaentk.bounds.signal_to_noise import BLOCKS
from vaentk.data.image_set import ImageSet
from vaentk.data.stored import Stored
from vaentk.experiments.convergence.deep_vae import DeepTraining
from vaentk.experiments.convergence.deep_vae.networks import likelihood_of, model_of, source_of
from vaentk.experiments.convergence.gradient_noise import GradientNoise
from vaentk.experiments.convergence.gradient_noise.ratios import cells_of, measured_ratios
from vaentk.runtime.job import Job
from vaentk.statistics.intervals import Estimate, line_slope, mean, quantile

ALL = "all"

WITH_CODES = {"batch": 0.5, "samples": 0.5, "budget": 0.0}
CLAIMED = {
    **dict.fromkeys(product(("iwae", "iwae-dreg", "elbo"), ("theta", "phi")), WITH_CODES),
    ("iwae", "phi"): {"batch": 0.5, "samples": -0.5, "budget": -1.0},
}
"""Theory's exponents on fixed images: sqrt(B K) and, for phi under the plain IWAE, sqrt(B / K)
(Rainforth et al. 2018; the doubly reparametrised one by Tucker et al. 2019). At a fixed budget B K
the ratio goes with the exponent in K less that in B."""

CELL = ["state", "estimator", "images", "part"]


def measure(
    settings: GradientNoise,
    *,
    images: Stored,
    weights: Stored,
    network: Mapping[str, Any],
    task: Job,
) -> dict[str, pd.DataFrame]:
    """Measure one run: the ratios over the grid, their powers, and the best K at a budget.

    The weights are those of the run of deep_vae that the settings name, before and after training.
    """
    trained = DeepTraining.from_plain(network)
    faces = ImageSet.of(images.arrays, images.note).to(task.device)
    model = model_of(trained.network, faces.facts.shape[0])
    grid = Grid(
        Bound(model, likelihood_of(trained.network), codes_at_once=settings.codes_at_once),
        source_of(trained.network, faces),
        trained.beta,
        trained.seeds,
        max(settings.batches),
        settings.side_by_side,
    )
    of_state: dict[str, Weights] = {
        state: {
            name.removeprefix(f"{state}/"): tensor.to(task.device)
            for name, tensor in weights.arrays.items()
            if name.startswith(f"{state}/")
        }
        for state in settings.states
    }
    cells = measured_ratios(grid, cells_of(settings), of_state, model, task)
    cells = with_clearer_signal(cells)
    ratios = cells.join(pd.DataFrame(map(ratio_of, cells["square"], cells["square_error"])))
    counted = {
        (state, samples): grid.effective(own, samples).numpy()
        for state, own in of_state.items()
        for samples in settings.samples
    }
    codes = effective_codes(counted)
    return {
        "ratios": ratios,
        "codes": codes,
        "exponents": exponents(ratios, codes),
        "budgets": at_budget(ratios),
    }


def with_clearer_signal(cells: pd.DataFrame) -> pd.DataFrame:
    """Take the signal of the IWAE's encoder from the doubly reparametrised gradient where there.

    Their means are the same, and the noise of the latter is much smaller where K is large; the
    noise stays that of the IWAE. The error is that of the signal; the noise's is small beside it.
    """
    place = ["state", "images", "batch", "samples", "seed", "part"]
    clearer = cells[(cells["estimator"] == "iwae-dreg") & (cells["part"] == "phi")]
    known = cells.merge(clearer, "left", place, suffixes=("", "_clearer"))
    taken = (known["estimator"] == "iwae") & known["noise_clearer"].notna()
    columns = ["square", "square_error"]
    scale = (known["noise_clearer"] / known["noise"]).to_numpy()
    signal = known[[f"{name}_clearer" for name in columns]].mul(scale, axis=0)
    signal.columns = pd.Index(columns)
    return cells.assign(**{name: known[name].where(~taken, signal[name]) for name in columns})


def ratio_of(square: float, error: float) -> dict[str, float]:
    """Take the root of a squared ratio and of the ends of its 95% interval.

    NaN where noise drowned the signal, and the square is negative; an end is 0 where it is.
    """
    half = quantile(BLOCKS - 1) * error
    low, high = (sqrt(max(0.0, square + side * half)) for side in (-1, 1))
    return {"ratio": sqrt(square) if square >= 0 else nan, "ratio_low": low, "ratio_high": high}


def effective_codes(counted: Mapping[tuple[str, int], NDArray[np.float64]]) -> pd.DataFrame:
    """Average the numbers of codes that count over images, by state and K.

    They are given as `Grid.effective` has them, (S, images). Student's interval over the images of
    all seeds is one for these networks, and not for others of other seeds.
    """
    rows = []
    for (state, samples), numbers in counted.items():
        average = mean(numbers.ravel())
        row = {"state": state, "samples": samples, "images": average.points}
        rows.append(row | average.columns("effective"))
    return pd.DataFrame(rows)


def exponents(table: pd.DataFrame, codes: pd.DataFrame) -> pd.DataFrame:
    """Fit the powers with which ratios go with B, with K, and with K at a fixed budget B K.

    Ordinary least squares in logarithms. Every seed has a level of its own, and, over the whole
    grid, so has every value of what is held constant, so that only the power is common; the 95%
    interval is Student's, and scatter between cells and misfit of the power both widen it.

    The ratios are given by state, estimator, images (fixed, redrawn), part (theta, phi), seed,
    batch and samples, NaN where the noise drowned the signal. A power has a row by ``along``:
    ``batch``, ``samples``, or ``budget`` (K at constant B K). ``at`` is the value of what is held
    constant, K or B, or "all" for one power over the grid; ``claimed``, theory's exponent;
    ``effective``, how many codes count at the largest K, ``largest``; ``missing``, rows left out
    for a NaN, which can only be those of small ratios, so that the power is then too flat.
    """
    largest = codes[codes["samples"] == codes["samples"].max()]
    counted = largest.rename(columns={"samples": "largest"}).set_index("state")
    counted = counted.drop(columns="images")
    rows = []
    for key, part in table.groupby(CELL, sort=False):
        cell = dict(zip(CELL, key, strict=True))
        claimed = CLAIMED[str(cell["estimator"]), str(cell["part"])]
        known = counted.loc[str(cell["state"])].to_dict()
        for along, at, fit, missing in _fits(part):
            row = cell | {"along": along, "at": at} | fit.as_slope()
            rows.append(row | {"claimed": claimed[along], "missing": missing} | known)
    return pd.DataFrame(rows)


def _fits(table: pd.DataFrame) -> Iterator[tuple[str, str, Estimate, int]]:
    """Yield along, at, the power and the rows left out, for one part under one estimator."""
    for along, held in (("batch", "samples"), ("samples", "batch")):
        yield along, ALL, *_power(table, along, held)
        for value in sorted(table[held].unique()):
            yield along, str(value), *_power(table[table[held] == value], along, held)
    budget = table.assign(budget=table["batch"] * table["samples"])
    budget = budget[budget.groupby(["seed", "budget"])["samples"].transform("nunique") > 1]
    yield "budget", ALL, *_power(budget, "samples", "budget")


def _power(whole: pd.DataFrame, along: str, held: str) -> tuple[Estimate, int]:
    """Fit one power with a level for every seed and value of what is held constant."""
    table = whole.dropna(subset=["ratio"])
    missing = len(whole) - len(table)
    if table.empty:
        return Estimate(nan, nan, nan, 0), missing
    levels = [table["seed"], table[held]]
    logs = pd.DataFrame({"x": np.log(table[along]), "y": np.log(table["ratio"])})
    centred = logs - logs.groupby(levels).transform("mean")
    slope = line_slope(centred["x"].round(12), centred["y"], table.groupby(levels).ngroups)
    return slope, missing


def at_budget(table: pd.DataFrame) -> pd.DataFrame:
    """Find, at every budget of codes B K, the K with the largest ratio, its mean over seeds.

    A row per state, estimator, images, part and budget that several cells have: ``best``, K of the
    largest ratio, and ``gain``, that over the one of the largest K (NaN where that is drowned).
    """
    rows, keys = [], [*CELL, "budget"]
    whole = table.assign(budget=table["batch"] * table["samples"])
    means = whole.groupby([*keys, "samples"], sort=False)["ratio"].mean().reset_index()
    for key, part in means.groupby(keys, sort=False):
        ratios = part.set_index("samples")["ratio"].sort_index()
        if len(ratios) > 1 and ratios.notna().any():
            gain = float(ratios.max()) / float(ratios.iloc[-1])
            rows.append((*key, ratios.idxmax(), gain))
    return pd.DataFrame(rows, columns=[*keys, "best", "gain"])
