"""Rule train_linear_rate: one width of Eq. 2's network on Eq. 7, all variants (W2, X1-X3)."""

from dataclasses import replace
from pathlib import Path

from vaentk.config import settings_of
from vaentk.experiments.ntk.variants import limit_kernel
from vaentk.kernels.limit import least_eigenvalue
from vaentk.runtime import checkpoints, io, job, members
from vaentk.training.problem import Problem, inputs_of

# Worker processes import this file again under another name.
if __name__ == "__main__":
    with job.running(snakemake) as task:
        kind, run = snakemake.wildcards.kind, snakemake.wildcards.run
        settings = settings_of(kind, task.params["settings"])
        stored = io.read_arrays(task.inputs["inputs"])
        width = int(snakemake.wildcards.width)
        problems = {}
        for name, case in settings.variants().items():
            x = inputs_of(case.inputs, stored, settings.inputs)
            duration = case.horizon * len(x) / least_eigenvalue(limit_kernel(case, x))
            problems[name] = Problem(case, width, x, task.params["dtype"], task.device, duration)
        if settings.common_time:
            longest = max(problem.duration for problem in problems.values())
            problems = {name: replace(p, duration=longest) for name, p in problems.items()}
        folder = Path(f"results/train/{kind}/{run}/{width}.checkpoint")
        records, outputs = members.train_variants(
            problems, task, folder, keep_outputs=True, common_step=settings.common_step
        )
        io.write_table(records, task.outputs["records"])
        io.write_arrays(outputs, task.outputs["outputs"])
        checkpoints.forget(folder)
