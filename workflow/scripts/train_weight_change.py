"""Rule train_weight_change: one width of Figure 2's network, all variants and seeds (W4)."""

from pathlib import Path

from vaentk.config import settings_of
from vaentk.runtime import checkpoints, io, job, members
from vaentk.training.problem import Problem, inputs_of
from vaentk.training.schedule import paper_duration

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
            duration = paper_duration(case.steps, case.learning_rate, x.shape[1], case.reduction)
            problems[name] = Problem(case, width, x, task.params["dtype"], task.device, duration)
        folder = Path(f"results/train/{kind}/{run}/{width}.checkpoint")
        records, _ = members.train_variants(problems, task, folder)
        io.write_table(records, task.outputs["records"])
        checkpoints.forget(folder)
