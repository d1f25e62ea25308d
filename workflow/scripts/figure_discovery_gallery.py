"""Rule figure_discovery_gallery: faces, reconstructions, samples and interpolations (W6)."""

import json

from vaentk import io, job
from vaentk.figures import faces

with job.running(snakemake) as task:
    [words] = task.params["labels"].values()
    path = task.inputs["pictures"]
    pictures, told = io.read_arrays(path), json.loads(io.read_note(path))
    galleries = {}
    for latent in map(int, told["units"]):
        start = f"gallery/{latent}/"
        own = {name: image for name, image in pictures.items() if name.startswith(start)}
        galleries[latent] = {name.removeprefix(start): image for name, image in own.items()}
    drawing = faces.draw_gallery(galleries, f"{words}, seed {told['seed']}")
    task.save_figure(drawing.svg, drawing.alt)
