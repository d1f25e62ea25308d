"""Rule measure_discovery: attributes that single units carry, and Figure 4's pictures (W6)."""

import json

import numpy as np
import pandas as pd

from vaentk.config import settings_of
from vaentk.data.facts import PARTS
from vaentk.data.image_set import ImageSet
from vaentk.experiments.latents.discovery import latent_sizes
from vaentk.experiments.latents.discovery import measure as discovery
from vaentk.experiments.latents.discovery import pictures as portraits
from vaentk.metrics import active_units
from vaentk.models.conv_vae import ConvVAE
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    settings = settings_of("discovery", task.params["settings"])
    stored, note = io.map_tensors(task.inputs["images"]), io.read_note(task.inputs["images"])
    faces = ImageSet.of(stored, note)
    names, channels = faces.facts.attributes, faces.facts.shape[0]
    test, labels = faces.only("test"), {part: faces.only(part).attributes for part in PARTS}
    tables, summary, networks = [], [], {}
    for latent, path in zip(settings.latent, task.files["codes"], strict=True):
        arrays = io.map_tensors(path)
        for place, seed in enumerate(settings.seeds):
            known = {"latent": latent, "seed": seed}
            codes = {part: arrays[f"{part}/mean"][place] for part in PARTS}
            told = [(c.numpy(), labels[part][: len(c)].numpy()) for part, c in codes.items()]
            generator = np.random.default_rng(seed)
            table = discovery.discover(*told, names, settings.threshold, generator)
            tables.append(table.assign(**known))
            logvar = arrays["test/logvar"][place]
            units = active_units.score(codes["test"], logvar)
            known |= {"reconstruction": float(arrays["test/reconstruction"][place])}
            known |= {"kl": units.kl.sum(), "active_units": units.count}
            summary.append(known | {"carried": table["discovered"].sum()})
            if place == 0:
                one = {n[8:]: t[:1] for n, t in arrays.items() if n.startswith("weights/")}
                model = ConvVAE(channels, latent)
                networks[latent] = portraits.Network(model, one, codes["test"], logvar)
    table = pd.concat(tables, ignore_index=True)
    counts = latent_sizes.counts(table)
    counts = counts.assign(images=len(faces), official=faces.facts.official)
    io.write_table(table, task.outputs["attributes"])
    io.write_table(latent_sizes.compare(table), task.outputs["compared"])
    io.write_table(counts, task.outputs["counts"])
    io.write_table(pd.DataFrame(summary), task.outputs["summary"])
    first = table[table["seed"] == settings.seeds[0]]
    pictures, told = portraits.all_of(networks, first, names, test)
    told |= {"images": len(faces), "official": faces.facts.official, "seed": settings.seeds[0]}
    io.write_arrays(pictures, task.outputs["pictures"], json.dumps(told))
