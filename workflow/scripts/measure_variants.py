"""Rule measure_variants: Theorem 1's measures for variants of its network (X1, X2, X3)."""

import pandas as pd

from vaentk.config import settings_of
from vaentk.experiments.ntk import variants
from vaentk.runtime import io, job
from vaentk.training.problem import inputs_of

with job.running(snakemake) as task:
    settings = settings_of(snakemake.wildcards.kind, task.params["settings"])
    cases = settings.variants()
    stored = io.read_arrays(task.inputs["inputs"])
    inputs = {name: inputs_of(case.inputs, stored, settings.inputs) for name, case in cases.items()}
    records = pd.concat(map(io.read_table, task.files["records"]), ignore_index=True)
    outputs = {
        f"{width}/{key}": array
        for width, path in zip(settings.widths, task.files["outputs"], strict=True)
        for key, array in io.read_arrays(path).items()
    }
    curves, members = variants.measure(cases, inputs, records, outputs)
    io.write_table(curves, task.outputs["curves"])
    io.write_table(members, task.outputs["members"])
    io.write_table(variants.averaged(members), task.outputs["summary"])
