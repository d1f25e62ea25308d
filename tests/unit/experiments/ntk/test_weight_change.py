"""Figure 2's measures on planted records whose powers are known."""

import numpy as np
import pandas as pd
import pytest

from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.experiments.ntk.weight_change import measure as weight_change

POWERS = {"enc": -0.5, "hid": -1.0, "mu": -0.9, "sigma": -1.7, "dec": -0.4}
WIDTHS, SEEDS, STEPS = (64, 128, 256, 512), (0, 1), 128


@pytest.fixture
def records() -> pd.DataFrame:
    """Changes ``t * c(seed) * m^power``, recorded at 0, powers of two and 64ths."""
    rows = []
    for width in WIDTHS:
        for seed in SEEDS:
            for step in sorted({0, 1, *range(2, STEPS + 1, 2)}):
                changes = {
                    f"change_{layer}": step / STEPS * (1 + 0.01 * seed) * width**power
                    for layer, power in POWERS.items()
                }
                facts = {"reconstruction": 5.0 - step / STEPS, "kl": step / STEPS}
                facts["latent_std"] = 0.3 + step / STEPS / 10
                # The radius is largest half way, of the second seed.
                facts["radius"] = 2.0 + seed - abs(step / STEPS - 0.5) if step else 0.0
                facts["gradients"] = 1 + 5 * step + 10 * seed
                rows.append(
                    {"width": width, "seed": seed, "step": step, "time": 3.0 * step}
                    | facts
                    | changes
                )
    return pd.DataFrame(rows)


def test_changes_are_read_at_the_halvings_of_the_time(records: pd.DataFrame) -> None:
    table = weight_change.changes(records)
    assert sorted(table["fraction"].unique()) == [2.0**-k for k in range(6, -1, -1)]
    assert len(table) == len(WIDTHS) * len(SEEDS) * len(POWERS) * 7
    row = table.query("width == 128 and seed == 1 and layer == 'mu' and fraction == 0.25")
    assert row["change"].item() == pytest.approx(0.25 * 1.01 * 128**-0.9)
    assert row["time"].item() == pytest.approx(0.25 * 3.0 * STEPS)


def test_slopes_recover_the_planted_powers_from_the_largest_widths(records: pd.DataFrame) -> None:
    disturbed = records.copy()
    narrow = disturbed["width"] == 64
    disturbed.loc[narrow, "change_enc"] *= 5  # left out: only three widths are used
    slopes = weight_change.slopes(weight_change.changes(disturbed), 3, outputs=49)
    assert set(slopes["points"]) == {6}
    assert set(slopes["width_min"]) == {128}
    assert slopes["width_over_outputs"].iloc[0] == pytest.approx(512 / 49)
    for layer, power in POWERS.items():
        part = slopes[slopes["layer"] == layer]
        np.testing.assert_allclose(part["slope"], power, atol=1e-12)
        np.testing.assert_allclose(part["high"] - part["low"], 0, atol=1e-12)


def test_local_slopes_are_between_neighbours(records: pd.DataFrame) -> None:
    local = weight_change.local_slopes(weight_change.changes(records), outputs=49)
    assert sorted(local["width"].unique()) == pytest.approx([64 * 2 ** (k + 0.5) for k in range(3)])
    np.testing.assert_allclose(local[local["layer"] == "dec"]["slope"], -0.4, atol=1e-12)


def test_stability_compares_with_the_papers_steps(records: pd.DataFrame) -> None:
    settings = WeightChange.from_plain({"widths": WIDTHS, "inputs": {"resolution": 7}})
    table = weight_change.stability(records, settings)
    assert list(table["width"]) == list(WIDTHS)
    assert table["paper_learning_rate"].iloc[0] == pytest.approx(2 / 49)
    assert set(table["paper_steps"]) == {2**17}
    np.testing.assert_allclose(table["limit"], 2 / 3)
    np.testing.assert_allclose(table["limit_steps"], 3 * STEPS / (2 / 3))
    assert set(table["gradients"]) == {1 + 5 * STEPS + 5}
    assert table["reconstruction_initial"].iloc[0] == 5.0
    assert table["reconstruction_final"].iloc[0] == 4.0
    assert table["latent_std_max"].iloc[0] == pytest.approx(0.4)
