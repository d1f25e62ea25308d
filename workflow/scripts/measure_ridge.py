"""Rule measure_ridge: which ridge the trained networks meet, and how fast with the width (W3)."""

import pandas as pd

from vaentk.experiments.ntk.ridge import Ridge
from vaentk.experiments.ntk.ridge import measure as ridge
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    settings = Ridge.from_plain(task.params["settings"])
    cases = settings.variants()
    inputs = io.read_arrays(task.inputs["inputs"])
    setting = ridge.Setting.of(
        settings.activation, settings.sigma0, inputs["x"], inputs["x_held_out"]
    )
    trained = [
        (io.read_table(records), io.read_arrays(outputs))
        for records, outputs in zip(task.files["records"], task.files["outputs"], strict=True)
    ]
    errors = pd.concat(ridge.errors(setting, cases, *width) for width in trained)
    paths = pd.concat(ridge.path(setting, cases, *width) for width in trained)
    io.write_table(errors, task.outputs["errors"])
    io.write_table(paths, task.outputs["path"])
    io.write_table(ridge.summary(errors), task.outputs["summary"])
    io.write_table(ridge.slopes(errors, paths, settings.slope_widths), task.outputs["slopes"])
    bound = ridge.error_term(setting, errors, settings.activation, settings.sigma0)
    io.write_table(bound, task.outputs["error_term"])
    io.write_table(ridge.displacements(errors, setting.x), task.outputs["displacements"])
    pictures = ridge.pictures(setting, cases, *trained[-1], inputs["labels_held_out"])
    io.write_arrays(pictures, task.outputs["pictures"])
