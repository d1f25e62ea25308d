"""The findings that the page begins with: the verdict chooses the sentence, the run its numbers."""

from dataclasses import replace
from typing import Any

import pytest
from configurations import plain
from pages import gathered, rooms

from vaentk.errors import UserError
from vaentk.report.captions import Caption, FindingText, read_section
from vaentk.report.findings import NAMED, findings, takeaway
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


def shown(sentence: str, **numbers: str) -> str:
    rows = [replace(row, **numbers) for row in statements(gathered())]
    return takeaway(Caption(name="change", title="", takeaway=sentence, caption=""), rows)


def test_a_figure_says_what_it_shows_where_all_of_it_was_measured() -> None:
    sentence = "As {W4-a} and {W4-c}."
    number = {"measured": "-0.51234", "interval": "[-0.6, -0.4]"}
    assert shown(sentence, **number) == "As −0.512 [−0.6, −0.4] and −0.512 [−0.6, −0.4]."
    assert shown(sentence) == "", "one of them has no number"


def test_every_figure_says_what_statements_of_its_own_experiment_show() -> None:
    kinds = {row["id"]: row["test"]["measure"].partition("/")[0] for row in plain("claims.yaml")}
    for section in [read_section(kind, words) for kind, words in rooms().items()]:
        for figure in section.figures:
            for name in NAMED.findall(figure.takeaway):
                assert kinds[name] == section.id, (figure.name, name)


def test_the_scale_is_the_largest_of_all_runs() -> None:
    run = {"inputs": {"samples": 128}, "widths": [64, 4096], "seeds": [0, 1]}
    other = {"seeds": [0, 1, 2], "latent": 4}
    assert scale(
        {"experiments": {"ridge": {"a": run, "b": run}, "deep": {"c": other}, "x": {}}}
    ) == ("3 runs of 2 experiments, up to 128 images, up to 4,096 units a layer, up to 3 seeds")
