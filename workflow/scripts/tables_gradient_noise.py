"""Rule tables_gradient_noise: powers of B and K in the gradients' noise, and the best K (S5)."""

from vaentk.tables import convergence

from vaentk.runtime import io, job

with job.running(snakemake) as task:
    powers = convergence.gradient_noise(task.tables("exponents"))
    io.write_table(powers, task.outputs["gradient_noise"])
    budgets = convergence.gradient_noise_budgets(task.tables("budgets"))
    io.write_table(budgets, task.outputs["gradient_noise_budgets"])
