"""Rule figure_discovery_found: what the wide latent space finds and the narrow one not (W6)."""

import json

import pandas as pd

from vaentk import io, job
from vaentk.figures import faces

with job.running(snakemake) as task:
    [words] = task.params["labels"].values()
    path = task.inputs["pictures"]
    pictures, told = io.read_arrays(path), json.loads(io.read_note(path))
    found = pd.DataFrame(told["found"])
    drawing = faces.draw_found(
        pictures["found"], found, (told["wide"], told["narrow"]), f"{words}, seed {told['seed']}"
    )
    task.save_figure(drawing.svg, drawing.alt)
