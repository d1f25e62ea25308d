"""The data stage as a user meets it: sets without a network, and with files at hand."""

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

IMAGES = "results/data/mnist.safetensors"
CONFIGS = ("config/tiny.yaml", "config/other.yaml")
AT_HAND = os.environ.get("VAENTK_TEST_CACHE", "")


def configure(tree: Path, **data: object) -> None:
    """Write settings of the data that differ from the tiny configuration's."""
    # A data set that is left out leaves out the run that is trained on it.
    dropped = {"dsprites": None} if "dsprites" in data and data["dsprites"] is None else {}
    settings = {"data": data, "experiments": {"disentanglement": dropped}}
    (tree / "config/other.yaml").write_text(json.dumps(settings))


def test_downloaded_sets_offline_and_not_at_hand_are_one_sentence_each(
    fresh: Path, snakemake: Callable
) -> None:
    sets = {"dsprites": "published", "cars3d": "archive", "celeba": "full", "cifar": "cifar100"}
    configure(fresh, mnist="full", offline=True, cache="nowhere", **sets)
    names = ["mnist", "dsprites", "cars3d", "celeba", "cifar100"]
    wanted = [f"results/data/{name}.safetensors" for name in names]
    result = snakemake(fresh, "--keep-going", *wanted, configs=CONFIGS)
    assert result.returncode != 0
    assert "Traceback" not in result.stdout
    # Once by the job itself, and once more in its log, which Snakemake shows where a job fails.
    said = re.findall(r"^\w+: Offline is set.*", result.stdout, flags=re.M)
    assert len(said) == len(names)
    text = "\n".join(said)
    nowhere = fresh / "nowhere"
    for place, identity in {
        "mnist/t10k-labels-idx1-ubyte.gz": "4542 bytes, sha256:f7ae60f9",
        "dsprites/dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz": "sha256:857dc001",
        "cars3d/nips2015-analogy-data.tar.gz": "md5:4e866a79",
        "celeba/img_align_celeba.zip": "1443490838 bytes, sha256:46fb8944",
        "celeba/list_attr_celeba.txt": "26721026 bytes, sha256:f0e5da28",
        "cifar100/cifar-100-python.tar.gz": "169001437 bytes, sha256:85cd44d0",
    }.items():
        assert f"{nowhere / place} is missing ({identity}" in text
    for instead in ("mnist: embedded", "dsprites: drawn", "celeba: stand-in"):
        assert f"or set data.{instead}." in text
    assert not list((fresh / "results/data").glob("*.safetensors*"))
    assert not nowhere.exists()


def test_a_partial_set_that_is_not_there_is_one_sentence(fresh: Path, snakemake: Callable) -> None:
    configure(fresh, celeba="partial", offline=True, cache="nowhere")
    result = snakemake(fresh, "results/data/celeba.safetensors", configs=CONFIGS)
    assert result.returncode != 0
    assert "list_attr_celeba.txt is missing" in result.stdout
    assert "Traceback" not in result.stdout


def test_cars_are_read_from_a_prepared_file_at_hand(fresh: Path, snakemake: Callable) -> None:
    """Of black cars, whose file is small, and whose row in the table of files is its own."""
    path = fresh / "cache/cars3d/cars3d_x64.npz"
    path.parent.mkdir(parents=True)
    np.savez_compressed(path, images=np.zeros((4 * 24 * 183, 64, 64, 3), np.uint8))
    table = pd.read_csv(fresh / "config/datasets.csv", dtype=str)
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    prepared = table["file"] == path.name
    table.loc[prepared, ["bytes", "checksum"]] = [str(path.stat().st_size), f"sha256:{checksum}"]
    table.to_csv(fresh / "config/datasets.csv", index=False)
    configure(fresh, cars3d="prepared", offline=True, cache="cache")
    result = snakemake(fresh, "results/data/cars3d.safetensors", configs=CONFIGS)
    assert result.returncode == 0, result.stdout
    images = load_file(fresh / "results/data/cars3d.safetensors")["images"]
    assert (images.shape, images.any()) == ((17_568, 3, 64, 64), False)


@pytest.mark.skipif(not AT_HAND, reason="needs the real files in VAENTK_TEST_CACHE")
def test_real_sets_at_hand_need_no_network(fresh: Path, snakemake: Callable) -> None:
    sets = {"dsprites": None, "cars3d": "prepared", "celeba": "partial"}
    configure(fresh, mnist="full", offline=True, cache=AT_HAND, **sets)
    result = snakemake(fresh, "results/figures/images_celeba.svg", configs=CONFIGS)
    assert result.returncode == 0, result.stdout
    record = json.loads((fresh / f"{IMAGES}.json").read_text())
    assert (record["data"], record["images"]) == ("real", 60000)
    facts = pd.read_csv(fresh / "results/measure/data/facts.csv").set_index("name")
    assert list(facts.index) == ["mnist", "cars3d", "celeba", "celeba_whole"]
    assert list(facts["data"]) == ["real", "real", "partial", "partial"]
    assert list(facts["images"]) == [60000, 17568, 10000, 10000]
    assert facts.loc["celeba", "official"] == 202_599
    assert facts.loc["celeba", "parts"] == "8,000 train, 1,000 validation, 1,000 test"
    # The published mean of MNIST's training pixels, as every tutorial normalises them.
    assert facts.loc["mnist", "mean"] == pytest.approx(0.1307, abs=5e-5)
    assert facts.loc["mnist", "std"] == pytest.approx(0.3081, abs=5e-5)
    alt = json.loads((fresh / "results/figures/images_celeba.svg.json").read_text())["alt"]
    assert alt.startswith("celeba: partial, 10,000 of 202,599 images")
    text = (fresh / "results/data/celeba.safetensors.json").read_text()
    assert AT_HAND not in text, "provenance names no folder of a machine"
