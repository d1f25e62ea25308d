"""Rule tables_discovery: attributes that single units carry, and each network in short (W6)."""

from vaentk.tables import representations

from vaentk.experiments import stacking
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    found = representations.discovery(task.tables("attributes"), task.tables("compared"))
    io.write_table(found, task.outputs["discovery"])
    io.write_table(stacking.stack(task.tables("summary")), task.outputs["discovery_summary"])
