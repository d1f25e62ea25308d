"""Rule tables_deep_vae: slopes, trends and end values of deep VAEs (S2 to S4)."""

from vaentk.tables import convergence

from vaentk.runtime import io, job

with job.running(snakemake) as task:
    slopes = convergence.deep_vae_slopes(task.tables("slopes"))
    io.write_table(slopes, task.outputs["deep_vae_slopes"])
    trends = convergence.deep_vae_trends(task.tables("trends"))
    io.write_table(trends, task.outputs["deep_vae_trends"])
    ends = convergence.deep_vae_ends(task.tables("ends"))
    io.write_table(ends, task.outputs["deep_vae_ends"])
