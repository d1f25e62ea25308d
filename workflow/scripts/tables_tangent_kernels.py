"""Rule tables_tangent_kernels: the kernels by width, powers of the width, Lemma 2's width (W1)."""

from vaentk import io, job, tables

with job.running(snakemake) as task:
    initial = tables.tangent_kernels(task.tables("initial"))
    io.write_table(initial, task.outputs["tangent_kernels"])
    io.write_table(tables.stack(task.tables("slopes")), task.outputs["slopes"])
    io.write_table(tables.stack(task.tables("lemma2_width")), task.outputs["lemma2"])
