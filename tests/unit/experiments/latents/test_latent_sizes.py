"""Discoveries of the widest against the narrowest network, by attribute and by group."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vaentk.experiments.latents.discovery.latent_sizes import GROUPS, compare, counts

# Which of the seeds 0, 1, 2 discover it at latent 10 and at 256.
SEEDS_OF = {
    "Male": ("012", "012"),
    "Smiling": ("", "012"),
    "Mouth_Slightly_Open": ("0", "012"),
    "Eyeglasses": ("01", ""),
    "Narrow_Eyes": ("", ""),
    "Bangs": ("012", ""),
    "Gray_Hair": ("1", "12"),
}


def discoveries(seeds_of: Mapping[str, tuple[str, str]] = SEEDS_OF) -> pd.DataFrame:
    """A table in no order, with a latent size between the two that discovers everything."""
    rows = [
        {"attribute": attribute, "latent": latent, "seed": seed, "discovered": str(seed) in seeds}
        for attribute, (narrow, wide) in seeds_of.items()
        for latent, seeds in ((10, narrow), (256, wide), (50, "012"))
        for seed in range(3)
    ]
    return pd.DataFrame(rows).iloc[np.random.default_rng(0).permutation(len(rows))]


def test_attributes_are_compared_seed_by_seed() -> None:
    table = compare(discoveries()).set_index("attribute")
    assert table.loc[list(SEEDS_OF)].to_numpy().tolist() == [
        ["other", 3, 3, 3, 0, "both"],
        ["emotion", 3, 0, 3, 3, "wide only"],
        ["emotion", 3, 1, 3, 2, "seeds differ"],
        ["eyes", 3, 2, 0, 0, "seeds differ"],
        ["eyes", 3, 0, 0, 0, "neither"],
        ["hair", 3, 3, 0, 0, "narrow only"],
        ["hair", 3, 1, 2, 1, "seeds differ"],
    ]
    columns = ["group", "seeds", "narrow", "wide", "wide_only", "agreed"]
    assert table.columns.tolist() == columns
    assert table["seeds"].dtype == np.int64


def test_attributes_keep_the_order_of_the_table() -> None:
    table = discoveries()
    assert compare(table)["attribute"].tolist() == table["attribute"].unique().tolist()


def test_groups_count_what_the_wide_network_adds() -> None:
    """Emotion by seed: 1, 2, 2; hair 0, 0, 1; all: 3 - 4, 4 - 4, 4 - 2."""
    table = counts(discoveries())
    assert table.to_numpy().tolist() == [
        ["emotion", 5 / 3, 1.0, 2.0, 3],
        ["eyes", 0.0, 0.0, 0.0, 3],
        ["hair", 1 / 3, 0.0, 1.0, 3],
        ["more", 1 / 3, -1.0, 2.0, 3],
    ]
    assert table.columns.tolist() == ["group", "value", "low", "high", "seeds"]


def test_a_seed_of_one_size_alone_is_left_out() -> None:
    table = discoveries()
    lost = (table["latent"] == 10) & (table["seed"] == 0)
    compared = compare(table[~lost]).set_index("attribute")
    assert (compared["seeds"] == 2).all()
    assert compared["agreed"]["Mouth_Slightly_Open"] == "wide only"
    assert counts(table[~lost])["seeds"].tolist() == [2] * 4


def test_a_group_that_the_data_lack_has_no_count() -> None:
    table = counts(discoveries({"Smiling": ("0", "01"), "Male": ("", "")})).set_index("group")
    assert table.loc[["eyes", "hair"], ["value", "low", "high"]].isna().all().all()
    assert table["seeds"].to_dict() == {"emotion": 3, "eyes": 0, "hair": 0, "more": 3}


def test_no_attribute_is_in_two_groups() -> None:
    names = [name for group in GROUPS.values() for name in group]
    assert len(set(names)) == len(names) == 14
