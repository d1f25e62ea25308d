"""Where deep VAEs are after the first and the last epoch, and when the authors' are comparable."""

from math import nan
from typing import Final

import pandas as pd

from vaentk.data.facts import Facts
from vaentk.experiments.convergence.deep_vae import EPOCHS, DeepNetwork, DeepVAE
from vaentk.experiments.convergence.deep_vae.curves import late, slope
from vaentk.experiments.convergence.deep_vae.trends import at_time
from vaentk.statistics.intervals import mean

PUBLISHED: Final = {"celeba": "CelebA", "cifar100": "CIFAR-100"}
COLUMNS: Final = ("negative_elbo", "held_out_negative_elbo", "loss", "negative_bound", "kl")


def ends(
    table: pd.DataFrame, settings: DeepVAE, facts: Facts, published: pd.DataFrame
) -> pd.DataFrame:
    """Give bounds after the first and the last epoch, beside the authors' where comparable.

    One row per sweep, value and epoch of what `curves.curves` returns: means over seeds with 95%
    intervals of `COLUMNS` (nats); batch_slope, the power of the authors' statistic, after the last
    epoch; authors and authors_slope, NaN unless comparable; why_not, in words. The authors' values,
    digitised, have dataset, sweep, value, epoch, quantity, number.
    """
    differing = differences(settings, facts)
    authors = published.set_index(["dataset", "sweep", "value", "epoch", "quantity"])["number"]
    rows = []
    for sweep, named in settings.sweeps().items():
        for value, variant in named.items():
            part = table[table["variant"] == variant]
            for when in ("early", "end"):
                reached = at_time(part, when)
                epoch = round(reached["epoch"].iloc[0])
                row: dict[str, object] = {"sweep": sweep, "value": value, "epoch": epoch}
                for column in COLUMNS:
                    row |= mean(reached[column]).columns(column)
                fitted = slope(late(part), "batch_square").value if when == "end" else nan
                row |= {"batch_slope": fitted, "seeds": len(reached)}
                key = (facts.dataset, sweep, value, epoch)
                has = any((*key, name) in authors.index for name in ("negative_elbo", "slope"))
                own = ["their value for K > 1 is not the bound"] * (
                    sweep == "samples" and value != "1"
                )
                comparable = has and not (differing or own)
                reasons = [*differing, *own] or ["the authors give no such value"] * (not has)
                row |= {
                    "comparable": comparable,
                    "authors": authors.get((*key, "negative_elbo"), nan) if comparable else nan,
                    "authors_slope": authors.get((*key, "slope"), nan) if comparable else nan,
                    "why_not": "; ".join(reasons),
                }
                rows.append(row)
    return pd.DataFrame(rows)


def differences(settings: DeepVAE, facts: Facts) -> list[str]:
    """Say in words what of a run is not as the authors have it; nothing where all is."""
    network = settings.network
    plain = DeepNetwork()
    checks = {
        f"{facts.data} images of {facts.dataset}": facts.data == "real"
        and facts.dataset in PUBLISHED,
        f"{network.images} training images": network.images is None,
        f"{network.side} pixels a side": network.side == facts.shape[2],
        "another network": (network.model, network.widths, network.hidden, network.latent)
        == (plain.model, plain.widths, plain.hidden, plain.latent),
        f"a {network.likelihood} loss": network.likelihood == "bernoulli",
        f"{settings.epochs} epochs": settings.epochs == EPOCHS,
        f"batches of {settings.batch}": settings.batch == 256,
        f"{settings.optimiser}, {settings.stepping} step sizes from {settings.learning_rate:g}": (
            (settings.optimiser, settings.stepping, settings.learning_rate)
            == ("adam", "per-epoch", 1e-3)
        ),
    }
    return [words for words, same in checks.items() if not same]
