"""What a reader must see beside Figure 3: active units, reconstruction and KL by latent size."""

from collections.abc import Mapping
from textwrap import fill

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from vaentk.experiments.latents.disentanglement.figures import (
    LABEL_WIDTH,
    fit_points,
    trained_networks,
)
from vaentk.figures.style import REFERENCE, Drawing, finish, number, panels, styled

QUANTITIES = {
    "active_units": "active units",
    "reconstruction": "reconstruction (nats an image)",
    "kl": "KL (nats an image)",
}
UNIT_TICKS = (0, 1, 3, 10, 30, 100, 300, 1000)


def draw(summary: Mapping[str, pd.DataFrame], labels: Mapping[str, str]) -> Drawing:
    """Draw three panels a run: points are seeds, lines their means, bars 95% intervals.

    Parameters
    ----------
    summary
        By run, a row a latent, seed and beta: active_units, and reconstruction and kl in nats.
    labels
        What the images of each run are, with the words drawn or stand-in where they are that.
    """
    with styled():
        figure, rows = panels(len(summary), len(QUANTITIES))
        known: dict[str, Artist] = {}
        for row, (run, table) in zip(rows, summary.items(), strict=True):
            for axes, (column, label) in zip(row, QUANTITIES.items(), strict=True):
                trained_networks(axes, table, column)
                fit_points(axes, table[column])
                axes.set_ylabel(label)
            _units_axis(row[0], table)
            row[0].set_ylabel(f"{fill(labels[run], LABEL_WIDTH)}\nactive units")
            lines, texts = row[0].get_legend_handles_labels()
            known |= dict(zip(texts, lines, strict=True))
        for axes in rows[-1]:
            axes.set_xlabel("latent size")
        figure.legend(
            handles=list(known.values()),
            labels=list(known),
            loc="outside lower center",
            ncols=len(known),
        )
        return finish(figure, _alt(summary, labels))


def _units_axis(axes: Axes, table: pd.DataFrame) -> None:
    """Count on an axis that is logarithmic above 1 and reaches 0, with the line of all units."""
    latents = sorted(table["latent"].unique())
    axes.plot(latents, latents, ":", color=REFERENCE, linewidth=1.3, label="all units")
    axes.set_yscale("symlog", base=2, linthresh=1)
    least, most = int(table["active_units"].min()), latents[-1]
    axes.set_ylim(-0.25 if least < 2 else 0.75 * min(least, latents[0]), 1.4 * most)
    ticks = [tick for tick in UNIT_TICKS if axes.get_ylim()[0] <= tick <= most]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()


def _alt(summary: Mapping[str, pd.DataFrame], labels: Mapping[str, str]) -> str:
    parts = []
    for run, table in summary.items():
        for beta, part in table.groupby("beta"):
            first, last = part["latent"].min(), part["latent"].max()
            means = part.groupby("latent")[list(QUANTITIES)].mean()
            said = ", ".join(
                f"{label} {number(means[column][first])} and {number(means[column][last])}"
                for column, label in QUANTITIES.items()
            )
            parts.append(
                f"{labels[run]}, run {run}, beta = {beta:g}, means at the latent sizes {first} and "
                f"{last}: {said}"
            )
    return (
        "Active units beside the number of all units (dotted), reconstruction error and KL "
        "divergence against the latent size on a logarithmic axis; points are seeds, lines their "
        f"means with 95% intervals. {'. '.join(parts)}."
    )
