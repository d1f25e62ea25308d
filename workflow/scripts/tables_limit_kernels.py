"""Rule tables_limit_kernels: lambda_0 by activation and sigma0 (W1)."""

from vaentk.experiments import stacking
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    table = stacking.stack(task.tables("eigenvalues"))
    io.write_table(table, task.outputs["limit_kernels"])
