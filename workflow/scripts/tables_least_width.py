"""Rule tables_least_width: the least width by n and sigma0, and the power of n in it (X3)."""

from vaentk.experiments import stacking
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    io.write_table(stacking.stack(task.tables("least_width")), task.outputs["least_width"])
    io.write_table(stacking.stack(task.tables("slopes")), task.outputs["slopes"])
