"""Rule tables_limit_kernels: lambda_0 by activation and sigma0 (W1)."""

from vaentk import io, job, tables

with job.running(snakemake) as task:
    table = tables.stack(task.tables("eigenvalues"))
    io.write_table(table, task.outputs["limit_kernels"])
