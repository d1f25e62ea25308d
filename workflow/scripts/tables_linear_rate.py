"""Rule tables_linear_rate: Theorem 1 by width, and the powers of the width (W2)."""

from vaentk import io, job, tables

with job.running(snakemake) as task:
    summary = tables.linear_rate(task.tables("summary"))
    io.write_table(summary, task.outputs["linear_rate"])
    io.write_table(tables.stack(task.tables("slopes")), task.outputs["slopes"])
