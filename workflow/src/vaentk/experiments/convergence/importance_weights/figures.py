"""Signal to noise against K on the linear VAE, and its powers against the codes that count."""

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.declaration import Runs
from vaentk.figures import style
from vaentk.figures.style import REFERENCE, Drawing, finish, legend_below, number, panels, styled

PARTS = {"theta": (r"decoder $\theta$", "decoder"), "phi": (r"encoder $\phi$", "encoder")}
"""Title and word of a part."""

LOOKS = {"iwae": ("IWAE", "#0072B2", "o"), "iwae-dreg": ("doubly reparametrised", "#D55E00", "^")}
"""Name, colour and marker; the VR-IWAE's are by alpha."""

GREENS = ("#98d594", "#4bb062", "#157f3b", "#00441b")
MARKERS = ("s", "D", "v", "P")

APART = 1.06
"""Factor between estimators' places along K, so that their bars lie side by side."""


def importance_weights(
    summary: Mapping[str, pd.DataFrame], exponents: Mapping[str, pd.DataFrame], *, runs: Runs
) -> Drawing:
    """Draw a row of panels per run and part, one column per widening of the encoder."""
    columns = max(table["widening"].nunique() for table in summary.values())
    with styled():
        figure, grid = panels(len(PARTS) * len(summary), columns, sharey=True)
        rows, said = iter(grid), []
        for run, table in summary.items():
            for part, (title, word) in PARTS.items():
                axes_row, own = next(rows), table[table["part"] == part]
                for axes in axes_row[own["widening"].nunique() :]:
                    axes.set_visible(False)
                for axes, (widening, cells) in zip(axes_row, own.groupby("widening"), strict=False):
                    _against_codes(axes, cells)
                    counted = cells[cells["estimator"] == "iwae"].iloc[-1]
                    largest = int(counted["samples"])
                    named = f"{number(counted['effective'])} of {largest} codes count"
                    axes.set_title(f"{title}\n{named}")
                    said += _words(exponents[run], str(part), float(str(widening)), word, named)
                axes_row[0].set_ylabel("signal to noise")
        style.log_ticks(grid[0][0].yaxis, *grid[0][0].get_ylim())
        legend_below(figure, grid[0][0], 3)
        figure.suptitle(runs.label, fontsize=9)
        alt = (
            "Signal-to-noise ratios of the gradients of decoder and encoder of linear VAEs against "
            "the codes K of a data point, both logarithmic, one line per estimator, by how far the "
            "encoder is from the posterior. Fitted powers of K with 95% intervals: "
        )
        return finish(figure, f"{alt}{'; '.join(said)}.")


def importance_weights_exponents(exponents: Mapping[str, pd.DataFrame], *, runs: Runs) -> Drawing:
    """Draw a row of panels per run, a panel per part: powers of K against the share that counts."""
    with styled():
        figure, grid = panels(len(exponents), len(PARTS), sharey=True)
        for axes_row, table in zip(grid, exponents.values(), strict=True):
            for axes, (part, (title, _)) in zip(axes_row, PARTS.items(), strict=True):
                own = table[(table["part"] == part) & (table["at"] == "all")]
                for (label, colour, marker), cells in _by_estimator(own):
                    share = cells["effective"] / cells["largest"]
                    ends = [cells["slope"] - cells["low"], cells["high"] - cells["slope"]]
                    axes.errorbar(
                        share, cells["slope"], ends, fmt=marker + "-", color=colour, label=label,
                        capsize=2, linewidth=0.8,
                    )  # fmt: skip
                for power in sorted(set(own["claimed"])):
                    axes.axhline(power, color=REFERENCE, linestyle=":", linewidth=1.1)
                axes.axvline(0.25, color=REFERENCE, linestyle="-.", linewidth=0.9)
                axes.set_title(title)
                axes.set_xscale("log")
                style.log_ticks(axes.xaxis, 0.01, 1)
                axes.set_xlabel("share of the codes that count")
            axes_row[0].set_ylabel("power of $K$")
        legend_below(figure, grid[0][0], 3)
        figure.suptitle(runs.label, fontsize=9)
        alt = (
            "Powers of K that the signal-to-noise ratios of decoder and encoder follow against the "
            "share of the largest K's codes that count, a marker an estimator and distance of the "
            "encoder to the posterior, with 95% intervals; dotted lines are theory's powers, the "
            "vertical one a quarter of the codes."
        )
        return finish(figure, alt)


def _by_estimator(table: pd.DataFrame) -> Iterator[tuple[tuple[str, str, str], pd.DataFrame]]:
    """Yield look and rows of every estimator."""
    alphas = sorted(set(table["alpha"]) - {0.0})
    for (name, alpha), own in table.groupby(["estimator", "alpha"], sort=False):
        if name == "vr-iwae":
            place = alphas.index(alpha) % len(GREENS)
            yield (rf"VR-IWAE, $\alpha$ = {alpha:g}", GREENS[place], MARKERS[place]), own
        else:
            yield LOOKS[str(name)], own


def _against_codes(axes: Axes, table: pd.DataFrame) -> None:
    """Draw every estimator's ratio over K with its interval, side by side, on logarithmic axes."""
    listed = list(_by_estimator(table))
    for place, ((label, colour, marker), own) in enumerate(listed):
        across = own["samples"] * APART ** (place - (len(listed) - 1) / 2)
        ends = [own["ratio"] - own["ratio_low"], own["ratio_high"] - own["ratio"]]
        axes.errorbar(
            across, own["ratio"], ends, fmt=marker + "-", color=colour, label=label,
            markersize=3.5, capsize=1.5, elinewidth=0.8,
        )  # fmt: skip
    style.power_ticks(axes, sorted({int(k) for k in table["samples"]}))
    axes.set_yscale("log")
    axes.set_xlabel("codes $K$")


def _words(exponents: pd.DataFrame, part: str, widening: float, word: str, named: str) -> list[str]:
    """Say the powers of one panel."""
    own = exponents[(exponents["part"] == part) & (exponents["at"] == "all")]
    own = own[own["widening"] == widening]
    return [
        f"{word}, {named}, {label.replace('$', '').replace(chr(92), '')}: {number(fit['slope'])} "
        f"[{number(fit['low'])}, {number(fit['high'])}]"
        for (label, _, _), rows in _by_estimator(own)
        for _, fit in rows.iterrows()
    ]
