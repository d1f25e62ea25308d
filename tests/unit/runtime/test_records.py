"""The record beside a result: a byte that changes in either is noticed, and so is another input."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vaentk.errors import UserError
from vaentk.runtime import io, records

RECORD = {"rule": "measure", "inputs": {}, "parameters": {"beta": 0.1, "name": "ä"}}


def made(folder: Path, name: str) -> Path:
    """Write a result of a kind, with its record."""
    path = folder / name
    table = pd.DataFrame({"slope": [-0.5, -1.0], "low": [-0.6, -1.1]})
    if path.suffix == ".safetensors":
        io.write_arrays({"x": np.arange(5.0)}, path, "a note")
    elif path.suffix == ".svg":
        io.write_text("<svg><path d='M0 0'/></svg>", path)
    else:
        io.write_table(table, path)
    records.seal(path, name, RECORD)
    return path


def test_a_record_comes_back(tmp_path: Path) -> None:
    path = made(tmp_path, "results/tables/x.csv")
    record = records.read(records.beside(path))
    assert record == RECORD | {"result": {"results/tables/x.csv": io.checksum(path)}}
    assert records.checked([path, records.beside(path)]) == {
        path: io.checksum(path),
        records.beside(path): io.checksum(records.beside(path)),
    }


@pytest.mark.parametrize("ending", ["csv", "parquet", "safetensors", "svg"])
def test_every_flipped_bit_and_every_cut_is_noticed(tmp_path: Path, ending: str) -> None:
    path = made(tmp_path, f"results/tables/x.{ending}")
    draws = np.random.default_rng(0)
    for file in (path, records.beside(path)):
        whole = file.read_bytes()
        places = draws.choice(8 * len(whole), min(400, 8 * len(whole)), replace=False)
        flipped = []
        for place in places:
            changed = bytearray(whole)
            changed[place // 8] ^= 1 << (place % 8)
            flipped.append(bytes(changed))
        cuts = [whole[: draws.integers(len(whole))] for _ in range(40)]
        for damaged in [*flipped, *cuts, b"", whole + b"\n", whole + b"\0"]:
            file.write_bytes(damaged)
            with pytest.raises(UserError, match="run again") as raised:
                records.checked([path])
            assert str(file) in str(raised.value)
            assert "\n" not in str(raised.value)
        file.write_bytes(whole)
    records.checked([path])


def test_an_edited_number_is_noticed_though_its_record_reads_well(tmp_path: Path) -> None:
    path = made(tmp_path, "results/measure/x.csv")
    path.write_text(path.read_text().replace("-0.5", "-0.4"))
    with pytest.raises(UserError, match=r"x\.csv is not what was written, .* delete it and run"):
        records.checked([path])
    own = json.loads(records.beside(path).read_text())
    own["result"]["results/measure/x.csv"] = io.checksum(path)
    records.beside(path).write_text(json.dumps(own, indent=2, sort_keys=True) + "\n")
    with pytest.raises(UserError, match=r"x\.csv\.json is damaged, or of another version"):
        records.checked([path])


def test_results_that_changed_places_are_noticed(tmp_path: Path) -> None:
    first, second = (made(tmp_path, f"results/measure/{name}.csv") for name in ("a", "b"))
    for path in (first, records.beside(first)):
        path.replace(tmp_path / "results/measure" / path.name.replace("a.csv", "b.csv"))
    with pytest.raises(UserError, match=r"b\.csv is a copy of results/measure/a\.csv"):
        records.checked([second])


@pytest.mark.parametrize("by_record", [False, True])
@pytest.mark.parametrize("folder", ["results", "results/reference/quick", "elsewhere"])
def test_a_result_of_another_input_than_is_there_is_noticed(
    tmp_path: Path, folder: str, by_record: bool
) -> None:
    source, result = (tmp_path / folder / name for name in ("train/x.csv", "measure/y.csv"))
    io.write_text("1\n", source)
    records.seal(source, "results/train/x.csv", RECORD)
    io.write_text("2\n", result)
    inputs = {
        "results/train/x.csv": io.checksum(source),
        "results/train/gone.csv": "sha256:0",
        "config/claims.yaml": "sha256:1",
        "archive.zip": "sha256:2",
    }
    records.seal(result, "results/measure/y.csv", RECORD | {"inputs": inputs})
    asked = records.beside(result) if by_record else result
    records.checked([asked])
    io.write_text("3\n", source)
    records.seal(source, "results/train/x.csv", RECORD)
    with pytest.raises(UserError) as raised:
        records.checked([asked])
    assert f"{result} was made of another results/train/x.csv" in str(raised.value)


def test_a_file_without_a_record_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "config/claims.yaml"
    io.write_text("[]\n", path)
    settings = tmp_path / "config/agreement.json"
    io.write_text("{}", settings)
    assert records.checked([path, settings]) == {
        path: io.checksum(path),
        settings: io.checksum(settings),
    }
