"""The report and axe-core's rules of accessibility."""

import importlib.util
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
LACKING = [name for name in ("chromium", "npm") if shutil.which(name) is None]
LACKING += ["playwright"] if importlib.util.find_spec("playwright") is None else []

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}"),
]

LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 800}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}
REFUSED = {"serious", "critical"}


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The rules, from `npm ci` in this folder or, where that was not run, in a temporary one."""
    folder = HERE
    if not (HERE / "node_modules/axe-core/axe.min.js").is_file():
        folder = tmp_path_factory.mktemp("npm")
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        run = ["npm", "ci", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(run, capture_output=True, text=True, cwd=folder)
        if done.returncode:
            pytest.skip(f"npm cannot fetch axe-core: {done.stderr.strip()[-300:]}")
    return (folder / "node_modules/axe-core/axe.min.js").read_text("utf-8")


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", ["index", "summary"])
def test_no_serious_violation(
    browser: Any, pages: dict[str, Path], axe: str, name: str, look: str
) -> None:
    context = browser.new_context(**LOOKS[look])
    page = context.new_page()
    page.goto(pages[name].as_uri())
    page.evaluate("document.querySelectorAll('main details').forEach(d => d.open = true)")
    page.evaluate(axe)
    violations = page.evaluate("axe.run().then(found => found.violations)")
    context.close()
    said = [f"{v['impact']}: {v['id']}: {v['nodes'][0]['html'][:120]}" for v in violations]
    print(*said, sep="\n")
    assert [line for line in said if line.partition(":")[0] in REFUSED] == []
