"""X13: the gradient's change over the distance of two parameters, against that distance."""

from collections.abc import Mapping

import pandas as pd

from vaentk.experiments.declaration import Runs
from vaentk.figures import style
from vaentk.figures.style import REFERENCE, Drawing, finish, number, panels, styled
from vaentk.statistics.intervals import geometric_mean

RELU = "#D55E00"


def lipschitz(
    ratios: Mapping[str, pd.DataFrame], powers: Mapping[str, pd.DataFrame], *, runs: Runs
) -> Drawing:
    """Draw a panel per run, a line per activation: geometric means, 95% intervals over seeds."""
    with styled():
        figure, [row] = panels(1, len(ratios))
        said = []
        for axes, (run, table) in zip(row, ratios.items(), strict=True):
            smooth = [name for name in table["activation"].unique() if name != "relu"]
            shades = style.width_colours(list(range(len(smooth))))
            colours = dict(zip(smooth, shades.values(), strict=True))
            for name, own in table.groupby("activation", sort=False):
                means = own.groupby("distance")["ratio"].apply(geometric_mean)
                colour = colours.get(name, RELU)
                values = [estimate.value for estimate in means]
                axes.plot(means.index, values, color=colour, label=name)
                ends = [e.low for e in means], [e.high for e in means]
                axes.fill_between(means.index, *ends, color=colour, alpha=0.2, linewidth=0)
            relu = table[table["activation"] == "relu"].groupby("distance")["ratio"]
            at = relu.apply(geometric_mean).map(lambda estimate: estimate.value)
            reference = at.iloc[0] * at.index[0] / at.index
            axes.plot(at.index, reference, ":", color=REFERENCE, label="$1/t$")
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel("distance $t$ of the parameters")
            axes.set_title(runs.data[run])
            fits = powers[run][["activation", "slope", "low", "high"]].to_numpy()
            said += [f"{a} {number(b)} [{number(lo)}, {number(hi)}]" for a, b, lo, hi in fits]
        row[0].set_ylabel("change of the gradient / $t$")
        style.legend_below(figure, row[0], 3)
        alt = (
            "Change of the gradient between two parameters over their distance against that "
            "distance, both logarithmic, a line per activation; the dotted line is 1/t. Powers "
            "of the distance over its lower half: "
        )
        return finish(figure, f"{alt}{'; '.join(said)}.")
