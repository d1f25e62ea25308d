"""Tables of Figures 3 and 4: ordered for reading, means with intervals, nothing invented."""

import pandas as pd
import pytest

from vaentk.experiments.latents.discovery import tables as figure_4
from vaentk.experiments.latents.disentanglement import tables as figure_3
from vaentk.experiments.latents.disentanglement.labels import METRICS
from vaentk.experiments.latents.disentanglement.measure import trends

NETWORKS = ("untrained", "random", "trained")


def measured(seeds: int = 2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of seeds 0 and 1: 0.1 and 0.3 at latent 50, twice that at 10; a metric a tenth."""
    rows = [
        {"latent": latent, "seed": seed, "beta": beta, "network": network, "metric": metric}
        | {"score": (0.1 + 0.2 * seed) * (2 if latent == 10 else 1) + place / 10}
        for beta in (4.0, 1.0)
        for latent in (50, 10)
        for network in NETWORKS
        for place, metric in enumerate(METRICS)
        for seed in range(seeds)
    ]
    units = [
        {"latent": latent, "seed": seed, "beta": beta, "active_units": latent / 5 + seed}
        for beta in (4.0, 1.0)
        for latent in (50, 10)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows), pd.DataFrame(units)


def test_disentanglement_has_a_column_a_metric_and_the_nulls_beneath_the_trained() -> None:
    scores, summary = measured()
    table = figure_3.disentanglement({"b": scores, "a": scores}, {"b": summary, "a": summary})
    first = ["run", "beta", "latent", "network", "seeds", "beta_vae", "beta_vae_low"]
    assert list(table.columns[: len(first)]) == first
    assert list(table["run"]) == ["b"] * 12 + ["a"] * 12
    assert list(table["beta"][:12]) == [1.0] * 6 + [4.0] * 6
    assert list(table["latent"][:6]) == [10] * 3 + [50] * 3
    assert list(table["network"][:3]) == ["trained", "untrained network", "random code"]
    half = 12.7062 * 0.1  # Student's with one degree of freedom, times the error of the mean
    mig = table.loc[3, ["mig", "mig_low", "mig_high", "seeds"]].tolist()
    assert mig == pytest.approx([0.4, 0.4 - half, 0.4 + half, 2], abs=1e-4)
    assert table.loc[0, ["beta_vae", "sap"]].tolist() == pytest.approx([0.4, 0.7])
    assert table["active_units"][:4].tolist() == pytest.approx(
        [2.5, float("nan"), float("nan"), 10.5], nan_ok=True
    )


def test_one_seed_has_no_interval_in_the_table_of_scores() -> None:
    scores, summary = measured(seeds=1)
    table = figure_3.disentanglement({"a": scores}, {"a": summary})
    assert table["sap_low"].isna().all()
    assert table["sap"].notna().all()


def test_trends_are_named_in_words_and_keep_their_order() -> None:
    fitted = trends(*measured()).assign(reduced="")
    table = figure_3.disentanglement_trends({"a": fitted, "b": fitted})
    columns = ["run", "beta", "quantity", "effect", "low", "high", "level", "level_low"]
    columns += ["level_high", "statistic", "p_value", "points"]
    assert list(table.columns) == columns
    assert table["quantity"].notna().all()
    assert list(table["run"].unique()) == ["a", "b"]
    names = list(table["quantity"])
    assert names[:6] == [*METRICS.values(), "BetaVAE, untrained network"]
    assert names[15] == "BetaVAE minus random code"
    assert names[20:25] == [
        *(f"BetaVAE minus {name}" for name in ("FactorVAE", "MIG", "SAP")),
        "active units",
        "rank of BetaVAE's change among the four, 1 the smallest",
    ]
    assert list(table["effect"])[: len(fitted)] == pytest.approx(fitted["effect"].tolist())


OWN = ["narrow", "wide", "difference", "difference_low", "difference_high"]


def compared(quantity: str, attribute: str, narrow: float, wide: float) -> dict[str, object]:
    apart = wide - narrow
    values = dict(zip(OWN, (narrow, wide, apart, apart - 0.125, apart + 0.125), strict=True))
    row: dict[str, object] = {"quantity": quantity, "attribute": attribute, "group": "hair"}
    return row | values | {"placebo": 0.25, "better": "open", "positives": 30, "seeds": 2}


def test_attributes_come_by_falling_difference_with_the_probe_beside_the_unit() -> None:
    rows = [
        compared("unit", "Bald", 0.75, 0.5),
        compared("unit", "Bangs", 0.5, 0.75),
        compared("probe", "Bald", 0.5, 0.875),
        compared("probe", "Bangs", 0.625, 0.75),
        compared("random", "Bangs", 0.5, 0.5),
    ]
    table = figure_4.discovery({"b": pd.DataFrame(rows), "a": pd.DataFrame(rows)})
    assert table["run"].tolist() == ["a", "a", "b", "b"]
    assert table["attribute"].tolist() == ["Bangs", "Bald"] * 2
    first = table.iloc[0]
    assert first[OWN].tolist() == [0.5, 0.75, 0.25, 0.125, 0.375]
    assert first[[f"probe_{name}" for name in OWN]].tolist() == [0.625, 0.75, 0.125, 0.0, 0.25]
    assert (first["positives"], first["placebo"]) == (30, 0.25)


def test_groups_of_all_runs_have_their_difference_and_what_exceeds_the_placebo() -> None:
    row = compared("unit", "", 0.5, 0.75) | {"attributes": 9, "freedom": 8.0}
    row |= {"excess": 0.0, "excess_low": -0.5, "excess_high": 0.5}
    table = figure_4.discovery_groups({run: pd.DataFrame([row]) for run in ("a", "b")})
    assert table["run"].tolist() == ["a", "b"]
    assert table.iloc[0][["quantity", "group", "difference", "excess_high"]].tolist() == [
        *("unit", "hair", 0.25, 0.5)
    ]


def test_networks_of_all_runs_stand_under_each_other() -> None:
    summary = pd.DataFrame({"latent": [10, 256], "active_units": [1, 3]})
    table = figure_4.discovery_summary({"a": summary, "b": summary})
    assert table["run"].tolist() == ["a", "a", "b", "b"]
    assert table["active_units"].tolist() == [1, 3, 1, 3]
