"""Rule figure_limit_kernels: Lemma 1's kernels and lambda_0 (W1), on the first run's inputs."""

from vaentk.experiments.ntk.limit_kernels import figures as limit_kernels
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    eigenvalues = io.read_table(task.inputs["eigenvalues"])
    kernels = io.read_arrays(task.inputs["kernels"])
    drawing = limit_kernels.draw(eigenvalues, kernels, task.params["data"])
    task.save_figure(drawing.svg, drawing.alt)
