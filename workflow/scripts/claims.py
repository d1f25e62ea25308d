"""Rule claims: test every statement, list what was assumed, put numbers to the remarks."""

import yaml

from vaentk.claims import evaluation as claims
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    measures = {
        job.declared_name(path).removeprefix("results/measure/"): io.read_table(path)
        for path in task.files.get("measures", [])
    }
    rows = yaml.safe_load(io.read_text(task.inputs["claims"]))
    verdicts = claims.evaluate(rows, measures, task.params["configuration"])
    io.write_table(verdicts, task.outputs["claims"])
    open_choices = yaml.safe_load(io.read_text(task.inputs["assumptions"]))
    assumed = claims.assumptions(open_choices, task.params["settings"])
    io.write_table(assumed, task.outputs["assumptions"])
    noted = yaml.safe_load(io.read_text(task.inputs["remarks"]))
    remarks = claims.remarks(noted, measures, task.params["configuration"])
    io.write_table(remarks, task.outputs["remarks"])
