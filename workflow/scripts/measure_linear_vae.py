"""Rule measure_linear_vae: rates, noise, constants and betas of one run of S1."""

import pandas as pd

from vaentk.experiments.convergence.linear_vae import LinearVae
from vaentk.experiments.convergence.linear_vae import betas as linear_betas
from vaentk.experiments.convergence.linear_vae import bound as linear_bound
from vaentk.experiments.convergence.linear_vae import noise as linear_noise
from vaentk.experiments.convergence.linear_vae import rates as linear_vae
from vaentk.runtime import io, job
from vaentk.training.linear_landmarks import problem_of

with job.running(snakemake) as task:
    settings = LinearVae.from_plain(task.params["settings"])
    records, marks = (
        pd.concat(map(io.read_table, task.files[name]), ignore_index=True)
        for name in ("records", "marks")
    )
    noise = linear_noise.measure(settings)
    units = linear_betas.units_kept(problem_of(settings), settings.betas)
    betas, trends = linear_betas.compared(records, settings.threshold, units)
    measured = {
        "curves": linear_vae.curves(records),
        "slopes": linear_vae.slopes(records),
        "dependence": linear_vae.dependence(records),
        "noise": linear_noise.summary(noise),
        "noise_slopes": linear_noise.slopes(noise),
        "constants": linear_bound.constants(records, marks, settings),
        "beta_curves": linear_betas.relative_curves(records),
        "betas": betas,
        "beta_trends": trends,
    }
    for name, table in measured.items():
        io.write_table(table, task.outputs[name])
