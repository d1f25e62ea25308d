"""Rule measure_frozen_sigma: what training W_sigma changes, beside the kernel distance (X2)."""

import pandas as pd

from vaentk.experiments.ntk import variants
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    members = io.read_table(task.inputs["members"])
    records = [io.read_table(path) for path in task.files["records"]]
    outputs = {
        f"{record['width'].iloc[0]}/{key}": array
        for record, path in zip(records, task.files["outputs"], strict=True)
        for key, array in io.read_arrays(path).items()
    }
    difference = variants.frozen_sigma(members, outputs, pd.concat(records, ignore_index=True))
    io.write_table(difference, task.outputs["difference"])
