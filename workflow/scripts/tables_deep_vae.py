"""Rule tables_deep_vae: slopes, trends and end values of deep VAEs (S2 to S4)."""

from vaentk import io, job, tables

with job.running(snakemake) as task:
    io.write_table(tables.deep_vae_slopes(task.tables("slopes")), task.outputs["deep_vae_slopes"])
    io.write_table(tables.deep_vae_trends(task.tables("trends")), task.outputs["deep_vae_trends"])
    io.write_table(tables.deep_vae_ends(task.tables("ends")), task.outputs["deep_vae_ends"])
