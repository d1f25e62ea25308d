"""Rule tables_frozen_sigma: W_sigma trained and frozen, by width (X2)."""

from vaentk.tables import overparameterised

from vaentk.runtime import io, job

with job.running(snakemake) as task:
    table = overparameterised.frozen_sigma(task.tables("summary"), task.tables("difference"))
    io.write_table(table, task.outputs["frozen_sigma"])
