"""Rule claims: test every statement, list what was assumed, put numbers to the remarks."""

from vaentk import strict_yaml
from vaentk.claims.assumptions import assumptions
from vaentk.claims.remarks import remarks
from vaentk.claims.verdicts import evaluate
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    measures = {
        job.declared_name(path).removeprefix("results/measure/"): io.read_table(path)
        for path in task.files.get("measures", [])
    }
    rows = {
        name: strict_yaml.read(io.read_text(task.inputs[name]), f"config/{name}.yaml")
        for name in ("claims", "assumptions", "remarks")
    }
    name, settings = task.params["configuration"], task.params["settings"]
    io.write_table(
        evaluate(rows["claims"], measures, name, settings["experiments"]), task.outputs["claims"]
    )
    io.write_table(assumptions(rows["assumptions"], settings), task.outputs["assumptions"])
    io.write_table(remarks(rows["remarks"], measures, name), task.outputs["remarks"])
