"""Rule measure_linear_rate: Theorem 1's bound and the kernel's prediction, on every width (W2)."""

import pandas as pd

from vaentk import io, job
from vaentk.activations import ACTIVATIONS
from vaentk.analysis import linear_rate
from vaentk.config import LinearRate
from vaentk.kernels.limit import least_eigenvalue, limit_kernels

with job.running(snakemake) as task:
    settings = LinearRate.from_plain(task.params["settings"])
    x = io.read_arrays(task.inputs["inputs"])["x"]
    kernel = limit_kernels(ACTIVATIONS[settings.activation], settings.sigma0, x).total
    records = [io.read_table(path) for path in task.files["records"]]
    outputs = [io.read_arrays(path) for path in task.files["outputs"]]
    curves = pd.concat(
        linear_rate.curves(record, output, x, kernel).assign(width=record["width"].iloc[0])
        for record, output in zip(records, outputs, strict=True)
    )
    lambda_0 = least_eigenvalue(kernel)
    final = pd.concat(records).groupby(["width", "seed"], as_index=False).last()
    members = linear_rate.members(curves, final, lambda_0, x)
    io.write_table(curves, task.outputs["curves"])
    io.write_table(linear_rate.summary(curves, lambda_0, len(x)), task.outputs["summary"])
    io.write_table(members, task.outputs["members"])
    slopes = linear_rate.slopes(members, settings.slope_widths)
    io.write_table(slopes, task.outputs["slopes"])
