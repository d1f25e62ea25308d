"""Steps, times and records of gradient descent: known numbers, and refusals."""

from itertools import pairwise
from math import isclose

import pytest

from vaentk.errors import UserError
from vaentk.training.schedule import (
    Schedule,
    eq7_learning_rate,
    literal,
    paper_duration,
    recorded_steps,
    time_equivalent,
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


def test_literal_takes_the_steps_as_printed() -> None:
    schedule = literal(0.25, 12, limit=0.25, subject="width 64")
    assert schedule == Schedule(0.25, 12, (0, 1, 2, 3, 4, 6, 8, 9, 12))
    assert schedule.duration == 3.0
    assert [schedule.time(step) for step in (0, 1, 3, 6, 12)] == [0, 0.25, 0.75, 1.5, 3.0]


def test_literal_is_refused_from_just_above_the_limit() -> None:
    with pytest.raises(UserError):
        literal(0.2501, 12, limit=0.25, subject="width 64")


def test_literal_above_the_limit_is_refused_in_one_sentence() -> None:
    with pytest.raises(UserError) as caught:
        literal(1.0, 2**17, limit=0.2183, subject="mnist-7x7, width 64")
    message = str(caught.value)
    assert message.startswith("mnist-7x7, width 64: ")
    for part in ("learning rate 1 ", "stability limit", "0.2183", "stepping: time-equivalent"):
        assert part in message
    assert "\n" not in message


@pytest.mark.parametrize("duration", [334.3673, 1.0, 0.003, 5349.877])
@pytest.mark.parametrize("limit", [0.21, 1.83, 7.0, 400.0])
@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
def test_time_equivalent_reaches_the_time_by_the_largest_allowed_step(
    duration: float, limit: float, fraction: float
) -> None:
    """The last record's time is the duration to the bit; halving times are hit to rounding."""
    schedule = time_equivalent(duration, limit, fraction)
    assert schedule.time(schedule.steps) == schedule.duration
    assert isclose(schedule.duration, duration, rel_tol=1e-15)
    assert schedule.steps % 64 == 0
    assert schedule.learning_rate <= fraction * limit * (1 + 1e-12)
    fewer = schedule.steps - 64
    assert fewer == 0 or duration / fewer > fraction * limit
    for halving in range(7):
        assert schedule.steps % 2**halving == 0
        step = schedule.steps // 2**halving
        assert step in schedule.record
        assert isclose(schedule.time(step), duration / 2**halving, rel_tol=1e-15)


def test_runs_of_different_limits_are_observed_at_common_times() -> None:
    narrow, wide = time_equivalent(334.37, 0.22, 0.5), time_equivalent(334.37, 1.83, 0.5)
    assert narrow.steps != wide.steps
    for part in range(1, 65):
        steps = [run.steps * part // 64 for run in (narrow, wide)]
        assert steps[0] in narrow.record
        assert steps[1] in wide.record
        assert isclose(narrow.time(steps[0]), wide.time(steps[1]), rel_tol=1e-15)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (1, (0, 1)),
        (2, (0, 1, 2)),
        (3, (0, 1, 2, 3)),
        (7, (0, 1, 2, 4, 7)),
        (8, (0, 1, 2, 3, 4, 5, 6, 7, 8)),
        (12, (0, 1, 2, 3, 4, 6, 8, 9, 12)),
        (40, (0, 1, 2, 4, 5, 8, 10, 15, 16, 20, 25, 30, 32, 35, 40)),
        (65, (0, 1, 2, 4, 8, 16, 32, 64, 65)),
    ],
)
def test_recorded_steps_by_hand(steps: int, expected: tuple[int, ...]) -> None:
    assert recorded_steps(steps) == expected


def test_recorded_steps_increase_strictly_from_0_to_the_last_step() -> None:
    for steps in [*range(1, 1500), 2**17, 2**17 - 1, 64 * 1001]:
        record = recorded_steps(steps)
        assert record[0] == 0
        assert record[-1] == steps
        assert all(a < b for a, b in pairwise(record))
        # No gap of more than an octave, and every whole 64th of the run.
        assert all(b <= 2 * a for a, b in pairwise(record[1:]))
        step = steps
        while step * 64 > steps and step % 2 == 0:
            step //= 2
            assert step in record
        if steps % 64 == 0:
            assert {steps // 64 * part for part in range(65)} <= set(record)
        assert len(record) <= 66 + steps.bit_length()


def test_no_time_observes_the_start() -> None:
    schedule = time_equivalent(0.0, limit=2.0, fraction=0.5)
    assert (schedule.steps, schedule.record, schedule.time(0)) == (0, (0,), 0.0)
