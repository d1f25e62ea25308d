"""Full-batch gradient descent whose trained quantity is the displacement from initialisation.

One step moves a weight of order 1 by less than a unit in its last place for a growing share of the
weights of a wide network, and a float32 weight would swallow it. So the displacement has a buffer
of its own, ``W(t) = W(0) + Delta(t)``: the update is added to Delta, and the sum is rounded once.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from vaentk.errors import UserError
from vaentk.models.forward import Model, Weights
from vaentk.models.mlp_vae import MlpVae
from vaentk.training import vae_update
from vaentk.training.objectives import Objective, ObjectiveValue
from vaentk.training.schedule import Schedule
from vaentk.training.state import Record, State, Tick, no_tick
from vaentk.training.update import GeneralUpdate, Observation, Update
from vaentk.training.vae_update import TanhVaeUpdate

CHECK_EVERY = 64
"""Steps between two checks for divergence (each waits for the device)."""

DIVERGED = 1e3
"""A loss this many times its initial value has diverged."""

Observe = Callable[[int, Weights], list[Record]]
"""Further observations at a recorded step: one record a member from the weights at that step;
what a step's record lacks is not a number in the table."""


def initial_state(model: Model, objective: Objective, initial: Weights) -> State:
    """State before the first step of `descend`, whose arguments these are: nothing has moved.

    ``displacement/<layer>`` is ``W(t) - W(0)``, (S, p, q); a layer fed with the n inputs x may have
    ``dual/<layer>``, (S, n, p), in its place: what each contributes, ``W(t) - W(0) = dual^T x``.
    """
    moved = {f"displacement/{name}": torch.zeros_like(initial[name]) for name in model.trained}
    if isinstance(model, MlpVae) and vae_update.fits(model, objective):
        samples, inputs = model.x.shape
        if samples < 2 * inputs:  # fewer operations, see DualLayer
            members, width, _ = moved.pop("displacement/enc").shape
            moved["dual/enc"] = model.x.new_zeros(members, samples, width)
    return State(0, moved)


def descend(
    model: Model,
    objective: Objective,
    initial: Weights,
    schedule: Schedule,
    seeds: tuple[int, ...],
    *,
    state: State | None = None,
    tick: Tick = no_tick,
    observe: Observe | None = None,
    keep: Model | None = None,
) -> State:
    """Run gradient descent on every member and observe it at the schedule's steps.

    Parameters
    ----------
    model, objective : the network on its inputs, and what is minimised, in Eq. 7's units
    initial : ``W(0)`` by layer, (S, p, q); left unchanged
    seeds : of the S members, for the records
    state
        Where to go on, changed in place; the result is that of an uninterrupted run, to the bit on
        a CPU. `initial_state` unless given.
    tick : called after every update
    observe : called at every recorded step; what it returns is added to the records
    keep
        The network on the inputs whose outputs are kept at the recorded steps; they may be others
        than those it is trained on.

    Returns
    -------
    State
        A record has seed, step, time, losses, the largest standard deviation of a latent unit, and
        per layer the relative Frobenius change and the largest change of a row.
        ``displacement/<layer>`` is that of every trained layer, and ``outputs/<step>`` (S, n, d)
        what was kept.

    Raises
    ------
    UserError
        When a loss is not finite or has risen a thousandfold; names step and learning rate.
    """
    state = state or initial_state(model, objective, initial)
    update = start(model, objective, initial, state, schedule.learning_rate)
    record_at = set(schedule.record)
    reference: Tensor | None = None
    while True:
        recorded = state.step in record_at and not state.observed
        if recorded or state.step % CHECK_EVERY == 0:
            seen = update.observe(state.step)
            if reference is None:
                reference = _initial_losses(state, seen.value, len(seeds))
            _refuse_divergence(seen.value, reference, state.step, schedule, seeds)
            if recorded:
                more = observe(state.step, seen.weights) if observe is not None else None
                _record(state, seen, initial, schedule, seeds, more)
                if keep is not None:
                    outputs = keep.forward(seen.weights, state.step).outputs
                    state.tensors[f"outputs/{state.step}"] = outputs
        if state.step == schedule.steps:
            moved = update.observe(state.step).displacement
            state.tensors.pop("dual/enc", None)
            state.tensors |= {f"displacement/{name}": delta for name, delta in moved.items()}
            return state
        update(state.step)
        state.step += 1
        tick(state)


def start(
    model: Model, objective: Objective, initial: Weights, state: State, rate: float
) -> Update:
    """Choose the quickest way to make the steps that follow a state, which it will change."""
    displacement, dual = state.part("displacement"), state.part("dual")
    if isinstance(model, MlpVae) and vae_update.fits(model, objective):
        return TanhVaeUpdate(model, objective, initial, displacement, dual, rate)
    return GeneralUpdate(model, objective, initial, displacement, rate)


def _initial_losses(state: State, value: ObjectiveValue, members: int) -> Tensor:
    """Return the losses that the members started from: step 0 is always recorded first."""
    if not state.records:
        return value.total
    return value.total.new_tensor([record["loss"] for record in state.records[:members]])


def _refuse_divergence(
    value: ObjectiveValue, reference: Tensor, step: int, schedule: Schedule, seeds: tuple[int, ...]
) -> None:
    fine = torch.isfinite(value.total) & (value.total <= DIVERGED * reference)
    if bool(fine.all()):
        return
    member = int((~fine).nonzero()[0])
    raise UserError(
        f"gradient descent diverged by step {step} at learning rate {schedule.learning_rate:.4g} "
        f"(Eq. 7's units): the loss of seed {seeds[member]} went from "
        f"{float(reference[member]):.4g} to {float(value.total[member]):.4g}; "
        "lower learning_rate or step_fraction"
    )


def _record(
    state: State,
    seen: Observation,
    initial: Weights,
    schedule: Schedule,
    seeds: tuple[int, ...],
    more: list[Record] | None,
) -> None:
    """Observe every member: losses, largest latent deviation, two norms of each layer's change."""
    columns = {
        "loss": seen.value.total,
        "reconstruction": seen.value.reconstruction,
        "kl": seen.value.kl,
        "latent_std": seen.forward.variance.amax(dim=(1, 2)).sqrt(),
    }
    for name, displacement in seen.displacement.items():
        norm = torch.linalg.vector_norm
        start = norm(initial[name], dim=(1, 2), dtype=torch.float64)
        columns[f"change_{name}"] = norm(displacement, dim=(1, 2), dtype=torch.float64) / start
        rows = norm(displacement, dim=2, dtype=torch.float64)
        columns[f"row_{name}"] = rows.max(dim=1).values
    values = {name: column.tolist() for name, column in columns.items()}
    for member, seed in enumerate(seeds):
        record = {"seed": seed, "step": state.step, "time": schedule.time(state.step)}
        observed = {name: column[member] for name, column in values.items()}
        state.records.append(record | observed | (more[member] if more else {}))
