"""What a new user gets wrong: one sentence that names the key or the file, and no traceback."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from trees import copy_sources

MINE = ("config/tiny.yaml", "config/mine.yaml")

MISTAKES = {
    "a typo deep inside": (
        "experiments: {weight_change: {mnist-7x7: {width: [16]}}}",
        ["unknown key experiments.weight_change.mnist-7x7.width", "did you mean widths?"],
    ),
    "a section that is no section": ("data: nothing", ["data", '"nothing"']),
}
"""Two of those that `tests/unit/test_config.py` knows, as Snakemake shows them."""


@pytest.mark.parametrize("what", MISTAKES)
def test_a_bad_configuration_is_one_sentence(what: str, fresh: Path, snakemake: Callable) -> None:
    text, expected = MISTAKES[what]
    (fresh / "config/mine.yaml").write_text(text)
    result = snakemake(fresh, configs=MINE)
    assert result.returncode != 0
    assert "Traceback" not in result.stdout
    sentences = [line for line in result.stdout.splitlines() if "configuration:" in line]
    assert len(sentences) == 1, result.stdout
    for part in expected:
        assert part in sentences[0]
    assert not (fresh / "results").exists(), "no job may start"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree for what jobs refuse: the images that they take are made once."""
    return copy_sources(tmp_path_factory.mktemp("mistakes") / "tree")


def test_a_learning_rate_above_the_stability_limit_is_refused(
    tree: Path, snakemake: Callable
) -> None:
    (tree / "config/mine.yaml").write_text(
        "experiments: {weight_change: {mnist-7x7: "
        "{stepping: literal, reduction: sum, learning_rate: 5.0, steps: 64}}}"
    )
    target = "results/train/weight_change/mnist-7x7/16-32.parquet"
    result = snakemake(tree, target, configs=MINE)
    assert result.returncode != 0
    assert re.search(
        r"learning rate 5 .* is above the stability limit 2n/lambda_max", result.stdout
    )
    assert "Traceback" not in result.stdout
    factor = float(re.search(r"by less than ([\d.]+), or", result.stdout)[1])
    limit = float(re.search(r"2n/lambda_max = ([\d.]+):", result.stdout)[1])
    assert factor == pytest.approx(limit / 5.0, rel=0.01)
    assert not (tree / target).exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_named(tree: Path, snakemake: Callable) -> None:
    (tree / "config/mine.yaml").write_text("device: cuda\n")
    target = "results/train/weight_change/mnist-7x7/16-32.parquet"
    result = snakemake(tree, target, configs=MINE)
    assert result.returncode != 0
    assert "device is cuda, but torch finds no GPU" in result.stdout
    assert "Traceback" not in result.stdout


def test_the_paper_configuration_is_valid(fresh: Path, snakemake: Callable) -> None:
    planned = snakemake(fresh, "--dry-run", configs=("config/paper.yaml",))
    assert planned.returncode == 0, planned.stdout
    for kind, jobs in (("weight_change", 15), ("sensitivity", 2)):
        assert re.search(rf"train_{kind}\s+{jobs}", planned.stdout)
