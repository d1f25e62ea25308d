"""Rule figure_traversals: what the units of the best and the worst network of a run draw (W5)."""

import json

import numpy as np

from vaentk.experiments.latents.disentanglement import traversals
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    panels, labels = [], {}
    shown = 5  # rows, of which a small latent space has fewer
    for run, path in zip(task.params["runs"], task.files["strips"], strict=True):
        strips = io.read_arrays(path)
        for name, (latent, seed, beta, score, kl) in json.loads(io.read_note(path)).items():
            title = f"{run}, {name}: latent {latent}, seed {seed}, beta {beta:g}, score {score:.3f}"
            labels[title] = [f"KL {nats:.2f}" for nats in kl]
            # Grey images as coloured ones and as many rows, so that all runs fit one figure.
            panel = np.zeros((shown, *strips[name].shape[1:2], 3, 64, 64), np.uint8)
            panel[: len(kl)] = strips[name]
            panels.append(panel)
    words = "; ".join(task.params["labels"].values())
    drawing = traversals.draw(np.stack(panels), labels, words)
    task.save_figure(drawing.svg, drawing.alt)
