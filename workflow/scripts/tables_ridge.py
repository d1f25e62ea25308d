"""Rule tables_ridge: Theorem 2's three ridges, powers of the width, error term, penalty (W3)."""

from vaentk import io, job, tables

with job.running(snakemake) as task:
    io.write_table(tables.ridge(task.tables("summary")), task.outputs["ridge"])
    io.write_table(tables.ridge_slopes(task.tables("slopes")), task.outputs["slopes"])
    terms = tables.ridge_error_term(task.tables("error_term"))
    io.write_table(terms, task.outputs["error_term"])
    displacements = tables.ridge_displacements(task.tables("displacements"))
    io.write_table(displacements, task.outputs["displacements"])
