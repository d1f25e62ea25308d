"""Rule measure_linear_rate: Theorem 1's bound and the kernels' predictions, on every width (W2)."""

from functools import partial

import pandas as pd

from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.linear_rate import measure as linear_rate
from vaentk.experiments.ntk.variants import limit_kernel
from vaentk.kernels.limit import least_eigenvalue
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    settings = LinearRate.from_plain(task.params["settings"])
    x = io.read_arrays(task.inputs["inputs"])["x"]
    kernel = limit_kernel(settings, x)
    records = pd.concat(map(io.read_table, task.files["records"]), ignore_index=True)
    own = partial(linear_rate.empirical_residuals, settings, x)
    curves = pd.concat(
        linear_rate.curves(record, io.read_arrays(path, under="base"), x, kernel, own)
        for (_, record), path in zip(
            records.groupby("width", sort=False), task.files["outputs"], strict=True
        )
    )
    lambda_0 = least_eigenvalue(kernel)
    final = records.groupby(["width", "seed"], as_index=False).last()
    members = linear_rate.members(curves, final, lambda_0, x)
    io.write_table(curves, task.outputs["curves"])
    io.write_table(linear_rate.summary(curves, lambda_0, len(x)), task.outputs["summary"])
    io.write_table(members, task.outputs["members"])
    slopes = linear_rate.slopes(members, settings.slope_widths)
    io.write_table(slopes, task.outputs["slopes"])
