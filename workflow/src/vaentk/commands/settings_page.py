"""`config/README.md`: every key of a configuration, with its type, its default and its meaning."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vaentk.config import Config

Schema = Mapping[str, Any]

OPENING = """# Configurations

Made from the types in `vaentk/config.py` and `vaentk/experiments/` by
`python -m vaentk.commands.settings_page config/README.md`; a test fails while it is out of date.

| file | what it is |
| --- | --- |
| `config.yaml` | the default: minutes on two cores, no download |
| `paper.yaml` | what differs at the papers' scale |
| `tiny.yaml` | what differs for a test run of a minute or two |
| `config.schema.json` | the same keys as below, for editors |
| `datasets.csv` | where each data set comes from, its size and checksum |
| `claims.yaml`, `assumptions.yaml`, `remarks.yaml` | what is tested, assumed and remarked on |

A file given with `--configfile` says only what differs from the default; a run that is `null` is
left out. An unknown key, a wrong type or an impossible value ends the run before it starts, with
one sentence. The report shows each run's settings. Numbers above 0 are 1e-9 or more, and no
number is above 1e9; seeds are below 2^63.
"""

TYPES = {"integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}
LIMITS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}

TINY, GENERAL = 1e-9, (1e-9, 1e9, 2**63)
"""Limits of every positive number, of every number and of every seed, which no row repeats."""


def page() -> str:
    """Write the page as Markdown."""
    schema = Config.model_json_schema()
    definitions = schema["$defs"]
    sections = ("data", "experiments")
    top = {key: field for key, field in schema["properties"].items() if key not in sections}
    parts = [OPENING, "## At the top", _table({"properties": top}, definitions)]
    parts += ["## `data`", _table(definitions["Data"], definitions)]
    for kind, holder in definitions["Experiments"]["properties"].items():
        [reference] = holder["patternProperties"].values()  # of names of runs
        run = definitions[_name(reference)]
        parts += [f"## `experiments.{kind}.<run>`", _first_paragraph(run), _table(run, definitions)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _name(reference: Schema) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _first_paragraph(schema: Schema) -> str:
    return " ".join(str(schema.get("description", "")).partition("\n\n")[0].split())


def _table(schema: Schema, definitions: Schema) -> str:
    rows = [
        f"| `{key}` | {kind} | {default} | {meaning} |"
        for key, kind, default, meaning in _rows(schema, definitions)
    ]
    return "\n".join(["| key | type | default | meaning |", "| --- | --- | --- | --- |", *rows])


def _rows(schema: Schema, definitions: Schema, prefix: str = "") -> Iterator[tuple[str, ...]]:
    """Yield key, type, default and meaning; the keys of a section one by one."""
    for key, field in schema["properties"].items():
        if "$ref" in field and "properties" in definitions[_name(field)]:
            yield from _rows(definitions[_name(field)], definitions, f"{prefix}{key}.")
            continue
        default = f"`{_plain(field['default'])}`" if "default" in field else "must be given"
        meaning = str(field.get("description", "")).replace("|", "\\|")
        yield f"{prefix}{key}", _type(field, definitions), default, meaning


def _type(field: Schema, definitions: Schema) -> str:
    """Say in words what a key holds."""
    if "$ref" in field:
        return _type(definitions[_name(field)], definitions)
    if "anyOf" in field:
        return " or ".join(_type(option, definitions) for option in field["anyOf"])
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        if "prefixItems" in field:
            inner = {_type(item, definitions) for item in field["prefixItems"]}
            return f"list of {len(field['prefixItems'])}: {', '.join(sorted(inner))}"
        return f"list of: {_type(field['items'], definitions)}"
    if field.get("type") == "object":
        return "mapping"
    shown = {**field, "exclusiveMinimum": 0} if field.get("minimum") == TINY else field
    limits = [
        f"{words} {shown[key]:,}"
        for key, words in LIMITS.items()
        if key in shown and shown[key] not in GENERAL
    ]
    return " ".join([TYPES.get(str(field.get("type")), "text"), ", ".join(limits)]).strip()


def _plain(value: Any) -> str:
    """Write a default as YAML does."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{', '.join(map(_plain, value))}]"
    return str(value)


if __name__ == "__main__":
    import sys

    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
