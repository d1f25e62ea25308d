"""Rule figure_ridge_pictures: digits by trained networks and by ridge regression (W3)."""

from vaentk.experiments.ntk.ridge import digits as ridge_pictures
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    pictures = {
        run: io.read_arrays(path)
        for run, path in zip(task.params["runs"], task.files["pictures"], strict=True)
        if run not in task.params["components"]
    }
    drawing = ridge_pictures.draw(pictures, task.params["data"])
    task.save_figure(drawing.svg, drawing.alt)
