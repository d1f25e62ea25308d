"""What surrounds a script: one sentence for what a user can mend, provenance for every result."""

import errno
import json
import os
import re
import subprocess
import sys
from collections import UserDict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pytest
import torch

from vaentk.data.stored import Stored
from vaentk.errors import FAULTS, UserError
from vaentk.runtime import io, job, records


def fake_rule(folder: Path, **params: object) -> SimpleNamespace:
    """What Snakemake hands to a script, for a rule with one input and one recorded result."""
    source = folder / "source.txt"
    source.write_text("")
    result = folder / "results/measure/out.csv"
    declared = {"table": str(result), "table_provenance": f"{result}.json"}

    class Files(UserDict):
        def __iter__(self):
            return iter(self.data.values())

        def items(self):
            return self.data.items()

    return SimpleNamespace(
        rule="measure",
        input=Files(source=str(source)),
        output=Files(declared),
        params=Files(params),
        log=[str(folder / "results/logs/measure/out.log")],
        threads=1,
    )


def test_results_get_their_provenance(tmp_path: Path) -> None:
    rule = fake_rule(tmp_path, settings={"seeds": [0, 1]}, code="abc", dtype="float32")
    with job.running(rule) as task:
        io.write_text("x\n1\n", task.outputs["table"])
        task.describe(task.outputs["table"], alt="words")
    record = json.loads((tmp_path / "results/measure/out.csv.json").read_text())
    assert record["code"] == "abc"
    assert record["seeds"] == [0, 1]
    assert record["parameters"] == {"settings": {"seeds": [0, 1]}, "dtype": "float32"}
    assert list(record["inputs"].values()) == [io.checksum(tmp_path / "source.txt")]
    assert record["alt"] == "words"
    machine = json.loads((tmp_path / "results/benchmarks/measure/out.json").read_text())
    assert machine["cores"] >= 1


def test_provenance_tells_of_no_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records, machines = [], []
    for name, cores in (("here", 2), ("there", 64)):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        monkeypatch.setattr("platform.node", lambda name=name: name)
        folder = tmp_path / name
        folder.mkdir()
        rule = fake_rule(folder, settings={}, code="abc")
        rule.threads = cores
        with job.running(rule) as task:
            io.write_text("x\n1\n", task.outputs["table"])
        records.append((folder / "results/measure/out.csv.json").read_text())
        machines.append((folder / "results/benchmarks/measure/out.json").read_text())
    assert records[0] == records[1]
    assert machines[0] != machines[1]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (UserError("data.mnist is wrong: mend it"), "measure: data.mnist is wrong: mend it"),
        (MemoryError(), "measure: out of memory: use fewer widths or seeds at once"),
        (
            RuntimeError("CUDA out of memory. Tried\nmore"),
            "measure: CUDA out of memory. Tried; use",
        ),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception, sentence: str
) -> None:
    rule = fake_rule(tmp_path)
    with pytest.raises(SystemExit) as stopped, job.running(rule):
        raise error
    assert stopped.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith(sentence)
    assert said.count("\n") == 1
    assert sentence in (tmp_path / "results/logs/measure/out.log").read_text()
    assert not (tmp_path / "results/measure/out.csv.json").exists()


def test_a_bug_keeps_its_traceback_in_the_log(tmp_path: Path) -> None:
    rule = fake_rule(tmp_path)
    with pytest.raises(ZeroDivisionError), job.running(rule):
        raise ZeroDivisionError
    assert "ZeroDivisionError" in (tmp_path / "results/logs/measure/out.log").read_text()


def test_a_script_that_forgets_a_result_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="did not write"), job.running(fake_rule(tmp_path)):
        pass


@pytest.mark.parametrize(
    "path",
    [
        "results/claims/claims.csv",
        ".snakemake/storage/s3/bucket/results/claims/claims.csv",
        ".snakemake/storage/s3/bucket/results/mine/results/claims/claims.csv",
    ],
)
def test_a_copy_from_a_bucket_goes_by_the_name_that_the_workflow_has(path: str) -> None:
    assert job.declared_name(Path(path)) == "results/claims/claims.csv"


def test_the_commit_comes_from_the_variable_where_there_is_no_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAENTK_COMMIT", "abc123")
    assert job.commit() == "abc123"
    monkeypatch.delenv("VAENTK_COMMIT")
    monkeypatch.setattr(job, "__file__", str(tmp_path / "workflow/src/vaentk/runtime/job.py"))
    assert job.commit() == "unknown"


def test_sources_inside_another_repository_do_not_take_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> None:
        own = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *own, *arguments], cwd=tmp_path, check=True, capture_output=True)

    monkeypatch.delenv("VAENTK_COMMIT", raising=False)
    (tmp_path / "file").touch()
    for arguments in (["init"], ["add", "file"], ["commit", "-m", "one"]):
        git(*arguments)
    inside = tmp_path / "unpacked/workflow/src/vaentk/runtime/job.py"
    monkeypatch.setattr(job, "__file__", str(inside))
    assert job.commit() == "unknown"
    monkeypatch.setattr(job, "__file__", str(tmp_path / "workflow/src/vaentk/runtime/job.py"))
    assert re.fullmatch(r"[0-9a-f]{12}", job.commit())
    (tmp_path / "file").write_text("changed")
    assert job.commit().endswith("-dirty")


