"""Rule measure_disentanglement: scores, nulls and active units of one run of Figure 3 (W5)."""

import json
from itertools import product

import numpy as np
import pandas as pd

from vaentk.config import settings_of
from vaentk.data.facts import Facts
from vaentk.experiments.latents.disentanglement import measure as disentanglement
from vaentk.metrics import active_units, scores
from vaentk.models import latent_traversals as traversals
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    settings = settings_of("disentanglement", task.params["settings"])
    grid, _ = traversals.part_of(Facts.of(io.read_note(task.inputs["images"])).grid, settings.every)
    samples = scores.draw(grid, settings.points, settings.dci_points, np.random.default_rng(0))
    rows, summary, strips, units = [], [], {}, {}
    for latent, codes in zip(settings.latent, task.files["codes"], strict=True):
        arrays = io.map_tensors(codes)
        for place, (seed, beta) in enumerate(product(settings.seeds, settings.betas)):
            known = {"latent": latent, "seed": seed, "beta": beta}
            networks = {name: arrays[f"{name}/mean"][place] for name in ("trained", "untrained")}
            networks["random"] = traversals.random_codes(len(grid), latent, seed)
            for network, means in networks.items():
                found = scores.score(means, samples, settings.dci_trees)
                rows += [
                    known | {"network": network, "metric": metric, "score": score}
                    for metric, score in found.items()
                ]
            logvar = arrays["trained/logvar"][place]
            found = active_units.score(networks["trained"], logvar)
            ends = {"reconstruction": float(arrays["reconstruction"][place]), "kl": found.kl.sum()}
            summary.append(known | ends | {"active_units": found.count})
            units[latent, seed, beta] = np.sort(found.kl)[::-1].tolist()
            strips[latent, seed, beta] = arrays["strips"][place].numpy()
    frame, short = pd.DataFrame(rows), pd.DataFrame(summary)
    io.write_table(frame, task.outputs["scores"])
    io.write_table(short, task.outputs["summary"])
    io.write_table(disentanglement.trends(frame, short), task.outputs["trends"])
    shown = disentanglement.extremes(frame)
    pictures = {name: strips[key[:3]] for name, key in shown.items()}
    told = {name: [*key, units[key[:3]][: traversals.ROWS]] for name, key in shown.items()}
    io.write_arrays(pictures, task.outputs["strips"], json.dumps(told))
