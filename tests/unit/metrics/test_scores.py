"""All scores together: each metric's own, on samples that a metric put last leaves as they are."""

import numpy as np
import pytest
import torch

from vaentk.data.grid import Grid
from vaentk.metrics import beta_vae, dci, factor_vae, mig, sap, scores
from vaentk.metrics.sampling import Points, Split


@pytest.mark.parametrize("dci_points", [(40, 20), (30, 30)])
def test_every_score_is_its_metrics_whatever_dci_draws(
    grid: Grid, partly: torch.Tensor, dci_points: tuple[int, int]
) -> None:
    samples = scores.draw(grid, (50, 25), dci_points, np.random.default_rng(3))
    generator = np.random.default_rng(3)
    expected = {
        "beta_vae": beta_vae.score(partly, beta_vae.draw(grid, generator, 50, 25)),
        "factor_vae": factor_vae.score(partly, factor_vae.draw(grid, generator, 50, 50, 25)),
        "mig": mig.score(partly, Points.draw(grid, 50, generator)),
        "sap": sap.score(partly, Split.draw(grid, 50, 25, generator)),
    }
    boosted = dci.score(partly, Split.draw(grid, *dci_points, generator), trees=3)
    expected["dci"] = boosted.disentanglement
    expected["dci_completeness"] = boosted.completeness
    expected["dci_informativeness"] = boosted.informativeness
    assert scores.score(partly, samples, dci_trees=3) == expected
