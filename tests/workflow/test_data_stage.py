"""The data stage as a user meets it: the full set without a network, and with files at hand."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

IMAGES = "results/data/mnist.safetensors"
CONFIGS = ("config/tiny.yaml", "config/full.yaml")


def test_the_full_set_offline_and_not_at_hand_is_one_sentence(
    fresh: Path, snakemake: Callable
) -> None:
    (fresh / "config/full.yaml").write_text("data: {mnist: full, offline: true, cache: nowhere}")
    result = snakemake(fresh, IMAGES, configs=CONFIGS)
    assert result.returncode != 0
    assert "train-images-idx3-ubyte.gz" in result.stdout
    assert "set data.mnist: embedded" in result.stdout
    assert "Traceback" not in result.stdout
    assert not (fresh / IMAGES).exists()


@pytest.mark.skipif(
    "VAENTK_TEST_CACHE" not in os.environ, reason="needs the MNIST files in VAENTK_TEST_CACHE"
)
def test_the_full_set_at_hand_needs_no_network(fresh: Path, snakemake: Callable) -> None:
    cache = os.environ["VAENTK_TEST_CACHE"]
    text = f"data: {{mnist: full, offline: true, cache: {json.dumps(cache)}}}"
    (fresh / "config/full.yaml").write_text(text)
    assert snakemake(fresh, IMAGES, configs=CONFIGS).returncode == 0
    record = json.loads((fresh / f"{IMAGES}.json").read_text())
    assert (record["data"], record["images"]) == ("real", 60000)
