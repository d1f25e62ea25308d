"""Rule figure_discovery_units: what the units of the largest KL draw (W6)."""

import json

import pandas as pd

from vaentk import io, job
from vaentk.figures import faces

with job.running(snakemake) as task:
    [words] = task.params["labels"].values()
    path = task.inputs["pictures"]
    pictures, told = io.read_arrays(path), json.loads(io.read_note(path))
    units = {int(latent): pd.DataFrame(rows) for latent, rows in told["units"].items()}
    strips = {latent: pictures[f"units/{latent}"] for latent in units}
    drawing = faces.draw_units(strips, units, f"{words}, seed {told['seed']}")
    task.save_figure(drawing.svg, drawing.alt)
