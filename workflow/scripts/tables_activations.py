"""Rule tables_activations: eigenvalues, distances and late rates by activation (X1)."""

from vaentk import io, job, tables

with job.running(snakemake) as task:
    table = tables.activations(task.tables("members"), task.tables("summary"))
    io.write_table(table, task.outputs["activations"])
