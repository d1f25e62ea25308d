"""The claims as the page shows them."""

import pandas as pd
from pages import gathered, page

from vaentk.report.statements import claim_groups, overview, statements


def test_claims_stand_by_protocol_measured_ones_first() -> None:
    data = gathered()
    groups = claim_groups(data, statements(data))
    assert [group.label for group in groups] == ["W4", "W1", "X1"]
    assert [row.id for row in groups[0].tested] == ["W4-a", "W4-c"]
    assert [row.id for row in groups[0].untested] == ["W4-b"]
    assert [row.figure for row in groups[0].tested] == ["change", ""]


def test_the_overview_counts_every_protocol_and_names_its_data() -> None:
    data = gathered()
    (_, ours), (_, beyond) = overview(data, claim_groups(data, statements(data)))
    assert [line.label for line in ours] == ["W1", "W4"]
    assert ours[1].counts == {
        "reproduced": (1, "W4-a"),
        "not reproduced": (0, ""),
        "inconclusive": (1, "W4-c"),
        "premise not met": (0, ""),
        "not run": (1, "W4-b"),
    }
    assert [line.data for line in ours] == [[], ["embedded subset"]]
    assert [(line.label, line.counts["not run"]) for line in beyond] == [("X", (1, "X1-a"))]


def test_a_claim_names_file_row_and_settings_of_its_number() -> None:
    data = gathered()
    row = next(row for row in statements(data) if row.id == "W4-a")
    assert (row.file, row.columns) == (
        "measure/weight_change/small/slopes.csv",
        "slope [low, high] where layer enc",
    )
    assert (row.kind, row.run, row.settings) == ("weight_change", "small", True)
    text = page()
    assert f'<a href="../{row.file}"><code>{row.file}</code></a>: slope [low, high]' in text
    assert '<a href="#settings-weight_change"><code>experiments.weight_change.small' in text


def test_our_own_statements_stand_apart_from_a_papers() -> None:
    claims = gathered().claims
    own = claims[claims["id"] == "W4-a"].assign(id="W4-own", origin="ours")
    data = gathered(claims=pd.concat([claims, own]))
    (_, paper), (block, ours) = overview(data, claim_groups(data, statements(data)))
    assert paper[1].counts["reproduced"] == (1, "W4-a")
    assert block.short == "Beyond"
    assert [(line.label, line.title, line.total) for line in ours] == [
        ("W", "on the text of First 2024", 1),
        ("X", "Our own", 1),
    ]
    assert ours[0].counts["reproduced"] == (1, "W4-own")
    text = page(claims=data.claims)
    assert '<span class="ours">+1 of ours</span>' in text
