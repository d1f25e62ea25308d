"""Rule measure_tangent_kernels: Lemmas 1 to 3 at finite width, and what they ask of it (W1)."""

import pandas as pd

from vaentk.activations import ACTIVATIONS
from vaentk.experiments.ntk.tangent_kernels import TangentKernels
from vaentk.experiments.ntk.tangent_kernels import measure as tangent_kernels
from vaentk.kernels.limit import least_eigenvalue, limit_kernels
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    settings = TangentKernels.from_plain(task.params["settings"])
    x = io.read_arrays(task.inputs["inputs"])["x"]
    limit = limit_kernels(ACTIVATIONS[settings.activation], settings.sigma0, x)
    records = pd.concat(map(io.read_table, task.files["records"]), ignore_index=True)
    start = tangent_kernels.initial(records, limit, x.shape[1])
    training = tangent_kernels.along_training(records, least_eigenvalue(limit.total))
    slopes = tangent_kernels.slopes(start, training, settings.slope_widths)
    io.write_table(start, task.outputs["initial"])
    io.write_table(training, task.outputs["training"])
    io.write_table(slopes, task.outputs["slopes"])
    io.write_table(tangent_kernels.lemma2_width(start, len(x)), task.outputs["lemma2_width"])
