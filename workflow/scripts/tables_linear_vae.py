"""Rule tables_linear_vae: exponents, gradient noise, constants and betas of S1."""

from vaentk.tables import convergence

from vaentk.experiments import stacking
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    slopes = convergence.linear_vae_slopes(task.tables("slopes"))
    io.write_table(slopes, task.outputs["slopes"])
    noise = convergence.linear_vae_noise(task.tables("noise_slopes"), task.tables("dependence"))
    io.write_table(noise, task.outputs["noise"])
    io.write_table(stacking.stack(task.tables("constants")), task.outputs["constants"])
    betas = convergence.linear_vae_betas(task.tables("betas"), task.tables("beta_trends"))
    io.write_table(betas, task.outputs["betas"])
