"""Rule measure_least_width: the width from which the kernel's prediction holds (X3)."""

from vaentk.experiments.ntk import variants
from vaentk.experiments.ntk.least_width import LeastWidth
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    settings = LeastWidth.from_plain(task.params["settings"])
    members = io.read_table(task.inputs["members"])
    widths = variants.least_width(members, settings.tolerance)
    io.write_table(widths, task.outputs["least_width"])
    io.write_table(variants.least_width_slopes(widths), task.outputs["slopes"])
