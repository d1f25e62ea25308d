"""Literal full-batch gradient descent: constant steps, as a paper prints them."""

from vaentk.training.gradient import Gradient, Vector
from vaentk.training.recorder import Recorder
from vaentk.training.schedule import Descent
from vaentk.training.state import State, Tick, no_tick

CHECK_EVERY = 64
"""Steps between two checks for divergence (each waits for the device)."""


def initial_state(gradient: Gradient, members: int) -> State:
    """State before the first step: ``displacement``, (S, P) with all layers in a row, is zero."""
    like = next(iter(gradient.initial.values()))
    return State(0, {"displacement": Vector.zero(gradient.shapes, members, like).flat})


def descend(
    gradient: Gradient,
    schedule: Descent,
    recorder: Recorder,
    state: State,
    tick: Tick = no_tick,
) -> State:
    """Run gradient descent on every member and observe it at the schedule's steps.

    The state is changed in place; the result is that of an uninterrupted run, to the bit on a CPU.
    The tick is called after every update.

    Raises
    ------
    UserError
        When a loss is not finite or has risen a thousandfold.
    """
    displacement = Vector.of(state.tensors["displacement"], gradient.shapes)
    record_at = set(schedule.record)
    gradient.start_from(displacement)
    while True:
        time = schedule.time(state.step)
        if state.step in record_at and not state.observed:
            recorder.record(state, gradient, time, gradients=state.step)
        elif state.step % CHECK_EVERY == 0:
            recorder.refuse_divergence(state, gradient.observe(state.step), time)
        if state.step == schedule.steps:
            return state
        gradient.evaluate(step=state.step)
        gradient.add_to_(displacement, -schedule.learning_rate)
        gradient.start_from(displacement)
        state.step += 1
        tick(state)
