"""Rule tables_disentanglement: Figure 3's scores with their nulls, and their trends (W5)."""

from vaentk.tables import representations

from vaentk.runtime import io, job

with job.running(snakemake) as task:
    scores = representations.disentanglement(task.tables("scores"), task.tables("summary"))
    io.write_table(scores, task.outputs["disentanglement"])
    trends = representations.disentanglement_trends(task.tables("trends"))
    io.write_table(trends, task.outputs["disentanglement_trends"])
