"""Rule tables_limit_kernels: lambda_0 by activation and sigma0 (W1)."""

from vaentk import io, job
from vaentk.tables import stacking

with job.running(snakemake) as task:
    table = stacking.stack(task.tables("eigenvalues"))
    io.write_table(table, task.outputs["limit_kernels"])
