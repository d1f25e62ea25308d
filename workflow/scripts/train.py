"""Rules train_*: one training job of an experiment."""

from vaentk.runtime import job

# Worker processes import this file again under another name.
if __name__ == "__main__":
    with job.running(snakemake) as task:
        settings = task.settings(task.params["settings"])
        [part] = [p for p in task.params["parts"] if str(p) == snakemake.wildcards.part]
        given = {name: task.opened(name) for name in task.params["given"]}
        task.save(task.functions["train"](settings, part, task=task, **given))
        task.forget_checkpoints()
