"""Signal-to-noise ratios over K for encoders away from the posterior, and their powers of K."""

from collections.abc import Iterator
from math import log
from typing import Any, Final, Literal, NamedTuple

import pandas as pd
import torch
from torch import Tensor

from vaentk.bounds.bound import Weights
from vaentk.bounds.draws import generator
from vaentk.bounds.signal_to_noise import signal_to_noise
from vaentk.experiments.convergence.importance_weights import ImportanceWeights
from vaentk.experiments.convergence.linear_vae.problem import gaussian_data
from vaentk.models.linear_estimators import Estimator, estimate, importance_weights
from vaentk.models.linear_integrand import Integrand
from vaentk.models.linear_vae import LinearVae, Moments, Parameters, append_one
from vaentk.statistics.intervals import geometric_mean, mean
from vaentk.statistics.slopes import power

NOISE_NUMBERS: Final = 2**16
"""Numbers of noise that are held at once, so that they stay in a core's cache."""

CLAIMED: Final = {("iwae", "phi"): -0.5}
"""Powers of K that are not 1/2: that of the encoder under the IWAE (Rainforth et al. 2018)."""

CELL: Final = ["widening", "estimator", "alpha", "part"]


class Kind(NamedTuple):
    """How gradients are estimated; the VR-IWAE is the IWAE at ``alpha > 0``."""

    name: str
    kind: Literal["iwae", "iwae-dreg"]
    alpha: float


IWAE, DREG = Kind("iwae", "iwae", 0.0), Kind("iwae-dreg", "iwae-dreg", 0.0)


class Place(NamedTuple):
    """Where gradients are taken: a linear VAE, and B points with a one appended, (B, d + 1)."""

    model: LinearVae
    parameters: Parameters
    points: Tensor

    def repeated(self, count: int) -> "Place":
        """Put as many copies side by side."""
        tensors = (t.expand(count, *t.shape[1:]) for t in self.parameters.tensors())
        return Place(self.model, Parameters(*tensors), self.points.expand(count, -1, -1))


def measure(settings: ImportanceWeights) -> dict[str, pd.DataFrame]:
    """Measure one run: ratios by seed, their means, and the powers of K that they follow."""
    ratios = measured_ratios(settings)
    averages = summary(ratios)
    return {
        "ratios": ratios,
        "summary": averages,
        "exponents": exponents(ratios, averages, settings.upper),
    }


def measured_ratios(settings: ImportanceWeights) -> pd.DataFrame:
    """Measure one row per widening, estimator, alpha, part (theta, phi), K and seed.

    ``square`` is the squared signal-to-noise ratio, ``ratio`` its root, NaN where noise drowned the
    signal; ``effective`` is how many codes count, the mean of ``1 / sum_k w^2`` over points and
    repetitions, with the estimator's own weights w. All estimators have the same draws. The signal
    of the IWAE's encoder is that of the doubly reparametrised gradient: their means are the same,
    and the noise of the latter is much smaller where K is large.
    """
    rows = []
    for seed in settings.seeds:
        for number, widening in enumerate(settings.widenings):
            place = place_of(settings, seed, widening)
            for samples in settings.samples:
                known = {"widening": widening, "samples": samples, "seed": seed}
                key = seed, 1 + number, samples
                rows += [known | row for row in _cell(settings, place, key)]

    table = pd.DataFrame(rows)
    return table.assign(ratio=table["square"].where(table["square"] >= 0) ** 0.5)


def kinds(settings: ImportanceWeights) -> list[Kind]:
    """List the estimators of a run."""
    bounds = [Kind("vr-iwae", "iwae", alpha) for alpha in settings.alphas]
    return [IWAE, DREG, *bounds]


def place_of(settings: ImportanceWeights, seed: int, widening: float) -> Place:
    """Return the best linear VAE for a seed's data, its encoder shifted and widened.

    The encoder's mean is away from the posterior's by the shift along a random direction, in units
    of the posterior's deviations; the points are the first B of the data.
    """
    data = settings.data.but(seed=settings.data.seed + seed)
    drawn = torch.from_numpy(gaussian_data(data))
    model = LinearVae(settings.variance)
    best = model.optimum(Moments.of(drawn), settings.latent_dim)
    direction = torch.empty_like(best.s).normal_(generator=generator(drawn.device, seed, 0))
    away = settings.shift * direction / direction.norm() * (best.s / 2).exp()
    encoder = best.encoder.clone()
    encoder[..., -1] += away
    moved = Parameters(best.decoder, encoder, best.s + 2 * log(widening))
    return Place(model, moved, append_one(drawn[: settings.batch]))


