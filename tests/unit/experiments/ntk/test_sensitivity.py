"""Figure 2's slopes under other settings, on planted records whose powers are known."""

import pandas as pd
import pytest

from vaentk.experiments.ntk.sensitivity import Sensitivity
from vaentk.experiments.ntk.sensitivity import measure as sensitivity
from vaentk.experiments.ntk.sensitivity.tables import largest_differences

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


def test_differences_are_taken_seed_by_seed(records: pd.DataFrame, settings: Sensitivity) -> None:
    """What the seeds of a variant and of its base share is no noise of their difference."""
    steeper = records["seed"] == 1
    records.loc[steeper, "change_dec"] *= records.loc[steeper, "width"] ** 0.1
    table = sensitivity.slopes(records, settings).set_index(["variant", "layer"])
    row = table.loc[("erf", "dec")]
    assert row["slope"] == pytest.approx(BASE["dec"] - 0.2 + 0.05)
    assert row["high"] - row["low"] > 1, "two seeds, 0.1 apart"
    assert row["difference_low"] == pytest.approx(-0.2, abs=1e-12)
    assert row["difference_high"] == pytest.approx(-0.2, abs=1e-12)
    assert row["from_claim"] == pytest.approx(row["slope"] + 0.5)
    assert row["from_claim_high"] == pytest.approx(row["high"] + 0.5)
    assert row["narrow_over_base"] == pytest.approx(64**-0.2)
    assert row["freedom"] == 1


def test_the_largest_difference_is_of_one_of_the_four_layers_that_the_figure_plots(
    records: pd.DataFrame, settings: Sensitivity
) -> None:
    table = largest_differences(sensitivity.slopes(records, settings)).set_index("variant")
    assert table.loc["erf", "layer"] == "dec", "W_sigma's difference is larger, and not compared"
    assert table.loc["erf", "difference"] == pytest.approx(-0.2)
    assert table.loc["still", "layer"] == "mu"
    assert table.loc["still", "difference"] == pytest.approx(0.03)


def test_layers_that_not_every_variant_has_or_trains(
    records: pd.DataFrame, settings: Sensitivity
) -> None:
    """A deeper network's own layer has no difference from the base; a frozen layer has no row."""
    erf = records["variant"] == "erf"
    records["change_hid2"] = (3 / records["width"]).where(erf)
    records.loc[erf, "change_enc"] = float("nan")
    table = sensitivity.slopes(records, settings).set_index(["variant", "layer"])
    assert ("erf", "enc") not in table.index
    assert ("base", "hid2") not in table.index
    row = table.loc[("erf", "hid2")]
    assert row["slope"] == pytest.approx(-1)
    assert row["from_claim"] == pytest.approx(0, abs=1e-12)
    assert pd.isna(row["difference"])
    assert (
        largest_differences(table.reset_index()).set_index("variant").loc["erf", "layer"] == "dec"
    )
