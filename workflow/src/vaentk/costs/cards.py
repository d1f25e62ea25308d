"""GPUs, by what is reached on them, and what a job asks of one, by counts.

Operations and bytes of an update are counted (`tests/unit/training/test_kernels_a_step.py`, and the
sizes' own ``operations``); peaks are the makers'; what part of a peak is reached is assumed until
`make gpu-check` has measured it on the card, whose file `python -m vaentk.costs.cards FILE` turns
into the line that belongs here.
"""

import json
import sys
from collections.abc import Collection
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Final


@dataclass(frozen=True)
class Card:
    """A GPU."""

    says: str
    """What its rates are and where they are from."""
    start: float
    """Seconds before a job computes."""
    launched: float
    """Seconds of launching a step's kernels one by one."""
    replayed: float
    """The same as a graph."""
    products: dict[str, float]
    """Operations a second in products of matrices and convolutions, by precision."""
    copied: float
    """Bytes a second, read and written."""


JOBS: Final = 2
"""Jobs at once on a GPU, as `profiles/default` has them."""

PRECISIONS: Final = ("float32", "tf32", "bfloat16")

ANY: Final = Card(
    "10 TFLOP/s, assumed of a card that is not known",
    start=20.0,
    launched=1.5e-3,
    replayed=2e-4,
    products=dict.fromkeys(PRECISIONS, 10e12),
    copied=inf,
)

CARDS: Final = {
    "h200": Card(
        "H200: half of its peak in float32 (67 TFLOP/s), a quarter of those in TF32 (494) and "
        "bfloat16 (989), 70% of its 4.8 TB/s; starts and launches; all of these parts assumed",
        start=12.0,
        launched=1.5e-3,
        replayed=2e-4,
        products={"float32": 33e12, "tf32": 124e12, "bfloat16": 247e12},
        copied=3.4e12,
    ),
}
"""By the name that `make plan CARD=name` takes."""


@dataclass(frozen=True)
class Load:
    """What a job asks of a GPU: whichever takes longer, its operations or its bytes."""

    steps: float
    """Times that kernels are launched."""
    operations: float
    recorded: bool = False
    """Whether a step's kernels are launched as a graph."""
    precision: str = "float32"
    traffic: float = 0.0
    """Bytes read and written."""

    def seconds(self, card: Card) -> float:
        """Time on a card, from the start of the job."""
        return card.start + self.computing(card)

    def computing(self, card: Card) -> float:
        """Time on a card once the job has started."""
        launching = self.steps * (card.replayed if self.recorded else card.launched)
        reached = card.products[self.precision]
        return launching + max(self.operations / reached, self.traffic / card.copied)


def together(loads: Collection[Load], card: Card) -> float:
    """Seconds of several jobs on one card, of which one starts while another computes."""
    if not loads:
        return 0.0
    computing = sum(load.computing(card) for load in loads)
    return card.start + max(computing, (computing + card.start * (len(loads) - 1)) / JOBS)


def refitted(measured: dict[str, Any]) -> Card:
    """Take a card's rates from what `make gpu-check` measured on it.

    ``measured`` is its file: under ``ceilings`` operations and bytes a second, under ``reached``
    operations a second of a deep VAE's updates by precision, under ``launching`` seconds of an
    update of small tensors, ``eager`` and ``graph``, and ``start`` seconds of importing and waking.
    """
    reached = {name: measured["reached"].get(name, 0.0) for name in PRECISIONS}
    return Card(
        f"measured on {measured['device']} with torch {measured['torch']}",
        start=round(measured["start"], 1),
        launched=measured["launching"]["eager"],
        replayed=measured["launching"]["graph"],
        products=reached,
        copied=0.7 * measured["ceilings"]["copy"],
    )


if __name__ == "__main__":
    print(refitted(json.loads(Path(sys.argv[1]).read_text("utf-8"))))
