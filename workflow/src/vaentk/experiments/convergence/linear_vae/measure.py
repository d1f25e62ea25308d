"""S1, S3, S4: `rates`, `noise`, the `bound`'s constants, levels `compared`, the `objective`."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from vaentk.experiments.convergence.linear_vae import (
    LinearVae,
    bound,
    compared,
    noise,
    objective,
    rates,
)
from vaentk.experiments.convergence.linear_vae.problem import problem_of


def measure(
    settings: LinearVae, *, records: Mapping[str, pd.DataFrame], marks: Mapping[str, pd.DataFrame]
) -> dict[str, Any]:
    """Measure what the trainings of all optimisers reached, and the noise of their gradients."""
    trained = pd.concat(records.values(), ignore_index=True)
    visited = pd.concat(marks.values(), ignore_index=True)
    problem = problem_of(settings)
    variances = noise.variances(settings, problem)
    long = rates.with_since(trained)
    units = objective.regimes(objective.units_used(problem, settings.betas), settings.latent_dim)
    whole = units[units["regime"] == "all"]["beta"].tolist()
    betas = compared.compared(trained, compared.BETAS, settings.threshold, whole)
    codes = compared.compared(trained, compared.CODES, settings.threshold)
    return {
        "curves": rates.curves(long),
        "slopes": rates.slopes(long),
        "local_slopes": rates.local_slopes(long),
        "noise": noise.summary(variances),
        "noise_slopes": noise.slopes(variances),
        "constants": bound.constants(trained, visited, settings, problem),
        "beta_curves": compared.relative_curves(trained, compared.BETAS),
        "betas": betas[0].merge(units, on="beta", how="left"),
        "beta_pairs": betas[1],
        "beta_trends": betas[2],
        "smoothness": objective.smoothness(settings).merge(units, on="beta", how="left"),
        "code_curves": compared.relative_curves(trained, compared.CODES),
        "codes": codes[0],
        "code_pairs": codes[1],
    }
