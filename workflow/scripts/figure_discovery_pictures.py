"""Rule figure_discovery_pictures: what units draw, what the wide network finds, a gallery (W6)."""

import json

import pandas as pd

from vaentk.experiments.latents.discovery import faces
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    [words] = task.params["labels"].values()
    path = task.inputs["pictures"]
    pictures, told = io.read_arrays(path), json.loads(io.read_note(path))
    title = f"{faces.extent(words, told['images'], told['official'])}, seed {told['seed']}"
    units = {int(latent): pd.DataFrame(rows) for latent, rows in told["units"].items()}
    galleries = {}
    for latent in units:
        start = f"gallery/{latent}/"
        own = {name: image for name, image in pictures.items() if name.startswith(start)}
        galleries[latent] = {name.removeprefix(start): image for name, image in own.items()}
    strips = {latent: pictures[f"units/{latent}"] for latent in units}
    found, sizes = pd.DataFrame(told["found"]), (told["wide"], told["narrow"])
    drawings = {
        "found": faces.draw_found(pictures["found"], found, sizes, title),
        "units": faces.draw_units(strips, units, title),
        "gallery": faces.draw_gallery(galleries, title),
    }
    for name, drawing in drawings.items():
        task.save_figure(drawing.svg, drawing.alt, name)
