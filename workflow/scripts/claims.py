"""Rule claims: test every statement against the measures, and list what was assumed."""

import yaml

from vaentk import claims, io, job

with job.running(snakemake) as task:
    measures = {
        str(path.relative_to("results/measure")): io.read_table(path)
        for path in task.files.get("measures", [])
    }
    rows = yaml.safe_load(io.read_text(task.inputs["claims"]))
    verdicts = claims.evaluate(rows, measures, task.params["configuration"])
    io.write_table(verdicts, task.outputs["claims"])
    open_choices = yaml.safe_load(io.read_text(task.inputs["assumptions"]))
    assumed = claims.assumptions(open_choices, task.params["settings"])
    io.write_table(assumed, task.outputs["assumptions"])