def test_a_job_ends_with_snakemake(tmp_path: Path) -> None:
    """Started by a process that is killed, it sees that within a second or two."""
    script = (
        "import os, threading, time; from vaentk.runtime import job;"
        "threading.Thread(target=job._end_with, args=(os.getppid(),), daemon=True).start();"
        "print(os.getpid(), flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        ["sh", "-c", f'"{sys.executable}" -c "{script}"; true'], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    child.wait(timeout=10)
    parent.stdout.close()


@pytest.mark.parametrize("number", sorted(FAULTS), ids=errno.errorcode.get)
def test_a_fault_of_storage_anywhere_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    with pytest.raises(SystemExit), job.running(fake_rule(tmp_path)):
        raise OSError(number, os.strerror(number), "results/logs/events")
    assert capsys.readouterr().err == f"measure: results/logs/events: {FAULTS[number]}\n"


def test_an_input_that_was_changed_by_hand_ends_a_job_before_its_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = fake_rule(tmp_path)
    records.seal(tmp_path / "source.txt", "source.txt", {"inputs": {}})
    (tmp_path / "source.txt").write_text("changed")
    with pytest.raises(SystemExit), job.running(rule):
        raise AssertionError("it works on")
    assert "source.txt is not what was written" in capsys.readouterr().err


def test_a_rule_names_its_functions_and_its_settings(tmp_path: Path) -> None:
    rule = fake_rule(
        tmp_path,
        functions={"measure": "pandas:concat"},
        settings_class="builtins:dict",
        settings={"widths": [2, 4]},
    )
    with job.running(rule) as task:
        assert task.functions == {"measure": pd.concat}
        io.write_text("x\n1\n", task.outputs["table"])
        record = task.params["settings"]
    assert record == {"widths": [2, 4]}
    written = json.loads((tmp_path / "results/measure/out.csv.json").read_text())
    assert written["parameters"] == {"settings": {"widths": [2, 4]}}, "names of code are no setting"


def test_inputs_are_opened_by_what_they_are(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": [1, 2]})
    io.write_table(table, tmp_path / "t.csv")
    io.write_table(table, tmp_path / "t.parquet")
    io.write_arrays({"a": np.arange(3)}, tmp_path / "a.safetensors", "a note")
    files = {
        "measured": [tmp_path / "t.csv"],
        "records": [tmp_path / "t.parquet", tmp_path / "t.parquet"],
        "outputs": [tmp_path / "a.safetensors"],
        "images": [tmp_path / "a.safetensors"],
    }
    log = tmp_path / "results/logs/train/ridge/run/64.log"
    task = job.Job({}, {}, files, {"network": {"beta": 1}}, 1, "cpu", log)
    assert task.opened("measured").equals(table)
    assert list(task.opened("records", [16, 32])) == [16, 32]
    assert isinstance(task.opened("outputs").arrays["a"], np.ndarray)
    assert task.opened("outputs").note == "a note"
    assert isinstance(task.opened("images").arrays["a"], torch.Tensor)
    assert task.opened("network") == {"beta": 1}
    assert task.opened("task") is task
    with pytest.raises(ValueError, match="zip"):
        task.opened("records", [16])
    assert task.checkpoints == tmp_path / "results/train/ridge/run/64.checkpoint"


def test_results_are_written_by_what_they_are(tmp_path: Path) -> None:
    names = ("table.csv", "stored.safetensors", "arrays.safetensors")
    outputs = {name.partition(".")[0]: tmp_path / name for name in names}
    task = job.Job({}, outputs, {}, {}, 1, "cpu", tmp_path / "x.log")
    table, arrays = pd.DataFrame({"x": [1.5]}), {"a": np.arange(3)}
    task.save({"table": table, "stored": Stored(arrays, "a note"), "arrays": arrays})
    assert io.read_table(outputs["table"]).equals(table)
    assert io.read_note(outputs["stored"]) == "a note"
    assert io.read_arrays(outputs["arrays"])["a"].tolist() == [0, 1, 2]


def test_forgetting_removes_the_checkpoints_alone(tmp_path: Path) -> None:
    task = job.Job({}, {}, {}, {}, 1, "cpu", tmp_path / "logs/10.log")
    (task.checkpoints / "base").mkdir(parents=True)
    (task.checkpoints / "base" / "ensemble.safetensors").touch()
    (task.checkpoints / ".ensemble.safetensors.1.part").touch()  # what a killed run leaves
    (tmp_path / "10.parquet").touch()
    task.forget_checkpoints()
    assert [path.name for path in tmp_path.iterdir()] == ["10.parquet"]
    task.forget_checkpoints()


@pytest.mark.parametrize("kind", ["weight_change", "sensitivity"])
def test_a_measure_of_tables_alone_waits_for_no_torch(kind: str) -> None:
    script = f"import sys, vaentk.runtime.job, vaentk.experiments.ntk.{kind}.measure"
    script += "; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
