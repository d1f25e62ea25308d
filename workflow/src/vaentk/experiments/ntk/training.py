"""Training Eq. 2's network or Figure 2's: some widths of every variant of a run."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import pandas as pd

from vaentk.data.stored import Stored
from vaentk.experiments.ntk.durations import of_horizon
from vaentk.experiments.ntk.inputs import inputs_of, variant_inputs
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.linear_rate.measure import limit_kernel
from vaentk.experiments.ntk.networks import PER_OCTAVE, eq4_problem, eq7_problem
from vaentk.experiments.ntk.settings import WidthJob
from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.runtime.checkpoints import Chunk
from vaentk.runtime.io import Arrays
from vaentk.runtime.job import Job, log
from vaentk.runtime.trainings import Training, train_members
from vaentk.runtime.workers import workers
from vaentk.training import descent, flow
from vaentk.training.problem import Problem
from vaentk.training.recorder import Observe, Recorder
from vaentk.training.schedule import Descent, moments, refuse_unstable
from vaentk.training.state import State, Tick

Observer = Callable[[Problem, tuple[int, ...]], Observe]
"""Makes the further observations of members with these seeds; worker processes take it."""

Problems = Iterable[tuple[str, Problem]]
"""What is trained, with the variant's name."""


def train_eq7(settings: LinearRate, part: WidthJob, *, mnist: Stored, task: Job) -> dict[str, Any]:
    """Train Eq. 2's network of some widths on Eq. 7, every variant; keep its outputs."""
    inputs, cases = inputs_of(mnist.arrays, settings.inputs), settings.variants()
    xs, durations, fastest = {}, {}, {}
    for name, case in cases.items():
        xs[name] = variant_inputs(inputs, case.inputs, settings.inputs)
        kernel = limit_kernel(case, xs[name])
        durations[name], fastest[name] = of_horizon(kernel, case.horizon)
    if settings.common_time:
        durations = dict.fromkeys(durations, max(durations.values()))
        fastest = dict.fromkeys(fastest, max(fastest.values()))
    problems = [
        (name, eq7_problem(case, width, xs[name], task.params["dtype"], task.device, schedule))
        for width in part
        for name, case in cases.items()
        for schedule in [moments(durations[name], case.accuracy, fastest[name], PER_OCTAVE)]
    ]
    records, outputs = train_problems(problems, settings.seeds, task, keep_outputs=True)
    return {"records": records, "outputs": outputs}


def train_eq4(
    settings: WeightChange, part: WidthJob, *, mnist: Stored, task: Job
) -> dict[str, Any]:
    """Train Figure 2's network of some widths on Eq. 4, every variant."""
    inputs = inputs_of(mnist.arrays, settings.inputs)
    problems = []
    for width in part:
        for name, case in settings.variants().items():
            x = variant_inputs(inputs, case.inputs, settings.inputs)
            problem = eq4_problem(case, width, x, task.params["dtype"], task.device)
            problems.append((name, problem))
    return {"records": train_problems(problems, settings.seeds, task)[0]}


def train_problems(
    problems: Problems,
    seeds: Sequence[int],
    job: Job,
    *,
    keep_outputs: bool = False,
    observe: Observer | None = None,
) -> tuple[pd.DataFrame, Arrays]:
    """Train widths and variants of a run, one after another, each from its checkpoint.

    Returns
    -------
    tuple
        Observations in the order of the problems, then of seed and step, as a recorder makes them,
        with variant and width; and, where they are kept, outputs at the recorded steps by
        ``"<width>/<variant>/<seed>/<step>"``, (n, d).
    """
    frames: list[pd.DataFrame] = []
    outputs: Arrays = {}
    # On a GPU none beside this one: they would share it without knowing.
    processes = min(job.threads, len(seeds)) if job.device == "cpu" else 1
    with workers(processes, job.log_file) as spread:
        for name, problem in problems:
            radius = None
            if isinstance(problem.schedule, Descent):
                limit = min(spread(problem.limit, seeds))
                refuse_unstable(problem.schedule, limit, f"width {problem.width} {name}")
                radius = 2 / limit
            variant = _Variant(problem, seeds, observe, keep_outputs)
            state = train_members(variant.training(name), job, spread)
            frame = _frame(state, name, problem.width)
            frames.append(frame if radius is None else frame.assign(radius=radius))
            last = state.records[-1]
            log.info("width %d %s: %d gradients", problem.width, name, last["gradients"])
            for step, tensor in state.part("outputs").items():
                for seed, array in zip(seeds, tensor.cpu().numpy(), strict=True):
                    outputs[f"{problem.width}/{name}/{seed}/{step}"] = array
    return pd.concat(frames, ignore_index=True), outputs


@dataclass(frozen=True)
class _Variant:
    """All members of one width and variant, and how they are trained; worker processes take it."""

    problem: Problem
    seeds: Sequence[int]
    observe: Observer | None
    keep_outputs: bool

    def training(self, name: str) -> Training:
        """Describe it to the driver."""
        schedule = self.problem.schedule
        descends = isinstance(schedule, Descent)
        recorded = len(schedule.record) if isinstance(schedule, Descent) else schedule.steps + 1
        return Training(
            label=f"width {self.problem.width} {name}",
            members=[{"seed": seed} for seed in self.seeds],
            steps=schedule.steps,
            start=self.start,
            run=self.run,
            member_bytes=self.problem.member_bytes(recorded if self.keep_outputs else 0),
            depends_on=astuple(schedule),
            folder=f"{self.problem.width}-{name}",
            processes=True,
            unit="step" if descends else "moment",
        )

    def start(self, chunk: Chunk) -> State:
        """Return the state of some members before the first step."""
        own = tuple(self.seeds[place] for place in chunk)
        descends = isinstance(self.problem.schedule, Descent)
        initial_state = descent.initial_state if descends else flow.initial_state
        return initial_state(self.problem.gradient(own), len(own))

    def run(self, chunk: Chunk, state: State, tick: Tick) -> State:
        """Train some members; what is left are their records and kept outputs."""
        schedule = self.problem.schedule
        if state.step == schedule.steps and state.observed:
            return state
        own = tuple(self.seeds[place] for place in chunk)
        gradient = self.problem.gradient(own)
        recorder = Recorder(
            gradient.initial,
            own,
            observe=self.observe(self.problem, own) if self.observe else None,
            keep=self.problem.model_kept(own) if self.keep_outputs else None,
        )
        if isinstance(schedule, Descent):
            descent.descend(gradient, schedule, recorder, state, tick)
        else:
            flow.follow(gradient, schedule, recorder, state, tick)
        widest = max(record["latent_std"] for record in state.records)
        checked = self.problem.model(own).smoothing.max_std
        if widest > checked:
            log.warning(
                "width %d, seeds %s: the latent's standard deviation reached %.3g, beyond the %.3g "
                "for which the quadrature was checked: compare with dtype: float64, which takes "
                "more nodes",
                *(self.problem.width, ", ".join(map(str, own)), widest, checked),
            )
        outputs = {k: tensor for k, tensor in state.tensors.items() if k.startswith("outputs/")}
        return State(state.step, outputs, state.records)


def _frame(state: State, variant: str, width: int) -> pd.DataFrame:
    """The observations as a table, in order of seed and step."""
    records = sorted(state.records, key=lambda record: (record["seed"], record["step"]))
    frame = pd.DataFrame(records).astype({"seed": int, "step": int}).assign(width=width)
    frame.insert(0, "variant", variant)
    return frame
