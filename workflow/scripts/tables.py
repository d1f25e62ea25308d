"""Rules tables_*: all tables of an experiment."""

from vaentk.runtime import job

with job.running(snakemake) as task:
    for name, measures in task.params["made"].items():
        by_run = [task.opened(measure, task.params["runs"]) for measure in measures]
        task.save({name: task.functions[name](*by_run)})
