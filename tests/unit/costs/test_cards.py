"""What a job takes on a GPU, by counts and rates; and rates of a card that was measured."""

from math import inf

import pytest
import yaml
from configurations import shipped
from trees import ROOT

from vaentk.costs.cards import ANY, CARDS, JOBS, PRECISIONS, Card, Load, refitted, together
from vaentk.costs.jobs import cost_of, trainings

CARD = Card("invented", 10.0, 1e-3, 1e-4, {"float32": 1e12, "bfloat16": 4e12}, 1e11)


@pytest.mark.parametrize(
    ("load", "seconds"),
    [
        (Load(1000, 0.0), 10 + 1),
        (Load(1000, 0.0, recorded=True), 10 + 0.1),
        (Load(0, 8e12), 10 + 8),
        (Load(0, 8e12, precision="bfloat16"), 10 + 2),
        (Load(0, 8e12, precision="bfloat16", traffic=5e11), 10 + 5),
    ],
)
def test_whichever_takes_longer_counts(load: Load, seconds: float) -> None:
    assert load.seconds(CARD) == pytest.approx(seconds)


def test_a_job_starts_while_another_computes() -> None:
    """Of long jobs one start remains; short ones start two at a time."""
    long, short = Load(0, 100e12), Load(0, 1e12)
    assert together([], CARD) == 0
    assert together([long], CARD) == long.seconds(CARD) == 110
    assert together([long] * 3, CARD) == 10 + 300
    assert together([short] * 5, CARD) == 10 + (5 + 4 * 10) / 2
    profile = yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text())
    assert profile["resources"] == [f"gpu={JOBS}"]


def test_every_card_has_every_precision() -> None:
    for card in (ANY, *CARDS.values()):
        assert set(card.products) == set(PRECISIONS)


def test_fewer_bits_are_planned_to_take_less_time() -> None:
    """Of the authors' network on CelebA: by operations and by bytes."""
    times = {}
    for precision in PRECISIONS:
        paper = shipped("paper")
        run = paper.experiments.deep_vae["celeba"]
        network = run.network.but(precision=precision)
        other = run.but(network=network.model_dump(mode="json"))
        experiments = paper.experiments.model_copy(update={"deep_vae": {"celeba": other}})
        config = paper.model_copy(update={"experiments": experiments})
        cost = cost_of(config, ("train_deep_vae", {"run": "celeba", "part": "base"}))
        assert cost.load
        times[precision] = cost.load.seconds(CARDS["h200"])
    assert times["float32"] > times["tf32"] > times["bfloat16"]


def test_the_papers_scale_is_planned_for_an_afternoon_of_an_h200() -> None:
    paper = shipped("paper")
    loads = [cost_of(paper, job).load for job in trainings(paper)]
    hours = together([load for load in loads if load], CARDS["h200"]) / 3600
    assert 1 < hours < 3.5


def test_a_card_that_was_measured_has_its_own_rates() -> None:
    measured = {
        "device": "a card",
        "torch": "2.11",
        "start": 7.04,
        "ceilings": {"copy": 1e12},
        "launching": {"eager": 2e-3, "graph": 3e-4},
        "reached": dict(zip(PRECISIONS, (1e13, 3e13, 6e13), strict=True)),
    }
    card = refitted(measured)
    assert (card.start, card.launched, card.replayed) == (7.0, 2e-3, 3e-4)
    assert card.products["bfloat16"] == 6e13
    assert card.copied == 7e11
    assert "measured on a card" in card.says
    assert ANY.copied == inf
