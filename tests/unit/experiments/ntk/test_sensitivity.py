"""Figure 2's slopes under other settings, on planted records whose powers are known."""

import numpy as np
import pandas as pd
import pytest

from vaentk.experiments.ntk.sensitivity import Sensitivity
from vaentk.experiments.ntk.sensitivity import measure as sensitivity

BASE = {"enc": -0.5, "hid": -1.0, "mu": -0.9, "sigma": -1.7, "dec": -0.4}
SHIFTS = {"base": {}, "erf": {"hid": 0.04, "dec": -0.2, "sigma": 0.5}, "still": {"mu": 0.03}}
WIDTHS, STEPS = (64, 128, 256, 512), 64


@pytest.fixture
def settings() -> Sensitivity:
    return Sensitivity.from_plain(
        {
            "widths": WIDTHS,
            "inputs": {"resolution": 7},
            "changes": {"erf": {"activation": "erf"}, "still": {"noise": "none", "beta": 0.0}},
        }
    )


@pytest.fixture
def records() -> pd.DataFrame:
    """Changes ``t * c(seed) * m^power``; without noise W_sigma stays; a third of the error left."""
    rows = []
    for variant, shifts in SHIFTS.items():
        powers = {layer: power + shifts.get(layer, 0.0) for layer, power in BASE.items()}
        for width in WIDTHS:
            for seed in (0, 1):
                for step in (0, *(2**k for k in range(7))):
                    part = step / STEPS
                    changes = {
                        f"change_{layer}": part * (1 + 0.01 * seed) * width**power
                        for layer, power in powers.items()
                    }
                    if variant == "still":
                        changes["change_sigma"] = 0.0
                    row = {"variant": variant, "width": width, "seed": seed, "step": step}
                    row |= {"time": 3.0 * step, "reconstruction": 6.0 - 4.0 * part}
                    rows.append(row | changes)
    return pd.DataFrame(rows)


def test_slopes_of_every_variant_and_their_differences(
    records: pd.DataFrame, settings: Sensitivity
) -> None:
    narrow = (records["width"] == 64) & (records["variant"] == "erf")
    records.loc[narrow, "change_enc"] *= 7  # left out: only three widths are used
    table = sensitivity.slopes(records, settings).set_index(["variant", "layer"])
    for variant, shifts in SHIFTS.items():
        for layer, power in BASE.items():
            if (variant, layer) == ("still", "sigma"):
                assert (variant, layer) not in table.index, "what does not move has no slope"
                continue
            row = table.loc[(variant, layer)]
            shift = shifts.get(layer, 0.0)
            assert row["slope"] == pytest.approx(power + shift, abs=1e-12)
            assert row["low"] <= row["slope"] <= row["high"]
            assert row["base"] == pytest.approx(power, abs=1e-12)
            assert row["difference"] == pytest.approx(shift, abs=1e-12)
            assert row["largest_change"] == pytest.approx(1.005 * 512 ** (power + shift))
            assert row["loss_left"] == pytest.approx(1 / 3)
            assert (row["width_min"], row["width_max"], row["points"]) == (128, 512, 6)


def test_the_worst_layer_is_one_of_the_four_that_the_figure_plots(
    records: pd.DataFrame, settings: Sensitivity
) -> None:
    table = sensitivity.worst(sensitivity.slopes(records, settings)).set_index("variant")
    assert table.loc["erf", "layer"] == "dec", "W_sigma's difference is larger, and not compared"
    assert table.loc["erf", "difference"] == pytest.approx(-0.2)
    assert table.loc["erf", "absolute_difference"] == pytest.approx(0.2)
    assert table.loc["erf", "absolute_from_claim"] == pytest.approx(0.1), "-0.4 - 0.2 + 0.5"
    assert table.loc["still", "layer"] == "mu"
    assert table.loc["still", "difference"] == pytest.approx(0.03)
    assert table.loc["still", "absolute_from_claim"] == pytest.approx(0.13), "-0.9 + 0.03 + 1"


def test_the_distance_to_the_claim_is_of_any_of_the_four_layers() -> None:
    rows = [("a", "enc", -0.5, -0.5, 0.1), ("a", "hid", -1.0, -0.6, 0.05)]
    table = pd.DataFrame(rows, columns=["variant", "layer", "claimed", "slope", "difference"])
    (row,) = sensitivity.worst(table).to_dict("records")
    assert row["layer"] == "enc"
    assert row["absolute_from_claim"] == pytest.approx(0.4)
    assert np.isclose(row["absolute_difference"], 0.1)
