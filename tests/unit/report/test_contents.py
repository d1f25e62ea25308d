"""Results joined with words."""

from pages import page


def test_figures_and_tables_name_the_measures_they_are_made_of() -> None:
    measures = ["results/measure/weight_change/small/members.csv", "config/datasets.csv"]
    sidecars = {
        "results/figures/change.svg": {"inputs": dict.fromkeys(measures, "sha256:1")},
        "results/tables/slopes.csv": {"inputs": {f"results/measure/{n}.csv": "1" for n in "abc"}},
    }
    text = page(sidecars=sidecars)
    assert "Made from <code>measure/weight_change/small/members.csv</code>" in text
    assert "Made from 3 measures" in text
    assert "<code>measure/b.csv</code>" in text
    assert "config/datasets.csv</code>" not in text
