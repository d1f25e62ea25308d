"""Rule tables_least_width: the least width by n and sigma0, and the power of n in it (X3)."""

from vaentk import io, job
from vaentk.tables import stacking

with job.running(snakemake) as task:
    io.write_table(stacking.stack(task.tables("least_width")), task.outputs["least_width"])
    io.write_table(stacking.stack(task.tables("slopes")), task.outputs["slopes"])
