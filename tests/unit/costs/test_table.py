"""The table of `make plan`, from jobs that are told to it."""

import pytest

from vaentk.config import Config, load
from vaentk.costs import table as plan
from vaentk.costs.jobs import Job, cost_of

FACES = {"latent": [10, 64], "seeds": [0, 1], "steps": 1000}
DATA = {"mnist": "full", "celeba": "full"}
JOBS: list[Job] = [
    ("celeba", {"name": "celeba"}),
    ("train_discovery", {"run": "faces", "part": "10"}),
    ("train_discovery", {"run": "faces", "part": "64"}),
    ("measure_discovery", {"run": "faces"}),
    ("show_discovery", {}),
    ("figure_images", {}),
    ("claims", {}),
    ("all", {}),
]


@pytest.fixture
def config() -> Config:
    return load({"data": DATA, "experiments": {"discovery": {"faces": FACES}}})


def rows(text: str) -> dict[tuple[str, str], list[str]]:
    """The table's rows by stage and experiment, columns of their own."""
    found = {}
    for line in text.splitlines():
        if line[:9].strip() in (*plan.STAGES, "all"):
            columns = [part.strip() for part in line[29:].split("  ") if part.strip()]
            found[line[:9].strip(), line[10:28].strip()] = columns
    return found


def test_rows_are_experiments_and_stages_in_their_order_and_add_up(config: Config) -> None:
    text = plan.table(JOBS, config, gpu=False, cores=4)
    written = rows(text)
    assert list(written) == [
        ("data", ""),
        ("train", "discovery"),
        ("measure", "discovery"),
        ("show", ""),
        ("claims", ""),
        ("all", ""),
    ]
    assert [columns[0] for columns in written.values()] == ["2", "2", "1", "1", "1", "7"]
    trained = [cost_of(config, job) for job in JOBS[1:3]]
    assert written["train", "discovery"][1] == plan.span(sum(2 * c.seconds for c in trained))
    assert written["train", "discovery"][2] == plan.span(sum(c.on_gpu or 0 for c in trained))
    assert written["measure", "discovery"][2] == "-"
    assert max(map(len, text.splitlines())) <= 100


def test_a_machine_shares_its_cores_and_its_gpu(config: Config) -> None:
    text = plan.table(JOBS, config, gpu=True, cores=4)
    costs = [cost_of(config, job) for job in JOBS[:-1]]
    on_cpu = plan.span(sum(c.seconds * c.cores for c in costs) / 4)
    assert f"This machine: about {on_cpu} on its 4 CPU cores." in text
    assert "With one GPU (it has one): about" in text


def test_nothing_to_do_is_said(config: Config) -> None:
    said = plan.table([], config, gpu=False, cores=2)
    assert said == "Nothing to do: every result is there and up to date."
    assert plan.table([("all", {})], config, gpu=False, cores=2) == said


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


def test_the_first_line_names_files_and_what_they_change() -> None:
    default = load({"experiments": {"linear_vae": {"a": {}, "b": {}}}})
    assert plan.told(default, default, ["config/config.yaml"]) == (
        "configuration quick, from config/config.yaml: 2 runs of 1 experiments"
    )
    experiments = {"linear_vae": {"a": {"steps": 20_000}, "b": None}, "lipschitz": {"c": {}}}
    mine = load({"name": "mine", "experiments": experiments})
    files = ["config/config.yaml", "mine.yaml", "mine.yaml"]
    assert plan.told(mine, default, files) == (
        "configuration mine, from config/config.yaml with mine.yaml: 2 runs of 2 experiments; "
        "of the default's, 1 new, 1 changed, 1 left out"
    )
