"""Rule train_ridge: one width of Eq. 2's network, W_mu alone on Eq. 12, every beta (W3)."""

from pathlib import Path

from vaentk.experiments.ntk.ridge import Ridge
from vaentk.experiments.ntk.ridge.measure import observe_kl
from vaentk.runtime import checkpoints, io, job, members
from vaentk.training.problem import Problem

# Worker processes import this file again under another name.
if __name__ == "__main__":
    with job.running(snakemake) as task:
        settings = Ridge.from_plain(task.params["settings"])
        stored = io.read_arrays(task.inputs["inputs"])
        x, held_out = stored["x"], stored["x_held_out"]
        width, dtype = int(snakemake.wildcards.width), task.params["dtype"]
        problems = {
            name: Problem(case, width, x, dtype, task.device, case.horizon / case.beta, held_out)
            for name, case in settings.variants().items()
        }
        folder = Path(f"results/train/ridge/{snakemake.wildcards.run}/{width}.checkpoint")
        records, outputs = members.train_variants(
            problems, task, folder, keep_outputs=True, observe=observe_kl
        )
        io.write_table(records, task.outputs["records"])
        io.write_arrays(outputs, task.outputs["outputs"])
        checkpoints.forget(folder)
