"""Rule figure_gradient_noise_exponents: signal-to-noise beside theory's powers of B and K (S5)."""

from vaentk.experiments.convergence.gradient_noise import exponents as gradient_noise_exponents
from vaentk.runtime import job

with job.running(snakemake) as task:
    drawing = gradient_noise_exponents.draw(
        task.tables("ratios"), task.tables("exponents"), task.params["labels"]
    )
    task.save_figure(drawing.svg, drawing.alt)
