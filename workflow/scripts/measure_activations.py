"""Rule measure_activations: whether late rates come in the order of lambda_0 (X1)."""

from vaentk.experiments.ntk import variants
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    members = io.read_table(task.inputs["members"])
    io.write_table(variants.rank_agreement(members), task.outputs["agreement"])
