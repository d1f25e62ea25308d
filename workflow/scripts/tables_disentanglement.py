"""Rule tables_disentanglement: Figure 3's scores with their nulls, and their trends (W5)."""

from vaentk import io, job, tables

with job.running(snakemake) as task:
    scores = tables.disentanglement(task.tables("scores"), task.tables("summary"))
    io.write_table(scores, task.outputs["disentanglement"])
    trends = tables.disentanglement_trends(task.tables("trends"))
    io.write_table(trends, task.outputs["disentanglement_trends"])