def _cell(
    settings: ImportanceWeights, place: Place, key: tuple[int, int, int]
) -> Iterator[dict[str, Any]]:
    """Measure one row per estimator and part at one K, the last number of the key of the draws."""
    listed = kinds(settings)
    gradients: list[list[Weights]] = [[] for _ in listed]
    counts: list[list[Tensor]] = [[] for _ in listed]
    for noise in _drawn(settings, key):
        own = place.repeated(len(noise))
        integrand = Integrand.of(own.model, own.parameters, own.points)
        for kind, found, counted in zip(listed, gradients, counts, strict=True):
            estimator = Estimator(kind.kind, settings.batch, key[-1], alpha=kind.alpha)
            weights = importance_weights(integrand, noise, kind.alpha)
            counted.append((1 / weights.square().sum(1)).mean(1))
            found.append(as_parts(estimate(*own, noise, estimator)))
    measured = dict(zip(listed, map(signal_to_noise, gradients), strict=True))
    for kind, counted in zip(listed, counts, strict=True):
        effective = float(torch.cat(counted).mean())
        for part, ratio in measured[kind].items():
            square = ratio.square
            if kind == IWAE:
                same_mean = measured[DREG][part]
                square = same_mean.square * same_mean.noise / ratio.noise
            row = {"estimator": kind.name, "alpha": kind.alpha, "part": part}
            yield row | {"square": float(square), "effective": effective}


def as_parts(gradient: Parameters) -> Weights:
    """Name the parts of R gradients of one member as `signal_to_noise` takes them."""
    encoder = torch.cat([gradient.encoder.flatten(1), gradient.s], dim=1)
    return {"dec": gradient.decoder.flatten(1)[:, None], "enc": encoder[:, None]}


def _drawn(settings: ImportanceWeights, key: tuple[int, int, int]) -> Iterator[Tensor]:
    """Draw the noise of all repetitions in portions, (R, q, K, B) each."""
    shape = settings.latent_dim, key[-1], settings.batch
    own = generator(torch.device("cpu"), *key)
    most = max(1, NOISE_NUMBERS // (shape[0] * shape[1] * shape[2]))
    for first in range(0, settings.repetitions, most):
        count = min(most, settings.repetitions - first)
        yield torch.empty(count, *shape, dtype=torch.float64).normal_(generator=own)


def summary(ratios: pd.DataFrame) -> pd.DataFrame:
    """Average over seeds, with Student's intervals: the ratio's logarithm, and the codes' number.

    One row per widening, estimator, alpha, part and K.
    """
    rows = []
    for key, part in ratios.groupby([*CELL, "samples"], sort=False):
        row = dict(zip([*CELL, "samples"], key, strict=True))
        row |= geometric_mean(part["ratio"]).columns("ratio")
        rows.append(row | mean(part["effective"]).columns("effective"))
    return pd.DataFrame(rows)


def exponents(ratios: pd.DataFrame, averages: pd.DataFrame, upper: tuple[int, ...]) -> pd.DataFrame:
    """Fit the power of K that the ratio follows, a slope a seed: their mean, Student's interval.

    One row per widening, estimator, alpha and part, ``at`` all K and the ``upper`` ones; NaN where
    noise drowned a signal. ``claimed`` is theory's power, ``effective`` how many codes count at the
    largest K, ``largest``, with the estimator's own weights.
    """
    last = averages[averages["samples"] == averages["samples"].max()].set_index(CELL)
    counted = last[["effective", "effective_low", "effective_high"]]
    rows = []
    for key, part in ratios.groupby(CELL, sort=False):
        wide = part.pivot(index="seed", columns="samples", values="ratio")
        values = {int(str(k)): wide[k].to_numpy(float) for k in wide}
        known = dict(zip(CELL, key, strict=True))
        claimed = CLAIMED.get((str(known["estimator"]), str(known["part"])), 0.5)
        for at, chosen in (("all", values), ("upper", {k: values[k] for k in upper})):
            row = known | {"at": at} | power(chosen).as_slope() | {"claimed": claimed}
            rows.append(row | {"largest": max(values)} | counted.loc[key].to_dict())
    return pd.DataFrame(rows)
