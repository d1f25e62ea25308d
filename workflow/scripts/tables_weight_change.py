"""Rule tables_weight_change: Figure 2's powers, and how each width was trained (W4)."""

from vaentk.tables import overparameterised

from vaentk.experiments import stacking
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    slopes = overparameterised.weight_change_slopes(task.tables("slopes"))
    io.write_table(slopes, task.outputs["slopes"])
    io.write_table(stacking.stack(task.tables("stability")), task.outputs["stability"])
