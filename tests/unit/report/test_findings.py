"""The findings that the page begins with: the verdict chooses the sentence, the run its numbers."""

from dataclasses import replace
from typing import Any

import pytest
from pages import gathered

from vaentk.errors import UserError
from vaentk.report.captions import FindingText
from vaentk.report.findings import findings
from vaentk.report.page import scale
from vaentk.report.statements import statements


def told(verdict: str, **says: str) -> list[str]:
    data = gathered()
    row = replace(statements(data)[0], verdict=verdict, measured="-0.512", interval="[-0.6, -0.4]")
    text = FindingText(claim=row.id, says=says, otherwise="It is {measured}.")
    data = replace(data, text=data.text.model_copy(update={"findings": (text,)}))
    return [finding.text for finding in findings(data, [row, *statements(data)[1:]])]


def test_the_verdict_chooses_the_sentence() -> None:
    says: dict[str, Any] = {"reproduced": "It falls as {measured}."}
    assert told("reproduced", **says) == ["It falls as −0.512 [−0.6, −0.4]."]
    assert told("inconclusive", **says) == ["It is −0.512 [−0.6, −0.4]."]
    assert told("not run", **says) == []


def test_an_unknown_statement_is_one_sentence() -> None:
    with pytest.raises(UserError, match="findings name W9-none, which is no statement"):
        told("reproduced", reproduced="As {W9-none}.")


def test_the_scale_is_the_largest_of_all_runs() -> None:
    run = {"inputs": {"samples": 128}, "widths": [64, 4096], "seeds": [0, 1]}
    other = {"seeds": [0, 1, 2], "latent": 4}
    assert scale(
        {"experiments": {"ridge": {"a": run, "b": run}, "deep": {"c": other}, "x": {}}}
    ) == ("3 runs of 2 experiments, up to 128 images, up to 4,096 units a layer, up to 3 seeds")
