"""What bounds deep VAEs reach while they are trained, on images of each part."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from torch import Generator, Tensor, ones_like, split

from vaentk.bounds.bound import Bound, Values, Weights
from vaentk.bounds.draws import generator, noise
from vaentk.bounds.images import ImageSource

SCORES: Final = 3
"""What a generator is for, beside those of `vaentk.training.deep`."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What members are measured on."""

    parts: dict[str, ImageSource]
    """Images that bounds are evaluated on, by name: ``train`` and ``held_out``."""
    codes: int
    """K of the importance-weighted bound that all variants are compared by."""
    batch: int
    """Images at once."""

    def rows(
        self,
        bound: Bound,
        weights: Weights,
        beta: Tensor,
        seeds: Sequence[int],
        codes: int,
        step: int,
    ) -> list[dict[str, float]]:
        """Measure members with weights (S, ...) that minimise a bound with ``codes`` of an image.

        Their seeds and the step determine what is drawn. One row per member has for each part of
        images, in nats, mean over images, the held-out ones' with ``held_out_`` before: ``loss``
        (what is minimised), ``reconstruction`` and ``kl``, ``negative_elbo`` (their sum, whatever
        beta), ``negative_bound`` (importance-weighted with the common K).
        """
        measured: dict[str, Tensor] = {}
        yardstick = replace(bound, estimator="iwae")
        for name, images in self.parts.items():
            prefix = "" if name == "train" else f"{name}_"
            drawn = [generator(beta.device, seed, SCORES, step) for seed in seeds]
            own = _evaluated(bound, weights, images, beta, drawn, codes, self.batch)
            common = _evaluated(
                yardstick, weights, images, ones_like(beta), drawn, self.codes, self.batch
            )
            measured[f"{prefix}loss"] = own.loss
            measured[f"{prefix}reconstruction"] = own.reconstruction
            measured[f"{prefix}kl"] = own.kl
            measured[f"{prefix}negative_elbo"] = own.reconstruction + own.kl
            measured[f"{prefix}negative_bound"] = common.loss
        columns = {name: values.double().tolist() for name, values in measured.items()}
        return [
            {name: values[place] for name, values in columns.items()} for place in range(len(seeds))
        ]


def _evaluated(
    bound: Bound,
    weights: Weights,
    source: ImageSource,
    beta: Tensor,
    generators: Sequence[Generator],
    codes: int,
    batch: int,
) -> Values:
    """Mean values over images, (S,) each, from one draw of codes."""
    values = []
    for chosen in split(source.numbers, batch):
        shape = codes, len(chosen), bound.model.latent_dim
        images = source.images(chosen)
        images = images.expand(len(generators), *images.shape)
        values.append(bound.values(weights, images, noise(shape, generators, beta), beta))
    return Values.mean_of(values)
