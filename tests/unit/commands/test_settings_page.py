"""`config/README.md` is what the types say, and says all of it."""

from pathlib import Path

from vaentk.commands.settings_page import page
from vaentk.config import Experiments

COMMITTED = Path(__file__).parents[3] / "config" / "README.md"


def test_the_committed_page_is_the_generated_one() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == page(), (
        "run: python -m vaentk.commands.settings_page config/README.md"
    )


def test_every_kind_has_its_section_and_every_key_its_row() -> None:
    text = page()
    for kind, field in Experiments.model_fields.items():
        assert f"## `experiments.{kind}.<run>`" in text
        assert field.annotation is not None
    assert "| `inputs.samples` | whole number above 0 | `128` | class-balanced number n" in text
    assert "| `widths` | list of: whole number above 0, at most 1,048,576 | must be given |" in text
    assert "| `checkpoint_seconds` | number at least 0 | `30.0` |" in text
    assert "| `cache` | text or null | `null` |" in text
    assert "| `points` | list of 2: whole number at least 50 | `[10000, 5000]` |" in text
    assert "$ref" not in text


def test_every_row_of_a_table_has_four_cells() -> None:
    for line in page().splitlines():
        if line.startswith("| `") and "file" not in line:
            cells = line.replace("\\|", "").strip("|").split("|")
            assert len(cells) in (2, 4), line
