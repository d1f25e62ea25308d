"""Importance-weighted gradients of linear VAEs: codes that count, ratios, powers of K."""

from itertools import product
from math import exp, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from vaentk import strict_yaml
from vaentk.bounds.signal_to_noise import signal_to_noise
from vaentk.claims.verdicts import evaluate
from vaentk.experiments.convergence.importance_weights import ImportanceWeights, measure
from vaentk.experiments.convergence.importance_weights import tables as shown
from vaentk.models.linear_estimators import Estimator, estimate
from vaentk.models.linear_integrand import Integrand

CLAIMS = Path(__file__).parents[4] / "config/claims.yaml"

SMALL = ImportanceWeights.from_plain(
    {
        **{"widenings": [1.0, 2.0], "alphas": [0.5], "samples": [4, 8, 16], "repetitions": 200},
        **{"batch": 2, "seeds": [0, 1, 2]},
    }
)


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return measure.measure(SMALL)


def test_every_cell_has_a_row_and_a_repeated_run_is_the_same(
    tables: dict[str, pd.DataFrame],
) -> None:
    assert len(tables["ratios"]) == 2 * 3 * 3 * 2 * 3
    assert len(tables["summary"]) == 2 * 3 * 3 * 2
    assert len(tables["exponents"]) == 2 * 3 * 2 * 2
    again = measure.measure(SMALL)
    for name, table in tables.items():
        assert again[name].to_csv() == table.to_csv()
    assert len(shown.importance_weights({"a": tables["exponents"]})) == 24


def test_without_shift_and_widening_every_code_counts() -> None:
    """The encoder is the posterior: weights are equal, to 1e-9 of rounding."""
    exact = SMALL.but(shift=0.0, widenings=[1.0])
    assert measure.measured_ratios(exact)["effective"].to_numpy() == pytest.approx(
        np.tile(np.repeat([4.0, 8.0, 16.0], 6), 3), rel=1e-9
    )


@pytest.mark.parametrize(("shift", "widening"), [(0.5, 1.0), (0.0, 1.5), (0.5, 1.5)])
def test_the_share_that_counts_is_known_for_many_codes(shift: float, widening: float) -> None:
    """One over the second moment of p/q, for q codes of each dimension independent.

    For normal laws it is ``(r^2 / sqrt(2 r^2 - 1))^q exp(shift^2 / (2 r^2 - 1))`` with the widening
    r, by completing the square; to 2% at K = 4000, of 400 points' draws.
    """
    settings = SMALL.but(shift=shift, widenings=[widening], batch=20)
    place = measure.place_of(settings, 0, widening).repeated(20)
    noise = torch.empty(20, 4, 4000, 20, dtype=torch.float64)
    noise.normal_(generator=torch.Generator().manual_seed(0))
    integrand = Integrand.of(place.model, place.parameters, place.points)
    weights = measure.importance_weights(integrand, noise)
    share = (1 / weights.square().sum(1)).mean().item() / 4000
    spread = 2 * widening**2 - 1
    second = (widening**2 / sqrt(spread)) ** 4 * exp(shift**2 / spread)
    assert share == pytest.approx(1 / second, rel=0.02)


def test_the_encoder_is_as_far_from_the_posterior_as_is_said() -> None:
    """Its mean by the shift in the posterior's deviations, its deviation by the widening."""
    exact = measure.place_of(SMALL.but(shift=0.0), 1, 1.0)
    moved = measure.place_of(SMALL, 1, 2.0)
    deviation = (exact.parameters.s / 2).exp()
    away = (moved.parameters.a - exact.parameters.a) / deviation
    assert away.norm().item() == pytest.approx(0.5, rel=1e-12)
    assert ((moved.parameters.s / 2).exp() / deviation).tolist()[0] == pytest.approx([2.0] * 4)
    assert torch.equal(moved.parameters.decoder, exact.parameters.decoder)


def test_the_encoders_signal_is_the_same_by_its_own_gradients() -> None:
    """It is measured by the doubly reparametrised ones; here by the IWAE's, K = 4: to 10%."""
    settings = SMALL.but(repetitions=20_000, seeds=[0], widenings=[1.0])
    table = measure.measured_ratios(settings)
    own = table[(table["estimator"] == "iwae") & (table["part"] == "phi")]
    place = measure.place_of(settings, 0, 1.0).repeated(20_000)
    noise = torch.empty(20_000, 4, 4, 2, dtype=torch.float64)
    noise.normal_(generator=torch.Generator().manual_seed(9))
    gradients = estimate(*place, noise, Estimator("iwae", 2, 4))
    square = signal_to_noise([measure.as_parts(gradients)])["phi"].square.item()
    assert own.set_index("samples").loc[4, "square"] == pytest.approx(square, rel=0.1)


