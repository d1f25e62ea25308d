"""S1's measures: `rates`, `noise` of the estimators, constants of the `bound`, and `betas`."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from vaentk.experiments.convergence.linear_vae import LinearVae, betas, bound, noise, rates
from vaentk.experiments.convergence.linear_vae.problem import problem_of


def measure(
    settings: LinearVae, *, records: Mapping[str, pd.DataFrame], marks: Mapping[str, pd.DataFrame]
) -> dict[str, Any]:
    """Measure what the trainings of all optimisers reached, and the noise of their gradients."""
    trained = pd.concat(records.values(), ignore_index=True)
    visited = pd.concat(marks.values(), ignore_index=True)
    problem = problem_of(settings)
    variances = noise.variances(settings, problem)
    units = betas.units_used(problem, settings.betas)
    by_beta, trends = betas.compared(trained, settings.threshold, units)
    return {
        "curves": rates.curves(trained),
        "slopes": rates.slopes(trained),
        "dependence": rates.dependence(trained),
        "noise": noise.summary(variances),
        "noise_slopes": noise.slopes(variances),
        "constants": bound.constants(trained, visited, settings),
        "beta_curves": betas.relative_curves(trained),
        "betas": by_beta,
        "beta_trends": trends,
    }
