"""The report on paper: what Chromium prints, read back by poppler."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

LACKING = [name for name in ("chromium", "pdftotext", "pdftoppm") if shutil.which(name) is None]
LACKING += ["playwright"] if importlib.util.find_spec("playwright") is None else []

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}"),
]

MARGIN = 31
"""Points at the edge of a sheet that stay white; the style sheet says 11 or 13 mm."""


class Print(NamedTuple):
    """A page of the report, its print, and the words of every sheet of it."""

    page: Any
    path: Path
    sheets: list[str]

    @property
    def text(self) -> str:
        """All words, with single spaces."""
        return " ".join(" ".join(self.sheets).split())


def printed(browser: Any, source: Path, folder: Path, *buttons: str) -> Print:
    """Print a page after pressing buttons."""
    page = browser.new_page()
    page.goto(source.as_uri())
    for name in buttons:
        page.get_by_role("button", name=name).click()
    path = folder / f"{source.stem}.pdf"
    page.pdf(path=path, prefer_css_page_size=True)
    text = subprocess.run(
        ["pdftotext", "-raw", path, "-"], capture_output=True, text=True, check=True
    )
    return Print(page, path, text.stdout.split("\f")[:-1])


@pytest.fixture(scope="module")
def report(
    browser: Any, pages: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Print]:
    made = printed(browser, pages["index"], tmp_path_factory.mktemp("print"))
    yield made
    made.page.close()


def drawn_words(page: Any, selector: str) -> list[str]:
    """Words of the elements that are not folded away."""
    texts = page.locator(selector).evaluate_all(
        "all => all.filter(e => e.checkVisibility()).map(e => e.innerText)"
    )
    return [" ".join(text.split()) for text in texts]


def boxes(path: Path) -> list[tuple[float, float, list[tuple[str, float, float]]]]:
    """Width and height of every sheet in points, and its words: text, right edge, upper edge."""
    run = ["pdftotext", "-bbox", path, "-"]
    marked = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    word = re.compile(r'yMin="([\d.]+)" xMax="([\d.]+)"[^>]*>([^<]*)<')
    return [
        (
            float(width),
            float(height),
            [(text, float(right), float(top)) for top, right, text in word.findall(words)],
        )
        for width, height, words in re.findall(
            r'<page width="([\d.]+)" height="([\d.]+)">(.*?)</page>', marked, re.DOTALL
        )
    ]


def ink_above(path: Path, sheet: int, top: float) -> float:
    """Return which part of the 90 points above a height of a sheet (from 0) is not empty."""
    number = str(sheet + 1)
    run = ["pdftoppm", "-r", "72", "-gray", "-f", number, "-l", number, path]
    raw = subprocess.run(run, capture_output=True, check=True).stdout
    _, size, _, pixels = raw.split(b"\n", 3)
    width = int(size.split()[0])
    rows = [pixels[y * width : (y + 1) * width] for y in range(max(int(top) - 90, 0), int(top))]
    return sum(1 for row in rows if row and min(row) < 250) / 90


def test_every_figure_is_printed_on_one_sheet_with_its_caption(report: Print) -> None:
    titles = drawn_words(report.page, "figcaption > strong")
    files = drawn_words(report.page, "figcaption > .file:nth-of-type(1) code")
    sizes = boxes(report.path)
    assert len(titles) > 1
    for title, file in zip(titles, files, strict=True):
        sheets = [
            number
            for number, sheet in enumerate(report.sheets)
            if title in " ".join(sheet.split()) and file in sheet
        ]
        assert len(sheets) == 1, title
        words = sizes[sheets[0]][2]
        tops = [top for text, _, top in words if text == title.split()[0]]
        ink = max(ink_above(report.path, sheets[0], top) for top in tops)
        assert ink > 0.3, f"{title}: nothing above its caption"


def test_nothing_is_cut_at_the_edge_of_a_sheet(report: Print) -> None:
    sheets = boxes(report.path)
    assert len(sheets) == len(report.sheets)
    for width, _, words in sheets:
        assert [word for word, right, _ in words if right > width - MARGIN] == []
    assert {width > height for width, height, _ in sheets} == {False}


def test_paper_has_what_the_screen_has_and_all_once_it_is_unfolded(
    browser: Any, pages: dict[str, Path], report: Print, tmp_path: Path
) -> None:
    rows = report.page.locator("#results tbody th, .claim .statement .code").all_text_contents()
    assert rows
    squeezed = "".join(report.text.split())
    left_out = [row for row in rows if "".join(row.split()) not in squeezed]
    assert any(row.endswith(".parquet") for row in left_out)
    unfolded = printed(browser, pages["index"], tmp_path, "Unfold all")
    squeezed = "".join(unfolded.text.split())
    assert [row for row in rows if "".join(row.split()) not in squeezed] == []
    assert len(unfolded.sheets) > len(report.sheets)
    # The headings of a long table stand on every sheet of it.
    across = [sheet for sheet in unfolded.sheets if re.search(r"mnist-14x14/\d{5}", sheet)]
    assert across
    assert [sheet[:80] for sheet in across if not re.search(r"^job\b", sheet, re.MULTILINE)] == []
    unfolded.page.close()


def test_the_summary_is_one_sheet(browser: Any, pages: dict[str, Path], tmp_path: Path) -> None:
    made = printed(browser, pages["summary"], tmp_path)
    assert len(made.sheets) == 1
    statements = made.page.locator("tbody tr").count()
    words = "not reproduced|reproduced|inconclusive|premise not met|not run"
    verdicts = re.findall(rf"[✓✗?∅–] (?:{words})", made.text)
    assert len(verdicts) == statements > 3
    assert "Commit" in made.text
    made.page.close()
