"""Scores of disentanglement at full size against disentanglement_lib's algorithms in its loops.

Codes of dSprites' grid: every other unit follows the factors, the rest all but collapsed. Both
sides score the same sample; ours draws it in its time, the loops are given it.
"""

import warnings
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score
from sklearn.svm import LinearSVC
from timing import Line, line, side_by_side

from vaentk.data.dsprites import GRID
from vaentk.metrics import beta_vae, factor_vae, mig, sap
from vaentk.metrics.sampling import Batches, Points, Split

REPETITIONS: Final = {10: 5, 200: 1}  # by latent size; the loops take a minute at the larger
AGAINST: Final = "disentanglement_lib's loops"


def metrics() -> list[Line]:
    return [row for latent in REPETITIONS for row in _scores(_codes(latent))]


def _scores(codes: np.ndarray) -> list[Line]:
    """One line a metric, with both scores, and one for all four."""
    lines, times = [], []
    for name, draw, score, loops in METRICS:
        what, seconds = _timed(name, draw, score, loops, codes)
        lines.append(line(what, AGAINST, *seconds, "s", 1))
        times.append(seconds)
    what = f"four scores of disentanglement, latent {codes.shape[1]}"
    return [*lines, line(what, AGAINST, *np.sum(times, axis=0).tolist(), "s", 5)]


def _timed(
    name: str,
    draw: Callable[[np.random.Generator], Any],
    score: Callable[..., float],
    loops: Callable[..., float],
    codes: np.ndarray,
) -> tuple[str, list[float]]:
    tensor, drawn, scores = torch.from_numpy(codes), draw(_generator()), {}

    def ours() -> None:
        scores["ours"] = score(tensor, draw(_generator()))

    def theirs() -> None:
        scores["theirs"] = loops(codes, drawn)

    seconds = side_by_side(ours, theirs, repetitions=REPETITIONS[codes.shape[1]])
    what = f"{name}, latent {codes.shape[1]}: {scores['ours']:.4f} and {scores['theirs']:.4f}"
    return what, seconds


def _generator() -> np.random.Generator:
    return np.random.default_rng(0)


def _codes(latent: int) -> np.ndarray:
    generator = torch.Generator().manual_seed(0)
    values = torch.from_numpy(GRID.values(np.arange(len(GRID)))).float()
    values = (values - values.mean(dim=0)) / values.std(dim=0)
    mixing = torch.randn(values.shape[1], latent, generator=generator) ** 3
    codes = torch.randn(len(GRID), latent, generator=generator).mul_(0.3)
    codes += (values @ mixing).tanh_()
    codes[:, 1::2] *= 0.01
    return codes.numpy()


def _beta_vae(codes: np.ndarray, sample: beta_vae.Sample) -> float:
    def points(batches: Batches) -> np.ndarray:
        found = np.zeros((len(batches.factors), codes.shape[1]))
        for i, (first, second) in enumerate(batches.numbers):
            found[i] = np.mean(np.abs(codes[first] - codes[second]), axis=0)
        return found

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # as in ours: a hundred iterations
        model = LogisticRegression().fit(points(sample.train), sample.train.factors)
    return float(model.score(points(sample.test), sample.test.factors))


def _factor_vae(codes: np.ndarray, sample: factor_vae.Sample) -> float:
    spread = np.var(codes[sample.numbers], axis=0, ddof=1)
    active = np.sqrt(spread) >= 0.05

    def votes(batches: Batches) -> np.ndarray:
        counts = np.zeros((len(GRID.sizes), codes.shape[1]), dtype=np.int64)
        for factor, batch in zip(batches.factors, batches.numbers, strict=True):
            local = np.var(codes[batch], axis=0, ddof=1)
            counts[factor, np.argmin(local[active] / spread[active])] += 1
        return counts

    majority = np.argmax(votes(sample.train), axis=0)
    test = votes(sample.test)
    return float(test[majority, np.arange(len(majority))].sum() / test.sum())


def _mig(codes: np.ndarray, sample: Points) -> float:
    x, factors = codes[sample.numbers].T, sample.values.T
    information = np.zeros((len(x), len(factors)))
    for i, code in enumerate(x):
        binned = np.digitize(code, np.histogram(code, 20)[1][:-1])
        for j, factor in enumerate(factors):
            information[i, j] = mutual_info_score(factor, binned)
    entropy = [mutual_info_score(factor, factor) for factor in factors]
    return float(np.mean(_lead(information) / entropy))


def _sap(codes: np.ndarray, sample: Split) -> float:
    x, x_test = codes[sample.train.numbers], codes[sample.test.numbers]
    accuracy = np.zeros((codes.shape[1], len(GRID.sizes)))
    for i in range(accuracy.shape[0]):
        for j in range(accuracy.shape[1]):
            # The default of its day was the dual method.
            machine = LinearSVC(C=0.01, class_weight="balanced", dual=True, random_state=0)
            machine.fit(x[:, i, None], sample.train.values[:, j])
            right = machine.predict(x_test[:, i, None]) == sample.test.values[:, j]
            accuracy[i, j] = np.mean(right)
    return float(np.mean(_lead(accuracy)))


def _lead(scores: np.ndarray) -> np.ndarray:
    ranked = np.sort(scores, axis=0)
    return ranked[-1] - ranked[-2]


TRAIN, TEST = 10_000, 5_000
METRICS: Final = (
    ("BetaVAE", lambda g: beta_vae.draw(GRID, g, TRAIN, TEST), beta_vae.score, _beta_vae),
    (
        "FactorVAE",
        lambda g: factor_vae.draw(GRID, g, TRAIN, TRAIN, TEST),
        factor_vae.score,
        _factor_vae,
    ),
    ("MIG", lambda g: Points.draw(GRID, TRAIN, g), mig.score, _mig),
    ("SAP", lambda g: Split.draw(GRID, TRAIN, TEST, g), sap.score, _sap),
)
