"""Rule tables_discovery: attributes that single units carry, and each network in short (W6)."""

from vaentk import io, job, tables

with job.running(snakemake) as task:
    found = tables.discovery(task.tables("attributes"), task.tables("compared"))
    io.write_table(found, task.outputs["discovery"])
    io.write_table(tables.stack(task.tables("summary")), task.outputs["discovery_summary"])
