"""Rule train_linear_vae: all trainings of S1 by one optimiser, hundreds of runs side by side."""

from pathlib import Path

from vaentk.experiments.convergence.linear_vae import LinearVae
from vaentk.runtime import checkpoints, io, job, linear_runs

with job.running(snakemake) as task:
    settings = LinearVae.from_plain(task.params["settings"])
    optimiser = snakemake.wildcards.optimiser
    folder = Path(f"results/train/linear_vae/{snakemake.wildcards.run}/{optimiser}.checkpoint")
    records, marks = linear_runs.train_variants(settings, optimiser, task, folder)
    io.write_table(records, task.outputs["records"])
    io.write_table(marks, task.outputs["marks"])
    checkpoints.forget(folder)
