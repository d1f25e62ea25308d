"""Rules show_*: all figures and tables of an experiment."""

from vaentk.experiments.declaration import Runs
from vaentk.runtime import job

with job.running(snakemake) as task:
    settings = {run: task.settings(plain) for run, plain in task.params["settings"].items()}
    runs = Runs(settings, task.params["data"])
    for name, measures in task.params["figures"].items():
        by_run = [task.opened(measure, list(settings)) for measure in measures]
        drawing = task.functions[f"figures_{name}"](*by_run, runs=runs)
        task.save_figure(drawing.svg, drawing.alt, f"figures_{name}")
    for name, measures in task.params["tables"].items():
        by_run = [task.opened(measure, list(settings)) for measure in measures]
        task.save({f"tables_{name}": task.functions[f"tables_{name}"](*by_run)})
