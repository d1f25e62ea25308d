"""Rule train_weight_change: all seeds of one width of Figure 2's network (W4)."""

from pathlib import Path

from vaentk import io, job, members
from vaentk.config import WeightChange
from vaentk.training.problem import Problem
from vaentk.training.schedule import paper_duration

# Worker processes import this file again under another name.
if __name__ == "__main__":
    with job.running(snakemake) as task:
        settings = WeightChange.from_plain(task.params["settings"])
        x = io.read_arrays(task.inputs["inputs"])["x"]
        width = int(snakemake.wildcards.width)
        duration = paper_duration(
            settings.steps, settings.learning_rate, x.shape[1], settings.reduction
        )
        problem = Problem(settings, width, x, task.params["dtype"], task.device, duration)
        folder = Path(f"results/train/weight_change/{snakemake.wildcards.run}/{width}.checkpoint")
        result = members.train(problem, task, folder)
        io.write_table(result.frame(width), task.outputs["records"])
        members.forget_checkpoints(folder)
