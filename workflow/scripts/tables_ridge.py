"""Rule tables_ridge: Theorem 2's three ridges, powers of the width, error term, penalty (W3)."""

from vaentk.tables import overparameterised

from vaentk.runtime import io, job

with job.running(snakemake) as task:
    io.write_table(overparameterised.ridge(task.tables("summary")), task.outputs["ridge"])
    io.write_table(overparameterised.ridge_slopes(task.tables("slopes")), task.outputs["slopes"])
    terms = overparameterised.ridge_error_term(task.tables("error_term"))
    io.write_table(terms, task.outputs["error_term"])
    displacements = overparameterised.ridge_displacements(task.tables("displacements"))
    io.write_table(displacements, task.outputs["displacements"])
