"""Rules measure_*: all measures of one run of an experiment."""

from vaentk.runtime import job

with job.running(snakemake) as task:
    settings, trained = task.settings(task.params["settings"]), task.params["trained"]
    given = {
        name: task.opened(name, task.params["parts"] if name in trained else None)
        for name in task.params["given"]
    }
    task.save(task.functions["measure"](settings, **given))
    task.forget_checkpoints()
