"""Whole trainings by gradient flow against equal steps of gradient descent, and their errors."""

from collections.abc import Callable
from dataclasses import replace
from math import ceil
from typing import Final

import pandas as pd
from timing import Line, images, line, side_by_side

from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.linear_rate.measure import limit_kernel
from vaentk.experiments.ntk.networks import PER_OCTAVE, eq4_problem, eq7_problem, eq12_problem
from vaentk.experiments.ntk.ridge import PenalisedMean
from vaentk.experiments.ntk.settings import Inputs
from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.kernels.limit import greatest_eigenvalue, least_eigenvalue
from vaentk.training import descent, flow
from vaentk.training.problem import Problem
from vaentk.training.recorder import Recorder
from vaentk.training.schedule import Descent, Moments, moments

EXACT: Final = 1e-6
"""Accuracy of the flow, in double precision, that errors are taken against."""

FRACTION: Final = 0.8
"""Equal steps, over the stability limit."""

FIGURE_2: Final = {(7, 64): 6, (7, 256): 4, (14, 256): 3, (14, 1024): 2}
"""Pixels a side and width to the ratio asked for."""

WORST, WORST_SIGMA = 1e-3, 3e-3
"""Largest relative error of a layer's norm at an observed time; of the smallest layer, W_sigma."""


def flows() -> list[Line]:
    """Figure 2's, Theorem 1's and Theorem 2's trainings, one seed, as the rooms train them."""
    lines = []
    for (resolution, width), goal in FIGURE_2.items():
        inputs = Inputs.from_plain({"samples": 128, "resolution": resolution})
        case = WeightChange(inputs=inputs, widths=(width, 2 * width))
        problem = eq4_problem(case, width, images(128, resolution), "float32", "cpu")
        lines += _training(f"Figure 2, d = {resolution**2}, m = {width}", problem, goal)
    x = images(64, 7)
    for horizon in (1.0, 10.0):
        rate = LinearRate(inputs=Inputs(samples=64, resolution=7), widths=(512, 2048))
        kernel = limit_kernel(rate, x)
        schedule = moments(
            horizon * len(x) / least_eigenvalue(kernel),
            rate.accuracy,
            greatest_eigenvalue(kernel) / len(x),
            PER_OCTAVE,
        )
        problem = eq7_problem(rate, 512, x, "float32", "cpu", schedule)
        lines += _training(f"Theorem 1, {horizon:g} n/lambda_0, d = 49, m = 512", problem, 3)
    penalised = PenalisedMean(widths=(512, 2048), beta=0.001)
    problem = eq12_problem(penalised, 512, x, "float32", "cpu", x[:10])
    return lines + _training("Theorem 2, beta = 0.001, d = 49, m = 512", problem, 3)


def _training(what: str, problem: Problem, goal: float) -> list[Line]:
    """One line of seconds, and one each for the errors of the flow and of equal steps."""
    schedule = problem.schedule
    assert isinstance(schedule, Moments)
    duration, octaves = schedule.times[-1], 6
    steps = 2**octaves * ceil(duration / (FRACTION * problem.limit(0) * 2**octaves))
    record = (0, *(steps >> octave for octave in range(octaves, -1, -1)))
    equal = replace(problem, schedule=Descent(duration / steps, steps, record))
    records: dict[str, pd.DataFrame] = {}

    def run(name: str, of: Problem) -> Callable[[], None]:
        def trained() -> None:
            records[name] = _records(of)

        return trained

    ours, theirs = side_by_side(run("flow", problem), run("equal", equal), repetitions=3)
    exact = replace(problem, dtype="float64", schedule=replace(schedule, accuracy=EXACT))
    truth = _records(exact)
    gradients = {name: int(table["gradients"].max()) for name, table in records.items()}
    against = f"equal steps at {FRACTION} of the limit, {gradients['equal']:,} gradients"
    what = f"{what}: {gradients['flow']} gradients"
    lines = [line(what, against, ours, theirs, "s", goal)]
    for layers, worst in (("layers but W_sigma", WORST), ("W_sigma", WORST_SIGMA)):
        errors = {
            name: _error(table, truth, sigma=layers == "W_sigma") for name, table in records.items()
        }
        if errors["flow"] is None:
            continue
        row = line(f"{what}: error of {layers}", "the same", *errors.values(), "", 0)
        lines.append(row | {"at_least": worst, "met": "yes" if errors["flow"] <= worst else "NO"})
    return lines


def _records(problem: Problem) -> pd.DataFrame:
    gradient = problem.gradient((0,))
    recorder = Recorder(gradient.initial, (0,))
    schedule = problem.schedule
    if isinstance(schedule, Descent):
        state = descent.initial_state(gradient, 1)
        descent.descend(gradient, schedule, recorder, state)
    else:
        state = flow.initial_state(gradient, 1)
        flow.follow(gradient, schedule, recorder, state)
    return pd.DataFrame(state.records)


def _error(records: pd.DataFrame, truth: pd.DataFrame, sigma: bool) -> float | None:
    """Largest relative error of a layer's norm at the times that both observed, but the first."""
    times = truth["time"].iloc[-1]
    ours = records.assign(place=(records["time"] / times).round(9)).set_index("place").iloc[1:]
    theirs = truth.assign(place=(truth["time"] / times).round(9)).set_index("place").iloc[1:]
    layers = [
        column
        for column in truth
        if column.startswith("change_") and (column == "change_sigma") == sigma
    ]
    if not layers:
        return None
    shared = ours.index.intersection(theirs.index)
    return float((ours.loc[shared, layers] / theirs.loc[shared, layers] - 1).abs().max().max())