def test_ratios_of_a_point_put_twice_grow_by_the_root_of_two() -> None:
    """The power of B is 1/2 by independence, so that this tests the estimate alone: to 4%."""
    place = measure.place_of(SMALL.but(batch=1), 0, 1.0).repeated(20_000)
    squares = []
    for batch in (1, 2):
        noise = torch.empty(20_000, 4, 8, batch, dtype=torch.float64)
        noise.normal_(generator=torch.Generator().manual_seed(batch))
        points = place.points.expand(-1, batch, -1)
        gradients = estimate(
            place.model, place.parameters, points, noise, Estimator("iwae", batch, 8)
        )
        squares.append(signal_to_noise([measure.as_parts(gradients)])["theta"].square.item())
    assert squares[1] / squares[0] == pytest.approx(2, rel=0.04)


def planted(power: float, drowned: bool = False) -> pd.DataFrame:
    """Ratios ``c_seed K^power`` of one cell, 4 to 64."""
    rows = [
        {
            **{"widening": 1.0, "estimator": "iwae", "alpha": 0.0, "part": "phi"},
            **{"samples": k, "seed": seed, "ratio": (1 + seed) * k**power, "effective": k / 2},
        }
        for seed, k in product(range(3), (4, 16, 64))
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(ratio=frame["ratio"].where(~(drowned & (frame["samples"] == 64))))


def test_planted_powers_are_found_and_a_drowned_signal_gives_none() -> None:
    table = planted(-0.5)
    found = measure.exponents(table, measure.summary(table), (16, 64)).set_index("at")
    assert found["slope"].tolist() == pytest.approx([-0.5, -0.5], abs=1e-12)
    assert (found["points"].tolist(), found["claimed"].tolist()) == ([9, 6], [-0.5, -0.5])
    assert (found["effective"].iloc[0], found["largest"].iloc[0]) == (32, 64)
    table = planted(-0.5, drowned=True)
    assert measure.exponents(table, measure.summary(table), (16, 64))["slope"].isna().all()


def test_codes_that_count_tell_where_theorys_powers_hold(tables: dict[str, pd.DataFrame]) -> None:
    """K = 4 to 16: the IWAE's encoder loses, all others gain; to a quarter of the powers 1/2."""
    found = tables["exponents"]
    found = found[(found["at"] == "all") & (found["widening"] == 1.0)]
    slopes = found.set_index(["estimator", "part"])["slope"]
    assert slopes["iwae", "phi"] == pytest.approx(-0.5, abs=0.12)
    assert slopes["iwae", "theta"] == pytest.approx(0.5, abs=0.12)
    assert slopes["vr-iwae", "phi"] > 0.2
    assert slopes["iwae-dreg", "phi"] > 0


@pytest.mark.parametrize(
    ("power", "counting", "verdict"),
    [
        (-0.5, 0.5, "reproduced"),
        (0.5, 0.5, "not reproduced"),
        (-0.5, 0.02, "premise not met"),
        (-0.35, 0.5, "not reproduced"),
    ],
)
def test_the_ledgers_row_on_the_encoder_is_judged_as_it_says(
    power: float, counting: float, verdict: str
) -> None:
    """Planted powers and shares of the codes that count, at both widenings that the row names."""
    rows = []
    for widening, part, k, seed in product((1.0, 1.5), ("phi", "theta"), (4, 16, 64), range(4)):
        known = {"widening": widening, "estimator": "iwae", "alpha": 0.0, "part": part}
        scatter = 1 + 0.01 * ((7 * seed + k) % 5)
        rows.append(
            known | {"samples": k, "seed": seed, "ratio": scatter * k**power}
            | {"effective": counting * k * (1 + 0.01 * seed)}
        )  # fmt: skip
    table = pd.DataFrame(rows)
    fitted = measure.exponents(table, measure.summary(table), (16, 64))
    ledger: Any = strict_yaml.read(CLAIMS.read_text(encoding="utf-8"), "claims.yaml")
    row = [row for row in ledger if row["id"] == "S5-linear-phi-samples"]
    [found] = evaluate(row, {"importance_weights/gaussian/exponents.csv": fitted}, "planted", {})[
        "verdict"
    ]
    assert found == verdict


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"samples": [8, 4, 16]}, "name them in rising order"),
        ({"widenings": [1.0, 1.0]}, "widenings names a value twice"),
        ({"widenings": [0.9]}, "widenings"),
        ({"alphas": [1.0]}, "alphas"),
        ({"latent_dim": 8}, "latent_dim is 8 and must be below data.dim, 8"),
        ({"batch": 501}, "batch is 501, and there are 500 points"),
    ],
)
def test_mistakes_in_the_settings(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SMALL.but(**change)
