"""Rule tables_tangent_kernels: the kernels by width, powers of the width, Lemma 2's width (W1)."""

from vaentk.tables import overparameterised

from vaentk.experiments import stacking
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    initial = overparameterised.tangent_kernels(task.tables("initial"))
    io.write_table(initial, task.outputs["tangent_kernels"])
    io.write_table(stacking.stack(task.tables("slopes")), task.outputs["slopes"])
    io.write_table(stacking.stack(task.tables("lemma2_width")), task.outputs["lemma2"])
