"""Which jobs a change makes run again; that repeated and resumed runs end with the same bytes."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from trees import results


def changed_rules(output: str) -> set[str]:
    """Rules that a dry run would execute because their own parameters changed, say their digest.

    A rule whose input is made anew is named by that alone, whether or not its digest changed.
    """
    jobs = re.split(r"^(?:local)?rule ", output, flags=re.M)[1:]
    return {
        job.partition(":")[0]
        for job in jobs
        if re.search(r"reason: .*(?:Params|Code) ha(?:s|ve) changed", job)
    }


def edit(path: Path, old: str, new: str) -> None:
    """Replace text that must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_second_run_finds_nothing_to_do_and_says_so(finished: Path, snakemake: Callable) -> None:
    again = snakemake(finished)
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout


def test_changing_one_setting_retrains_its_run_only(
    copy_of_finished: Path, snakemake: Callable
) -> None:
    edit(copy_of_finished / "config/tiny.yaml", "steps: 2048", "steps: 4096")
    planned = snakemake(copy_of_finished, "--dry-run")
    assert "train_weight_change" in changed_rules(planned.stdout)
    assert "rule measure_weight_change" in planned.stdout
    assert "rule train_linear_rate" not in planned.stdout


def test_two_runs_are_byte_equal_whatever_the_cores(
    finished: Path, fresh: Path, snakemake: Callable
) -> None:
    """Figures of two kinds of training, and all that lies behind them, on one core."""
    shown = ("weight_change", "ridge")
    wanted = [f"results/figures/{name}.svg" for name in shown]
    assert snakemake(fresh, "--cores", "1", *wanted).returncode == 0
    first, second = results(finished), results(fresh)
    assert second.keys() <= first.keys()
    assert len(second) > 30
    assert [name for name in second if first[name] != second[name]] == []


def test_a_page_made_again_has_the_same_bytes(
    finished: Path, copy_of_finished: Path, snakemake: Callable
) -> None:
    for folder in ("claims", "report"):
        shutil.rmtree(copy_of_finished / "results" / folder)
    for table in (copy_of_finished / "results/tables").glob("ridge*"):
        table.unlink()
    assert snakemake(copy_of_finished, "--cores", "1").returncode == 0
    assert results(copy_of_finished) == results(finished)


def test_a_corrupt_result_is_named(copy_of_finished: Path, snakemake: Callable) -> None:
    victim = copy_of_finished / "results/train/weight_change/mnist-7x7/16-32.parquet"
    victim.write_bytes(victim.read_bytes()[:100])
    result = snakemake(copy_of_finished)
    assert result.returncode != 0
    assert re.search(
        r"weight_change/mnist-7x7/16-32\.parquet is not what was written.*delete it", result.stdout
    )
    assert "Traceback" not in result.stdout
