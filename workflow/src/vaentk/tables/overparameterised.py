"""Tables of Wang & Huang 2024: kernels, rates, ridge regression, weight change (W1 to W4, X)."""

from collections.abc import Mapping

import pandas as pd

from vaentk.analysis.intervals import mean
from vaentk.tables.stacking import stack

LAYER_ORDER = ("enc", "hid", "mu", "sigma", "dec")

PLOTTED_LAYERS = ("enc", "hid", "mu", "dec")

READ_TIMES = (1.0, 0.25, 0.0625)
"""Parts of the training time at which the table of slopes is read."""

LEMMA4_ORDER = tuple(
    f"{what}_{layer}" for layer in ("mu", "sigma", "d") for what in ("row", "over_bound")
)
"""Columns of the table of Lemma 4 after its bound."""

RIDGE_COLUMNS = {"beta": "error_beta", "n beta": "error_n_beta", "2 n beta": "error_2_n_beta"}
"""Column of the error to each reading of Theorem 2's ridge."""


def weight_change_slopes(slopes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of Figure 2: slope per run, layer and time with its interval, beside the claim."""
    table = stack(slopes)
    table = table[table["fraction"].isin(READ_TIMES)]
    order = {layer: place for place, layer in enumerate(LAYER_ORDER)}
    table = table.assign(place=table["layer"].map(order))
    table = table.sort_values(["outputs", "place", "fraction"], ascending=[True, True, False])
    columns = ["outputs", "width_over_outputs", "layer", "fraction", "claimed"]
    return table[["run", *columns, "slope", "low", "high", "points", "width_min", "width_max"]]


def linear_rate(summaries: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of Theorem 1: margin to the bound, distance to the kernel, late rates, per width."""
    columns = ["width", "steps", "learning_rate", "margin"]
    columns += ["descent_distance", "descent_distance_low", "descent_distance_high"]
    columns += ["empirical_distance", "empirical_distance_low", "empirical_distance_high"]
    columns += ["flow_distance"]
    columns += ["rate", "rate_flow", "rate_claimed", "rate_tight", "loss_final", "bound_final"]
    return stack(summaries)[["run", *columns]]


def sensitivity(
    slopes: Mapping[str, pd.DataFrame], worst: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Table of Figure 2 under other settings: a row a variant, a slope with interval a layer."""
    parts = []
    for run, table in slopes.items():
        wide = table.groupby("variant", sort=False)["loss_left"].first().to_frame()
        by_layer = {layer: part.set_index("variant") for layer, part in table.groupby("layer")}
        for layer in PLOTTED_LAYERS:
            wide[f"slope_{layer}"] = by_layer[layer]["slope"]
            wide[f"slope_{layer}_low"] = by_layer[layer]["low"]
            wide[f"slope_{layer}_high"] = by_layer[layer]["high"]
        changed = worst[run][worst[run]["variant"] != "base"].set_index("variant")
        wide["largest_difference"] = changed["difference"]
        wide["largest_difference_layer"] = changed["layer"]
        moved = table[table["layer"] == "sigma"].set_index("variant")
        wide["sigma_change_narrow"] = moved["narrow_change"]
        wide["sigma_change"] = moved["largest_change"]
        wide["loss_left"] = wide.pop("loss_left")
        parts.append(wide.reset_index().assign(run=run))
    table = pd.concat(parts, ignore_index=True)
    return table[["run", *table.columns.drop("run")]]


def activations(
    members: Mapping[str, pd.DataFrame], summaries: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Table of X1: eigenvalues, distances and late rates by activation, the largest lambda_0 first.

    ``rate_tight`` is the slowest mode's rate 2 lambda_0/n, ``condition`` lambda_max/lambda_0.
    """
    meets = {
        run: table.groupby("activation")["meets_assumptions"].first()
        for run, table in members.items()
    }
    table = stack(
        {
            run: summary.assign(
                meets_assumptions=summary["activation"].map(meets[run]),
                condition=summary["lambda_max"] / summary["lambda_0"],
                rate_tight=2 * summary["lambda_0"] / summary["samples"],
            ).sort_values(["lambda_0", "activation", "width"], ascending=[False, True, True])
            for run, summary in summaries.items()
        }
    )
    columns = ["activation", "meets_assumptions", "lambda_0", "condition", "width"]
    columns += ["descent_distance", "descent_distance_low", "descent_distance_high"]
    columns += ["empirical_distance", "rate", "rate_low", "rate_high", "rate_flow", "rate_tight"]
    return table[["run", *columns]]


def frozen_sigma(
    summaries: Mapping[str, pd.DataFrame], differences: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Table of X2: a row a width, of what training W_sigma changes and the distance to the kernel.

    Means over seeds with their intervals; the ratio is the largest over seeds.
    """
    rows = []
    for run, difference in differences.items():
        cases = {
            variant: part.set_index("width") for variant, part in summaries[run].groupby("variant")
        }
        for width, part in difference.groupby("width"):
            row = {"run": run, "width": width}
            for name, column in (
                ("sigma_difference", "difference"),
                ("frozen_distance", "distance"),
            ):
                estimate = mean(part[column])
                row |= {name: estimate.value, f"{name}_low": estimate.low}
                row |= {f"{name}_high": estimate.high}
            row["ratio_max"] = float(part["ratio"].max())
            for quantity in ("lambda_0", "rate"):
                for variant in ("trained", "frozen"):
                    row[f"{quantity}_{variant}"] = float(cases[variant][quantity][width])
            rows.append(row)
    return pd.DataFrame(rows)


def linear_rate_lemma4(members: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of Lemma 4: its bound, and every layer's largest row displacement, means over seeds."""
    table = stack(members)
    columns = ["lemma4_bound", *(column for column in LEMMA4_ORDER if column in table)]
    return table.groupby(["run", "width"], sort=False, as_index=False)[columns].mean()


def tangent_kernels(initial: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of Lemma 2, by width: means over seeds, and the largest error of an eigenvalue."""
    table = stack(initial)
    columns = ["lambda_0", "lambda_min", "lambda_min_error", "lambda_min_over", "lambda_max"]
    columns += ["norm", "norm_error", "norm_over", "marchenko_pastur"]
    columns += ["initial_error", "initial_output", "initial_output_limit"]
    columns += ["slope_measured", "slope_derived", "slope_printed"]
    ways = {c: "max" if c.endswith("_error") and c != "initial_error" else "mean" for c in columns}
    groups = table.groupby(["run", "outputs", "width"], sort=False, as_index=False)
    averaged: pd.DataFrame = groups.agg(ways)
    return averaged


def ridge(summaries: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of Theorem 2: the error to the three ridges side by side, and which is nearest."""
    table = _told_apart(stack(summaries))
    keys = ["run", "initial", "with_initial", "beta", "width"]
    groups = table.groupby(keys, sort=False)
    columns = {
        name: table[table["reading"] == reading].set_index(keys)["error"]
        for reading, name in RIDGE_COLUMNS.items()
    }
    side_by_side = pd.DataFrame(columns | {"nearest": groups["nearest"].first()}).reset_index()
    return _by_case(side_by_side, list(summaries))


def ridge_slopes(slopes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of Theorem 2's powers of the width."""
    return _by_case(_told_apart(stack(slopes)), list(slopes))


def ridge_error_term(terms: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of Theorem 2's bound by width and beta, means over seeds."""
    columns = ["initial_worst", "kernel_norm", "bound", "error_worst", "over_bound"]
    groups = stack(terms).groupby(["run", "beta", "width"], as_index=False)
    averaged: pd.DataFrame = groups[columns].mean()
    return _by_case(averaged, list(terms))


def ridge_displacements(displacements: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of what the penalty does; ``condition`` is said to be the inputs'."""
    table = stack(displacements).rename(columns={"condition": "input_condition"})
    return table.drop(columns="largest_change_over_smaller")


def _told_apart(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out the antisymmetric network without f_0, which is the same as with it: f_0 = 0."""
    return table[table["with_initial"] | (table["initial"] == "standard")]


def _by_case(table: pd.DataFrame, runs: list[str]) -> pd.DataFrame:
    """Order rows by run, the standard initialisation and predictions with f_0 first, then beta."""
    falling = ["initial", "with_initial"]
    keys = [key for key in ("quantity", *falling, "beta", "width") if key in table]
    ordered = table.sort_values(keys, ascending=[k not in falling for k in keys], kind="stable")
    place = {run: number for number, run in enumerate(runs)}
    return ordered.sort_values("run", key=lambda names: names.map(place), kind="stable")
