"""Rule train_tangent_kernels: the kernel of one width, at the start and along training (W1)."""

from pathlib import Path

from vaentk.activations import ACTIVATIONS
from vaentk.experiments.ntk.tangent_kernels import TangentKernels
from vaentk.experiments.ntk.tangent_kernels.measure import observe
from vaentk.kernels.limit import least_eigenvalue, limit_kernels
from vaentk.runtime import checkpoints, io, job, members
from vaentk.training.problem import Problem

# Worker processes import this file again under another name.
if __name__ == "__main__":
    with job.running(snakemake) as task:
        settings = TangentKernels.from_plain(task.params["settings"])
        x = io.read_arrays(task.inputs["inputs"])["x"]
        width = int(snakemake.wildcards.width)
        limit = limit_kernels(ACTIVATIONS[settings.activation], settings.sigma0, x)
        duration = settings.horizon * len(x) / least_eigenvalue(limit.total)
        problem = Problem(settings, width, x, task.params["dtype"], task.device, duration)
        folder = Path(f"results/train/tangent_kernels/{snakemake.wildcards.run}/{width}.checkpoint")
        records, _ = members.train_variants({"base": problem}, task, folder, observe=observe)
        io.write_table(records, task.outputs["records"])
        checkpoints.forget(folder)
