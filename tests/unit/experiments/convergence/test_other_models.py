"""Other decoders and sequential VAEs: planted powers and growths, and a whole small run."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest

from vaentk.experiments.convergence.other_models import EXPERIMENT, OtherModels, figures, tables
from vaentk.experiments.convergence.other_models.measure import (
    curves,
    diverged,
    growth,
    kind_of,
    measure,
    slopes,
)
from vaentk.experiments.convergence.other_models.problems import models_of
from vaentk.experiments.declaration import Runs

SETTINGS = OtherModels(
    families=("bernoulli", "poisson", "poisson-clipped"),
    radii=(0.5, 1.0),
    dim=2,
    latent_dim=1,
    length=2,
    points=8,
    runs=3,
    steps=100,
    directions=4,
)


def planted(power: float, seeds: int = 4, model: str = "bernoulli") -> pd.DataFrame:
    """Mean squared gradients ``(1 + seed) n^power``."""
    rows = [
        {"model": model, "seed": seed, "step": step, "loss": 1.0}
        | dict.fromkeys(("gradient", "mean_gradient"), (1 + seed) * max(step, 1) ** power)
        for seed in range(seeds)
        for step in (0, 1, 3, 10, 30, 100, 300, 1000)
    ]
    return pd.DataFrame(rows)


def test_planted_powers_are_found_and_decide_the_rate() -> None:
    """n^(-1) is faster than log n / sqrt(n), n^(-1/4) slower; the iterate's own power is plain."""
    for power, faster in ((-1.0, True), (-0.25, False)):
        fitted = slopes(planted(power)).set_index("quantity")
        assert fitted["slope"]["gradient"] == pytest.approx(power)
        assert (fitted["high"]["ratio"] < 0) == faster
        assert (fitted["low"]["ratio"] > 0) != faster
        assert fitted["diverged"]["ratio"] == 0
        assert (fitted["step_min"]["ratio"], fitted["step_max"]["ratio"]) == (100, 1000)


def test_runs_that_diverge_are_counted_and_left_out() -> None:
    table = planted(-1.0)
    lost = (table["seed"] == 3) & (table["step"] > 10)
    table.loc[lost, ["gradient", "mean_gradient"]] = np.inf
    assert diverged(table).sum() == 8
    fitted = slopes(table).set_index("quantity").loc["ratio"]
    assert fitted["diverged"] == 0.25
    assert 0 < fitted["diverged_low"] < 0.25 < fitted["diverged_high"] < 1
    assert np.isfinite(fitted["slope"])
    assert np.isfinite(curves(table)["mean_gradient"]).all()
    alone = slopes(table[table["seed"].isin([2, 3])]).set_index("quantity").loc["ratio"]
    assert np.isnan(alone["slope"])
    assert alone["diverged"] == 0.5


def test_growth_is_by_the_same_directions() -> None:
    """Curvatures that double with the norm, sixteenfold without clipping, and with the radius."""
    rows = []
    for model, power, level in (
        ("poisson", 4, 1.0),
        ("poisson-clipped", 1, 1.0),
        ("sequential-0.50", 1, 1.0),
        ("sequential-1.00", 1, 3.0),
    ):
        for norm in (1.0, 2.0, 4.0):
            for direction in range(5):
                value = level * (1 + direction) * norm**power
                rows.append(
                    {"model": model, "norm": norm, "direction": direction, "curvature": value}
                )
    found = growth(pd.DataFrame(rows), SETTINGS).set_index(["comparison", "of"])
    assert found["ratio"]["norm", "poisson"] == pytest.approx(16)
    assert found["power"]["norm", "poisson"] == pytest.approx(4)
    assert found["ratio"]["clipping", "poisson"] == pytest.approx(8)
    radius = found.loc[("radius", "sequential-0.50 to sequential-1.00")]
    assert (radius["ratio"], radius["ratio_low"], radius["ratio_high"]) == pytest.approx((3, 3, 3))
    assert np.isnan(radius["power"])


def test_models_have_their_names_kinds_and_data() -> None:
    models = models_of(SETTINGS)
    names = ["bernoulli", "poisson", "poisson-clipped", "sequential-0.50", "sequential-1.00"]
    assert list(models) == names
    kinds = ["decoder", "unclipped", "decoder", "sequential", "sequential"]
    assert [kind_of(name) for name in names] == kinds
    assert all(model.points == 8 for model in models.values())


def test_a_small_run_has_all_measures_figures_and_tables() -> None:
    measured = measure(SETTINGS)
    assert tuple(measured) == EXPERIMENT.measures
    again = measure(SETTINGS)
    for name, table in measured.items():
        pd.testing.assert_frame_equal(table, again[name], check_exact=True)
    runs = Runs({"drawn": SETTINGS}, {"drawn": SETTINGS.label})
    own = {name: {"drawn": table} for name, table in measured.items()}
    drawings = (
        figures.other_models(own["curves"], own["slopes"], runs=runs),
        figures.other_models_curvature(own["curvatures"], runs=runs),
    )
    for drawing in drawings:
        ElementTree.fromstring(drawing.svg)
        assert "sequential-1.00" in drawing.alt
    assert "diverged" in tables.other_models(own["slopes"])
    assert len(tables.other_models_curvature(own["growth"])) == 5 + 1 + 1


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"radii": [1.0, 0.5]}, "radii is .* in rising order"),
        ({"families": [], "radii": []}, "both empty: name a model"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        OtherModels.from_plain(settings)
