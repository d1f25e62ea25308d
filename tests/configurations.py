"""The configurations of `config/`, as Snakemake merges them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaentk import strict_yaml
from vaentk.config import Config, load

CONFIG = Path(__file__).parents[1] / "config"


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with others over them, as Snakemake lays them: mappings key by key."""
    both = dict(base)
    for key, value in over.items():
        nested = isinstance(value, Mapping) and isinstance(both.get(key), Mapping)
        both[key] = merged(both[key], value) if nested else value
    return both


def plain(name: str) -> Any:
    """What a file holds."""
    return strict_yaml.read((CONFIG / name).read_text(encoding="utf-8"), name)


def shipped(name: str) -> Config:
    """The default configuration, or another over it."""
    over = {} if name == "config" else plain(f"{name}.yaml")
    return load(merged(plain("config.yaml"), over))
