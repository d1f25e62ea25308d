"""Rule train_linear_rate: all seeds of one width of Eq. 2's network on Eq. 7's loss (W2)."""

from pathlib import Path

from vaentk import io, job, members
from vaentk.activations import ACTIVATIONS
from vaentk.config import LinearRate
from vaentk.kernels.limit import least_eigenvalue, limit_kernels
from vaentk.training.problem import Problem

# Worker processes import this file again under another name.
if __name__ == "__main__":
    with job.running(snakemake) as task:
        settings = LinearRate.from_plain(task.params["settings"])
        x = io.read_arrays(task.inputs["inputs"])["x"]
        width = int(snakemake.wildcards.width)
        limit = limit_kernels(ACTIVATIONS[settings.activation], settings.sigma0, x)
        duration = settings.horizon * len(x) / least_eigenvalue(limit.total)
        problem = Problem(settings, width, x, task.params["dtype"], task.device, duration)
        folder = Path(f"results/train/linear_rate/{snakemake.wildcards.run}/{width}.checkpoint")
        result = members.train(problem, task, folder, keep_outputs=True)
        io.write_table(result.frame(width), task.outputs["records"])
        io.write_arrays(result.outputs, task.outputs["outputs"])
        members.forget_checkpoints(folder)
