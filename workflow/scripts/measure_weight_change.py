"""Rule measure_weight_change: Figure 2's changes, and their slopes against the width (W4)."""

import pandas as pd

from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.experiments.ntk.weight_change import measure as weight_change
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    settings = WeightChange.from_plain(task.params["settings"])
    records = pd.concat(map(io.read_table, task.files["records"]), ignore_index=True)
    outputs = settings.inputs.outputs
    changes = weight_change.changes(records)
    io.write_table(changes, task.outputs["changes"])
    slopes = weight_change.slopes(changes, settings.slope_widths, outputs)
    io.write_table(slopes, task.outputs["slopes"])
    io.write_table(weight_change.local_slopes(changes, outputs), task.outputs["local_slopes"])
    stability = weight_change.stability(records, settings)
    io.write_table(stability, task.outputs["stability"])
