"""The table of `make plan`, from jobs that are told to it."""

from pathlib import Path

import pytest

from vaentk.config import Config, load
from vaentk.costs import table as plan
from vaentk.costs.jobs import cost_of
from vaentk.costs.table import Planned
from vaentk.costs.work import Cost
from vaentk.data.table import read_table

ROOT = Path(__file__).parents[3]
FACES = {"latent": [10, 64], "seeds": [0, 1], "steps": 1000}
DATA = {"mnist": "full", "celeba": "full", "cars3d": "archive", "cifar": "cifar10-packaged"}


@pytest.fixture
def config() -> Config:
    return load({"data": DATA, "experiments": {"discovery": {"faces": FACES}}})


def job(rule: str, needs: str = "", makes: str = "", **wildcards: str) -> Planned:
    return Planned(rule, wildcards, frozenset(needs.split()), frozenset(makes.split()))


def jobs() -> list[Planned]:
    """Two trainings on one data set, and what shows them."""
    return [
        job("celeba", "", "faces", name="celeba"),
        job("train_discovery", "faces", "a", run="faces", latent="10"),
        job("train_discovery", "faces", "b", run="faces", latent="64"),
        job("measure_discovery", "faces a b", "measured", run="faces"),
        job("figure_discovery", "measured", "figure"),
        job("all", "figure"),
    ]


def rows(text: str) -> dict[tuple[str, str], list[str]]:
    """The table's rows by stage and experiment, columns of their own."""
    found = {}
    for line in text.splitlines():
        if line[:9].strip() in (*plan.STAGES, "all"):
            columns = [part.strip() for part in line[27:].split("  ") if part.strip()]
            found[line[:9].strip(), line[10:26].strip()] = columns
    return found


def test_a_rule_that_names_no_stage_makes_data() -> None:
    for rule in ("mnist", "inputs", "a_set_of_ones_own"):
        assert Planned(rule, {}, frozenset(), frozenset()).stage == "data"
    assert Planned("data_facts", {}, frozenset(), frozenset()).stage == "measure"


def test_rows_are_experiments_and_stages_in_their_order_and_add_up(config: Config) -> None:
    text = plan.table(jobs(), config, gpu=False, cores=4)
    found = rows(text)
    assert list(found) == [
        ("data", ""),
        ("train", "discovery"),
        ("measure", "discovery"),
        ("figure", ""),
        ("all", ""),
    ]
    assert [columns[0] for columns in found.values()] == ["1", "2", "1", "1", "5"]
    trained = [cost_of(config, j.rule, j.wildcards) for j in jobs()[1:3]]
    assert found["train", "discovery"][1] == plan.span(sum(2 * c.seconds for c in trained))
    assert found["train", "discovery"][2] == plan.span(sum(c.on_gpu or 0 for c in trained))
    assert found["measure", "discovery"][2] == "-"
    assert max(map(len, text.splitlines())) <= 100


def test_the_longest_chain_waits_for_data_and_not_for_its_neighbours() -> None:
    data, first, second, measure, figure, _ = jobs()
    seconds = {data: 10.0, first: 100.0, second: 30.0, measure: 5.0, figure: 1.0}
    costs = {job: Cost(taken, on_gpu=taken / 10) for job, taken in seconds.items()}
    assert plan.longest_chain(costs, gpu=False) == pytest.approx(116)
    assert plan.longest_chain(costs, gpu=True) == pytest.approx(11.6)
    assert plan.longest_chain({}, gpu=True) == 0


def test_a_machine_shares_its_cores_and_its_gpu(config: Config) -> None:
    text = plan.table(jobs(), config, gpu=True, cores=4)
    costs = [cost_of(config, j.rule, j.wildcards, 4) for j in jobs()[:-1]]
    on_cpu = plan.span(sum(c.seconds * c.cores for c in costs) / 4)
    assert f"This machine: about {on_cpu} on its 4 CPU cores." in text
    assert "With one GPU (it has one): about" in text


def test_nothing_to_do_is_said(config: Config) -> None:
    said = plan.table([], config, gpu=False, cores=2)
    assert said == "Nothing to do: every result is there and up to date."
    assert plan.table([job("all")], config, gpu=False, cores=2) == said


def test_downloads_are_those_of_planned_jobs_and_not_in_the_cache(
    config: Config, tmp_path: Path
) -> None:
    table = read_table(ROOT / "config/datasets.csv")
    found = plan.to_download(jobs(), config, table, tmp_path)
    assert [file.file for file in found] == ["img_align_celeba.zip", "list_attr_celeba.txt"]
    (tmp_path / "celeba").mkdir()
    (tmp_path / "celeba/img_align_celeba.zip").touch()
    found = plan.to_download([*jobs(), job("cars3d"), job("cifar")], config, table, tmp_path)
    assert [file.file for file in found] == ["nips2015-analogy-data.tar.gz", "list_attr_celeba.txt"]
    said = plan.table(jobs(), config, gpu=False, cores=2, files=found).splitlines()[-1]
    assert said == "Downloads: 2 files, 25 MB and nips2015-analogy-data.tar.gz (size not stated)."


def test_a_sentence_says_what_all_trainings_take(config: Config) -> None:
    said = plan.at_most(config, gpu=True)
    assert "on 2 CPU cores (measured rates)" in said
    assert "on a GPU (assumed rates)" in said
    assert "GPU" not in plan.at_most(load({}), gpu=False)


@pytest.mark.parametrize(
    ("seconds", "said"), [(4, "4 s"), (90, "2 min"), (5400, "1.5 h"), (3.6e6, "1,000 h")]
)
def test_times_are_in_units_that_suit_them(seconds: float, said: str) -> None:
    assert plan.span(seconds) == said
