"""The committed page of the default run: how long it is, and ten claims followed to their files."""

import importlib.util
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from vaentk import strict_yaml
from vaentk.claims.verdicts import evaluate
from vaentk.report.text import quantity

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "results/reference/quick"
PAGE = KEPT / "report/index.html"

LACKING = [name for name in ("chromium", "pdfinfo") if shutil.which(name) is None]
LACKING += ["playwright"] if importlib.util.find_spec("playwright") is None else []
LACKING += [] if PAGE.exists() else [str(PAGE)]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(LACKING), reason=f"not here: {', '.join(LACKING)}"),
]

LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    opened = browser.new_page(viewport=LAPTOP)
    opened.goto(PAGE.as_uri())
    yield opened
    opened.close()


def screens(browser: Any, size: dict[str, int]) -> float:
    opened = browser.new_page(viewport=size)
    opened.goto(PAGE.as_uri())
    height = opened.evaluate("document.documentElement.scrollHeight")
    opened.close()
    return float(height) / size["height"]


def test_the_page_is_short(browser: Any, page: Any, tmp_path: Path, record_property: Any) -> None:
    page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    said = subprocess.run(
        ["pdfinfo", tmp_path / "page.pdf"], capture_output=True, text=True, check=True
    )
    measured = {
        "screens of a laptop": (round(screens(browser, LAPTOP), 1), 35.5),
        "screens of a phone": (round(screens(browser, PHONE), 1), 60),
        "MB": (round(PAGE.stat().st_size / 1e6, 2), 4.0),
        "sheets of paper": (int(re.findall(r"Pages:\s+(\d+)", said.stdout)[0]), 40),
        "words on the page as it opens": (
            page.evaluate("document.body.innerText.split(/\\s+/).length"),
            11_000,
        ),
    }
    for what, (value, _) in measured.items():
        record_property(what, value)
    assert {what: pair for what, pair in measured.items() if pair[0] > pair[1]} == {}


def recomputed(experiments: Any) -> dict[str, dict[str, Any]]:
    """Judge every statement again from the measures that are kept, by id."""
    folder = KEPT / "measure"
    measures = {
        str(path.relative_to(folder)): pd.read_csv(path) for path in sorted(folder.rglob("*.csv"))
    }
    rows = strict_yaml.read((ROOT / "config/claims.yaml").read_text("utf-8"), "config/claims.yaml")
    judged = evaluate(rows, measures, "quick", experiments)
    return {row["id"]: row for row in judged.to_dict("records")}


def test_ten_claims_lead_to_their_files_code_and_figures(page: Any) -> None:
    settings = page.locator("#configuration code").text_content()
    judged = recomputed(strict_yaml.read(settings, "the page")["experiments"])
    measured = [
        name
        for name in page.locator(".claim").evaluate_all("all => all.map(e => e.id.slice(6))")
        if judged[name]["measured"]
    ]
    assert len(measured) > 100
    for name in random.Random(1).sample(measured, 10):
        page.goto(f"{PAGE.as_uri()}#claim-{name}")
        card = page.locator(f"#claim-{name}")
        assert card.get_attribute("open") is not None, "its address opens it"
        assert card.get_attribute("data-verdict") == judged[name]["verdict"]
        assert card.locator(".equation math").count() == 1
        words = dict(
            zip(
                card.locator("dt").all_inner_texts(),
                card.locator("dd").all_inner_texts(),
                strict=False,
            )
        )
        assert words["Measured"].startswith(quantity(judged[name]["measured"]))
        file = card.locator("a[href^='../measure/']").first.get_attribute("href")
        assert (PAGE.parent / file).is_file()
        code = card.locator("code", has_text="measure.py").first.inner_text()
        assert (ROOT / code).is_file()
        figure = card.locator("a[href^='#figure-']")
        if figure.count():
            wanted = figure.first.get_attribute("href")
            figure.first.click()
            page.wait_for_function(
                "id => document.querySelector(id + ' img').checkVisibility()", arg=wanted
            )
            assert page.locator(f"{wanted} img").evaluate("e => e.naturalWidth") > 0
