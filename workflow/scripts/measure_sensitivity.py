"""Rule measure_sensitivity: Figure 2's slopes with one setting changed at a time (W4)."""

import pandas as pd

from vaentk.experiments.ntk.sensitivity import Sensitivity
from vaentk.experiments.ntk.sensitivity import measure as sensitivity
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    settings = Sensitivity.from_plain(task.params["settings"])
    records = pd.concat(map(io.read_table, task.files["records"]), ignore_index=True)
    slopes = sensitivity.slopes(records, settings)
    io.write_table(slopes, task.outputs["slopes"])
    io.write_table(sensitivity.worst(slopes), task.outputs["worst"])
