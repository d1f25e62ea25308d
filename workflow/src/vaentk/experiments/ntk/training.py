"""Training one width of every variant of a run: Eq. 2's network or Figure 2's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vaentk.data.stored import Stored
from vaentk.experiments.ntk.inputs import inputs_of, variant_inputs
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.linear_rate.measure import limit_kernel
from vaentk.experiments.ntk.networks import eq4_problem, eq7_problem
from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.kernels.limit import least_eigenvalue
from vaentk.runtime.checkpoints import Chunk
from vaentk.runtime.io import Arrays
from vaentk.runtime.job import Job, log
from vaentk.runtime.trainings import Training, train_members
from vaentk.runtime.workers import workers
from vaentk.training.descent import Observe, descend, initial_state
from vaentk.training.problem import Problem
from vaentk.training.schedule import Schedule
from vaentk.training.state import State, Tick

Observer = Callable[[Problem, Schedule, tuple[int, ...]], Observe]
"""Makes the further observations of members with these seeds; worker processes take it."""


def train_eq7(settings: LinearRate, part: int, *, mnist: Stored, task: Job) -> dict[str, Any]:
    """Train Eq. 2's network of one width m on Eq. 7, every variant; keep its outputs."""
    inputs, cases = inputs_of(mnist.arrays, settings.inputs), settings.variants()
    xs, durations = {}, {}
    for name, case in cases.items():
        xs[name] = variant_inputs(inputs, case.inputs, settings.inputs)
        slowest = least_eigenvalue(limit_kernel(case, xs[name]))
        durations[name] = case.horizon * len(xs[name]) / slowest
    if settings.common_time:
        durations = dict.fromkeys(durations, max(durations.values()))
    problems = {
        name: eq7_problem(case, part, xs[name], task.params["dtype"], task.device, durations[name])
        for name, case in cases.items()
    }
    records, outputs = train_variants(
        problems, settings.seeds, task, keep_outputs=True, common_step=settings.common_step
    )
    return {"records": records, "outputs": outputs}


def train_eq4(settings: WeightChange, part: int, *, mnist: Stored, task: Job) -> dict[str, Any]:
    """Train Figure 2's network of one width m on Eq. 4, every variant."""
    inputs = inputs_of(mnist.arrays, settings.inputs)
    problems = {}
    for name, case in settings.variants().items():
        x = variant_inputs(inputs, case.inputs, settings.inputs)
        problems[name] = eq4_problem(case, part, x, task.params["dtype"], task.device)
    return {"records": train_variants(problems, settings.seeds, task)[0]}


def train_variants(
    problems: Mapping[str, Problem],
    seeds: Sequence[int],
    job: Job,
    *,
    keep_outputs: bool = False,
    observe: Observer | None = None,
    common_step: bool = False,
) -> tuple[pd.DataFrame, Arrays]:
    """Train one width of every variant of a run, one after another, each from its checkpoint.

    With ``common_step`` all variants take the step of the one with the least stability limit.

    Returns
    -------
    tuple
        Observations in order of variant, seed and step, as `descend` records them, with variant,
        width, the member's stability limit and the learning rate; and, where they are kept, outputs
        at the recorded steps by ``"<variant>/<seed>/<step>"``, (n, d).
    """
    frames: list[pd.DataFrame] = []
    outputs: Arrays = {}
    # On a GPU none beside this one: they would share it without knowing.
    processes = min(job.threads, len(seeds)) if job.device == "cpu" else 1
    with workers(processes, job.log_file) as spread:
        limits = {name: spread(problem.limit, seeds) for name, problem in problems.items()}
        for name, problem in problems.items():
            chosen = limits.values() if common_step else [limits[name]]
            schedule = problem.steps(min(map(min, chosen)))
            log.info(
                "width %d %s: stability limit %.4g, learning rate %.4g, %d steps",
                *(problem.width, name, min(limits[name])),
                *(schedule.learning_rate, schedule.steps),
            )
            variant = _Variant(problem, schedule, seeds, observe, keep_outputs)
            state = train_members(variant.training(name), job, spread)
            limit_of = dict(zip(seeds, limits[name], strict=True))
            frames.append(_frame(state, name, problem.width, limit_of, schedule.learning_rate))
            for step, tensor in state.part("outputs").items():
                for seed, array in zip(seeds, tensor.cpu().numpy(), strict=True):
                    outputs[f"{name}/{seed}/{step}"] = array
    return pd.concat(frames, ignore_index=True), outputs


@dataclass(frozen=True)
class _Variant:
    """All members of one variant, and how they are trained; worker processes take it."""

    problem: Problem
    schedule: Schedule
    seeds: Sequence[int]
    observe: Observer | None
    keep_outputs: bool

    def training(self, name: str) -> Training:
        """Describe it to the driver."""
        recorded = len(self.schedule.record) if self.keep_outputs else 0
        return Training(
            label=f"width {self.problem.width} {name}",
            members=[{"seed": seed} for seed in self.seeds],
            steps=self.schedule.steps,
            start=self.start,
            run=self.run,
            member_bytes=self.problem.member_bytes(recorded),
            depends_on=(self.schedule.learning_rate, self.schedule.steps),
            folder=name,
            processes=True,
        )

    def start(self, chunk: Chunk) -> State:
        """Return the state of some members before the first step."""
        own = tuple(self.seeds[place] for place in chunk)
        model = self.problem.model(own)
        initial = model.initial_weights(own)
        return initial_state(model, self.problem.objective(model, initial), initial)

    def run(self, chunk: Chunk, state: State, tick: Tick) -> State:
        """Train some members; what is left are their records and kept outputs."""
        if state.step == self.schedule.steps and state.observed:
            return state
        own = tuple(self.seeds[place] for place in chunk)
        model = self.problem.model(own)
        initial = model.initial_weights(own)
        descend(
            model,
            self.problem.objective(model, initial),
            initial,
            self.schedule,
            own,
            state=state,
            tick=tick,
            observe=self.observe(self.problem, self.schedule, own) if self.observe else None,
            keep=self.problem.model_kept(own) if self.keep_outputs else None,
        )
        widest = max(record["latent_std"] for record in state.records)
        if widest > model.smoothing.max_std:
            log.warning(
                "width %d, seeds %s: the latent's standard deviation reached %.3g, beyond the %.3g "
                "for which the quadrature was checked: compare with dtype: float64, which takes "
                "more nodes",
                *(self.problem.width, ", ".join(map(str, own)), widest, model.smoothing.max_std),
            )
        outputs = {k: tensor for k, tensor in state.tensors.items() if k.startswith("outputs/")}
        return State(state.step, outputs, state.records)


def _frame(
    state: State, variant: str, width: int, limits: Mapping[int, float], rate: float
) -> pd.DataFrame:
    """The observations as a table, in order of seed and step."""
    records = sorted(state.records, key=lambda record: (record["seed"], record["step"]))
    frame = pd.DataFrame(records).astype({"seed": int, "step": int})
    frame = frame.assign(width=width, limit=frame["seed"].map(limits), learning_rate=rate)
    frame.insert(0, "variant", variant)
    return frame
