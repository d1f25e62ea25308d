"""Traversals: what one latent unit draws while the others stay, a strip a unit."""

import json
from collections.abc import Mapping

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Runs
from vaentk.figures.image_panels import Panel, draw
from vaentk.figures.style import Drawing


def traversals(strips: Mapping[str, Stored], *, runs: Runs) -> Drawing:
    """Draw the strips of the best and the worst network of every run, as many beside as fit."""
    panels = []
    for run, stored in strips.items():
        for name, (latent, seed, beta, score, kl) in json.loads(stored.note).items():
            network = f"latent {latent}, seed {seed}, beta {beta:g}, score {score:.3f}"
            labels = [f"KL {nats:.2f}" for nats in kl]
            panels.append(Panel(f"{run}, {name}: {network}", [(labels, stored.arrays[name])]))
    described = "; ".join(f"{panel.heading}, rows {', '.join(panel.labels)}" for panel in panels)
    alt = (
        f"{runs.label}: traversals, a row of {panels[0].groups[0][1].shape[1]} images for every "
        f"unit as its value rises from left to right. {described}."
    )
    return draw(panels, runs.label, alt, traversals=True)
