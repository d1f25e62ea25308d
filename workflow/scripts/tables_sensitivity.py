"""Rule tables_sensitivity: Figure 2's slopes by variant, a row each (W4)."""

from vaentk.tables import overparameterised

from vaentk.runtime import io, job

with job.running(snakemake) as task:
    table = overparameterised.sensitivity(task.tables("slopes"), task.tables("worst"))
    io.write_table(table, task.outputs["sensitivity"])
