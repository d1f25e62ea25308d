"""The report in headless Chromium, opened from a file with the network off.

VAENTK_REPORT=results/report/index.html checks a real report instead of the invented one.
"""

import importlib.util
import json
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

LACKING = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
LACKING += ["selenium"] if importlib.util.find_spec("selenium") is None else []

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}"),
]

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]
PHONE, LAPTOP = 390, 1280


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium that resolves no host, with a new user folder."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def page(browser: Any, report: Path) -> Any:
    """The browser with the report open."""
    browser.get(report.as_uri())
    return browser


@pytest.fixture
def sized(page: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The page in a window of the width that the test is given, in CSS pixels.

    A phone widens its window to what overflows, so a test has to compare with the given width.
    """
    metrics = {"width": request.param, "height": 844, "deviceScaleFactor": 1}
    metrics["mobile"] = request.param == PHONE
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    page.execute_script("document.querySelectorAll('details').forEach(d => d.open = false)")
    yield page
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.fixture
def printed(page: Any) -> Iterator[Any]:
    """The page as its print style sheet lays it out, as wide as the text of an A4 sheet."""
    metrics = {"width": 688, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    yield page
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_opens_without_a_message_or_a_request(page: Any, report: Path) -> None:
    assert page.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    sent = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
    ours = [request for request in sent if request["documentURL"] == report.as_uri()]
    urls = [request["request"]["url"] for request in ours]
    assert urls[0] == report.as_uri()
    assert [url[:80] for url in urls[1:] if not url.startswith("data:")] == []


def test_every_image_loads_and_has_a_text(page: Any) -> None:
    images = page.execute_script(
        "return [...document.images].map(i => [i.alt, i.complete, i.naturalWidth])"
    )
    assert images
    for alt, complete, width in images:
        assert complete, alt
        assert width > 0, alt
        assert len(alt) > 20, "an image without a text that stands for it"


@pytest.mark.parametrize("sized", [PHONE, LAPTOP], indirect=True)
@pytest.mark.parametrize("unfolded", [False, True])
def test_nothing_is_wider_than_the_page(
    sized: Any, unfolded: bool, request: pytest.FixtureRequest
) -> None:
    sized.execute_script(
        "document.querySelectorAll('details').forEach(d => d.open = arguments[0])", unfolded
    )
    outside = sized.execute_script(
        """
        const contained = '.scroll > *, .card > *, pre > *, .unseen, .skip, nav .long';
        return [...document.querySelectorAll('body *')]
            .filter(e => !e.closest(contained))
            .filter(e => e.getBoundingClientRect().right > arguments[0] + 1)
            .map(e => e.outerHTML.slice(0, 120))
        """,
        request.node.callspec.params["sized"],
    )
    assert outside == []
    scroll, inner = sized.execute_script(
        "return [document.scrollingElement.scrollWidth, innerWidth]"
    )
    assert scroll <= inner == request.node.callspec.params["sized"]


def test_every_link_within_the_page_resolves(page: Any) -> None:
    missing = page.execute_script(
        "return [...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href'))"
        ".filter(href => !document.getElementById(decodeURIComponent(href.slice(1))))"
    )
    assert missing == []
    ids = page.execute_script("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_a_reader_without_a_mouse_finds_the_way(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    page.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
    page.find_element("tag name", "body").send_keys(Keys.TAB)
    focused = page.switch_to.active_element
    assert focused.get_attribute("href").endswith("#verdicts")
    unreachable = page.execute_script(
        "return [...document.querySelectorAll('.scroll, .card, pre')]"
        ".filter(e => e.tabIndex !== 0).length"
    )
    assert unreachable == 0


def test_landmarks_headings_and_tables_are_named(page: Any) -> None:
    assert page.execute_script("return document.documentElement.lang") == "en"
    assert page.title
    for landmark in ("header", "nav", "main", "footer"):
        assert len(page.find_elements("css selector", f"body > {landmark}")) == 1
    levels = page.execute_script(
        "return [...document.querySelectorAll('h1, h2, h3')].map(h => +h.tagName[1])"
    )
    assert levels[0] == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert (
        page.execute_script(
            "return [...document.querySelectorAll('table')]"
            ".filter(t => !t.caption || t.querySelector('th:not([scope])')).length"
        )
        == 0
    )
    unnamed = page.execute_script(
        "return [...document.querySelectorAll('[aria-labelledby]')]"
        ".filter(e => !document.getElementById(e.getAttribute('aria-labelledby'))).length"
    )
    assert unnamed == 0


def test_prints_everything_within_the_sheet(printed: Any) -> None:
    printed.execute_script("document.querySelectorAll('details').forEach(d => d.open = false)")
    assert (
        printed.execute_script("return getComputedStyle(document.querySelector('nav')).display")
        == "none"
    )
    cut, hidden = printed.execute_script(
        """
        const tables = [...document.querySelectorAll('table, img, pre')];
        return [
            tables.filter(e => e.getBoundingClientRect().right > innerWidth + 1)
                .map(e => e.outerHTML.slice(0, 120)),
            tables.filter(e => e.getBoundingClientRect().height < 1).length,
        ]
        """
    )
    assert cut == []
    assert hidden == 0


def test_dark_and_light_differ_and_figures_stay_white(page: Any) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        seen[scheme] = page.execute_script(
            "return [document.body, document.querySelector('.card')]"
            ".map(e => getComputedStyle(e).backgroundColor)"
        )
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert seen["light"][0] != seen["dark"][0]
    assert seen["light"][1] == seen["dark"][1] == "rgb(255, 255, 255)"
