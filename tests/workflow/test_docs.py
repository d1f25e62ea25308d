"""The documentation as a site, built strictly, and its example of the library, run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from readme import ROOT


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    pages = {path.parent.name for path in (tmp_path / "site").glob("*/index.html")}
    assert pages >= {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    reference = (tmp_path / "site/api/index.html").read_text(encoding="utf-8")
    for name in ("TangentKernel", "limit_kernels", "least_eigenvalue", "signal_to_noise"):
        assert name in reference
    # A page asks no other host for anything.
    loaded = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?:[^"]+)"', reference)
    assert loaded == []


def test_the_example_of_the_library_runs() -> None:
    text = (ROOT / "docs/library.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    wide, finite = map(float, re.findall(r": (0\.\d+)", done.stdout))
    assert wide == pytest.approx(0.0129, abs=1e-4)
    assert 0 < finite < wide


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 110
