"""Figure 4's rows on areas whose truth is known: planted, absent, reversed, premises unmet."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vaentk import strict_yaml
from vaentk.claims.verdicts import evaluate
from vaentk.experiments.latents.discovery.latent_sizes import GROUPS, Areas, Sizes

CONFIG = Path(__file__).parents[3] / "config"
NAMES = tuple(name for names in GROUPS.values() for name in names)
JUDGED = ("emotion", "eyes", "hair", "more", "over-placebo", "information", "information-groups")


def measures(gain: float, seeds: int = 5, inactive: int = 200) -> dict[str, pd.DataFrame]:
    """Networks that tell all attributes, the wide ones by a larger gap; random ones nothing."""
    generator, images = np.random.default_rng(0), 600
    labels = (generator.random((images, len(NAMES))) < 0.3).astype(np.uint8)
    common = generator.standard_normal((images, len(NAMES))) * 0.8

    def areas(gap: float) -> Areas:
        noise = generator.standard_normal((seeds, images, len(NAMES))) * 0.6
        gaps = gap + 0.05 * generator.standard_normal((seeds, 1, len(NAMES)))
        return Areas.of(labels * gaps + common + noise, labels)

    groups = [
        Sizes(NAMES, areas(gap), areas(gap + more)).groups().assign(quantity=quantity)
        for quantity, gap, more in (("unit", 0.6, gain), ("probe", 0.6, gain), ("random", 0, 0))
    ]
    of_run = {"probed": 8000, "images": 10_000, "official": 202_599}
    summary = [
        {"latent": latent, "seed": seed, "active_units": latent - off, "inactive_units": off}
        for latent, off in ((10, 2), (256, inactive))
        for seed in range(seeds)
    ]
    return {
        "discovery/celeba/groups.csv": pd.concat(groups).assign(**of_run),
        "discovery/celeba/summary.csv": pd.DataFrame(summary),
    }


def verdicts(measured: dict[str, pd.DataFrame]) -> dict[str, str]:
    rows = strict_yaml.read((CONFIG / "claims.yaml").read_text(encoding="utf-8"), "claims")
    of_figure = [row for row in rows if row["id"].startswith("W6-")]
    table = evaluate(of_figure, measured, "test", {}).set_index("id")
    return {name.removeprefix("W6-"): verdict for name, verdict in table["verdict"].items()}


@pytest.mark.parametrize(
    ("gain", "expected"), [(0.8, "reproduced"), (-0.8, "not reproduced"), (0.0, "open")]
)
def test_every_row_says_what_was_planted(gain: float, expected: str) -> None:
    """Without a gain no row is reproduced; the placebo's row may say that it is not."""
    found = verdicts(measures(gain))
    assert found.pop("random-codes") == "reproduced"
    assert set(found) == set(JUDGED)
    if expected == "open":
        assert "reproduced" not in found.values()
        assert found.pop("over-placebo") in ("inconclusive", "not reproduced")
        assert set(found.values()) == {"inconclusive"}
    else:
        assert set(found.values()) == {expected}


def test_few_seeds_or_units_that_are_all_active_are_no_premise() -> None:
    for measured in (measures(0.8, seeds=4), measures(0.8, inactive=100)):
        found = verdicts(measured)
        assert {found[name] for name in JUDGED} == {"premise not met"}
    blind = measures(0.8)
    blind["discovery/celeba/summary.csv"].loc[0, "active_units"] = 0
    assert verdicts(blind)["emotion"] == "premise not met"
