"""Times, steps and refusals: known numbers."""

from itertools import pairwise

import pytest

from vaentk.errors import UserError
from vaentk.training.schedule import (
    Descent,
    eq7_learning_rate,
    literal,
    moments,
    paper_duration,
    refuse_unstable,
)


def test_paper_duration_is_334_units_of_eq_7() -> None:
    """2^17 steps of lr 1 on the mean over n and 784 outputs: 2^18 / 784 = 334.4."""
    assert paper_duration(2**17, 1.0, 784, "mean") == pytest.approx(334.4, abs=0.05)
    assert paper_duration(2**17, 1.0, 784, "mean") == pytest.approx(2**18 / 784, rel=1e-15)
    assert paper_duration(2**17, 1.0, 784, "sum") == 2**17
    assert paper_duration(1000, 0.5, 49, "mean") == pytest.approx(1000 / 49, rel=1e-15)


def test_learning_rate_in_eq_7_units() -> None:
    assert eq7_learning_rate(1.0, 49, "mean") == pytest.approx(2 / 49, rel=1e-15)
    assert eq7_learning_rate(0.3, 49, "sum") == 0.3


# Gradient flow


def test_a_flow_is_observed_at_halvings_of_its_time() -> None:
    assert moments(32.0, 1e-3).times == (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
    assert moments(32.0, 1e-3).steps == 7
    assert moments(32.0, 0.01).accuracy == 0.01


@pytest.mark.parametrize("duration", [334.3673, 1.0, 0.003, 5349.877])
@pytest.mark.parametrize("per_octave", [1, 2, 4])
def test_halvings_are_exact_whatever_comes_between(duration: float, per_octave: int) -> None:
    """`weight_change.measure` finds records by ``time == duration * 2^-k``."""
    times = moments(duration, 1e-3, per_octave=per_octave).times
    assert times[0] == 0
    assert times[-1] == duration
    assert len(times) == 2 + 6 * per_octave
    for octave in range(7):
        assert times[-1 - octave * per_octave] == duration * 2.0**-octave
    for early, late in pairwise(times[1:]):
        assert late / early == pytest.approx(2 ** (1 / per_octave), rel=1e-12)


@pytest.mark.parametrize(
    ("fastest", "octaves"),
    [
        (0.0, 6),
        (3.2, 6),  # 1 * 3.2 / 0.05 = 2^6
        (3.21, 7),
        (51.2, 10),
        (51.3, 11),
    ],
)
def test_the_first_time_is_before_the_fastest_mode_moves(fastest: float, octaves: int) -> None:
    """At most 0.05 / lambda_max, in the fewest octaves, and never fewer than six."""
    times = moments(1.0, 1e-3, fastest).times
    assert len(times) == octaves + 2
    assert times[1] == 2.0**-octaves
    assert times[1] * fastest <= 0.05
    assert octaves == 6 or 2 * times[1] * fastest > 0.05


def test_no_time_observes_the_start() -> None:
    assert moments(0.0, 1e-3, fastest=5.0, per_octave=2).times == (0.0,)
    assert moments(0.0, 1e-3).steps == 0


# Literal descent


def test_literal_takes_the_steps_as_printed() -> None:
    schedule = literal(0.25, 12)
    assert schedule == Descent(0.25, 12, (0, 1, 2, 3, 4, 6, 8, 12))
    assert [schedule.time(step) for step in (0, 1, 3, 6, 12)] == [0, 0.25, 0.75, 1.5, 3.0]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (1, (0, 1)),
        (2, (0, 1, 2)),
        (3, (0, 1, 2, 3)),
        (7, (0, 1, 2, 4, 7)),
        (8, (0, 1, 2, 4, 8)),
        (12, (0, 1, 2, 3, 4, 6, 8, 12)),
        (40, (0, 1, 2, 4, 5, 8, 10, 16, 20, 32, 40)),
        (65, (0, 1, 2, 4, 8, 16, 32, 64, 65)),
    ],
)
def test_recorded_steps_by_hand(steps: int, expected: tuple[int, ...]) -> None:
    assert literal(1.0, steps).record == expected


def test_recorded_steps_increase_strictly_from_0_to_the_last_step() -> None:
    for steps in [*range(1, 1500), 2**17, 2**17 - 1, 64 * 1001]:
        record = literal(1.0, steps).record
        assert record[0] == 0
        assert record[-1] == steps
        assert all(a < b for a, b in pairwise(record))
        # No gap of more than an octave.
        assert all(b <= 2 * a for a, b in pairwise(record[1:]))
        assert len(record) <= 8 + steps.bit_length()


def test_halvings_of_the_papers_time_are_exact() -> None:
    """As a flow's: `weight_change.measure` finds both by the same comparison."""
    schedule = literal(eq7_learning_rate(1.0, 784, "mean"), 2**17)
    duration = schedule.time(2**17)
    for octave in range(7):
        assert 2 ** (17 - octave) in schedule.record
        assert schedule.time(2 ** (17 - octave)) == duration * 2.0**-octave


def test_a_learning_rate_at_the_limit_is_not_refused() -> None:
    refuse_unstable(literal(0.25, 12), limit=0.25, subject="width 64")


def test_a_learning_rate_is_refused_from_just_above_the_limit() -> None:
    with pytest.raises(UserError):
        refuse_unstable(literal(0.2501, 12), limit=0.25, subject="width 64")


def test_a_learning_rate_above_the_limit_is_refused_in_one_sentence() -> None:
    with pytest.raises(UserError) as caught:
        refuse_unstable(literal(1.0, 2**17), limit=0.2183, subject="mnist-7x7, width 64")
    message = str(caught.value)
    assert message.startswith("mnist-7x7, width 64: ")
    for part in (
        "learning rate 1 ",
        "stability limit",
        "0.2183",
        "than 0.218, or follow",
    ):
        assert part in message
    assert "\n" not in message
