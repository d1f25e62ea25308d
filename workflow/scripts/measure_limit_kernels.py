"""Rule measure_limit_kernels: Lemma 1's kernels and their extreme eigenvalues (W1)."""

import numpy as np

from vaentk.experiments.ntk.limit_kernels import LimitKernels
from vaentk.experiments.ntk.limit_kernels import measure as limit_kernels
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    settings = LimitKernels.from_plain(task.params["settings"])
    inputs = io.read_arrays(task.inputs["inputs"])
    by_digit = np.argsort(inputs["labels"], kind="stable")
    table, kernels = limit_kernels.measure(settings, inputs["x"][by_digit])
    io.write_table(table, task.outputs["eigenvalues"])
    middle = settings.sigma0[len(settings.sigma0) // 2]
    variance = limit_kernels.latent_variance(inputs["x"], middle)
    io.write_table(variance, task.outputs["variance"])
    labels = {"labels": inputs["labels"][by_digit]}
    io.write_arrays(kernels | labels, task.outputs["kernels"])
