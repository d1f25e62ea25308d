"""Rule tables_activations: eigenvalues, distances and late rates by activation (X1)."""

from vaentk.tables import overparameterised

from vaentk.runtime import io, job

with job.running(snakemake) as task:
    table = overparameterised.activations(task.tables("members"), task.tables("summary"))
    io.write_table(table, task.outputs["activations"])
