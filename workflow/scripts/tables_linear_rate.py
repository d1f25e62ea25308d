"""Rule tables_linear_rate: Theorem 1 by width, powers of the width, and Lemma 4's bound (W2)."""

from vaentk.tables import overparameterised

from vaentk.experiments import stacking
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    summary = overparameterised.linear_rate(task.tables("summary"))
    io.write_table(summary, task.outputs["linear_rate"])
    io.write_table(stacking.stack(task.tables("slopes")), task.outputs["slopes"])
    lemma4 = overparameterised.linear_rate_lemma4(task.tables("members"))
    io.write_table(lemma4, task.outputs["lemma4"])
