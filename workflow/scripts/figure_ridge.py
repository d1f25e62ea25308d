"""Rule figure_ridge: the trained networks against three ridges (W3), on principal components."""

from vaentk.experiments.ntk.ridge import figures as ridge
from vaentk.runtime import job

with job.running(snakemake) as task:
    shown = task.params["components"] or task.params["runs"]
    errors, summaries, paths = (
        {run: table for run, table in task.tables(name).items() if run in shown}
        for name in ("errors", "summary", "path")
    )
    drawing = ridge.draw(errors, summaries, paths, task.params["data"])
    task.save_figure(drawing.svg, drawing.alt)
