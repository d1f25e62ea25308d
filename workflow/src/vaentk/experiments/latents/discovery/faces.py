"""Figure 4's pictures: what units draw, what only the wide network finds, and a gallery."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vaentk.figures.image_panels import Images, Panel, draw, sentence
from vaentk.figures.style import Drawing

MOST = 6
"""Rows in the picture of what only the wide network finds."""

KINDS = ("samples", "interpolations")
PAIRED = ("originals", "reconstructions")
LABELS = {
    "originals": "original",
    "reconstructions": "reconstruction",
    "samples": "samples from\nthe prior",
    "interpolations": "between\ntwo faces",
}
"""What the rows of a gallery are called."""


def extent(label: str, images: int, official: int) -> str:
    """Say how many of the official images there were, where that is not all of them."""
    return f"{label}: {images:,} of {official:,} images" if images < official else label


def draw_units(
    strips: Mapping[int, Images], units: Mapping[int, pd.DataFrame], title: str
) -> Drawing:
    """Draw a panel a latent size: what its units draw, by falling KL, and what each one tells.

    Parameters
    ----------
    strips
        uint8 (rows, columns, c, h, w), values 0..255, by latent size; a row is a unit that moves
        from the side without its attribute to that with it.
    units
        By latent size, a row a row of its strips: unit, its kl in nats, the attribute that it
        tells best and the auc at which it does.
    title
        What the images are, with the words stand-in or drawn where they are that.
    """
    panels, said = [], []
    for latent, images in strips.items():
        falling = np.argsort(-units[latent]["kl"].to_numpy(), kind="stable")
        rows = units[latent].iloc[falling]
        labels = [
            f"unit {row.unit}  KL {row.kl:.1f}\n{_plain(row.attribute)} {row.auc:.2f}"
            for row in rows.itertuples()
        ]
        panels.append(Panel(f"latent {latent}", [(labels, images[falling])]))
        named = "; ".join(" ".join(label.split()) for label in labels)
        said.append(f"Latent {latent}, rows {named}.")
    columns = next(iter(strips.values())).shape[1]
    alt = (
        f"{title}: traversals, a row of {columns} images for every unit as it moves from left to "
        "right towards the attribute that it tells best; named by the unit's KL in nats and the "
        f"attribute with its AUC. {' '.join(said)}"
    )
    return draw(panels, title, alt)


def draw_found(
    strips: Images, found: pd.DataFrame, latents: tuple[int, int], title: str
) -> Drawing:
    """Draw attributes that the wide network finds and the narrow one does not, a row a face.

    The left strip moves the wide network's unit for the attribute, the right one the narrow
    network's best, from the same face; at most ``MOST`` rows. Without any it is a sentence.

    Parameters
    ----------
    strips
        uint8 (rows, 2, columns, c, h, w), values 0..255: the wide network's strip and the narrow
        one's, both from the side without the attribute to that with it.
    found
        A row a row of strips: attribute (its faces together), wide_unit and wide_auc, narrow_unit
        and narrow_auc.
    latents
        Latent size of the wide and of the narrow network.
    title
        What the images are, with the words stand-in or drawn where they are that.
    """
    wide, narrow = latents
    if found.empty:
        words = f"No attribute is found by latent {wide} and not by latent {narrow} in {title}."
        return sentence(words)
    left, right, named = [], [], []
    shown = found.head(MOST).reset_index(drop=True)
    for attribute, rows in shown.groupby("attribute", sort=False):
        row, images, blank = rows.iloc[0], strips[rows.index], [""] * (len(rows) - 1)
        name, aucs = _plain(attribute), (f"{row['wide_auc']:.2f}", f"{row['narrow_auc']:.2f}")
        wider = f"{name}\nunit {row['wide_unit']}  AUC {aucs[0]}"
        narrower = f"unit {row['narrow_unit']}\nAUC {aucs[1]}"
        left.append(([wider, *blank], images[:, 0]))
        right.append(([narrower, *blank], images[:, 1]))
        named.append(f"{name}, {' and '.join(aucs)}")
    panels = [
        Panel(f"latent {wide}: finds it", left),
        Panel(f"latent {narrow}: its best unit does not", right),
    ]
    alt = (
        f"{title}: {len(shown)} rows, a face each, of {strips.shape[2]} images on the left as a "
        f"unit of latent {wide} that finds an attribute moves towards it, and on the right as the "
        f"best unit of latent {narrow} does, which does not find it. Attributes, with both AUCs: "
        f"{'; '.join(named)}."
    )
    return draw(panels, title, alt)


def draw_gallery(galleries: Mapping[int, Mapping[str, Images]], title: str) -> Drawing:
    """Draw a panel a latent size: faces, what becomes of them, samples and interpolations.

    Parameters
    ----------
    galleries
        By latent size, uint8 (rows, columns, c, h, w), values 0..255, columns the same for all:
        ``originals`` and their ``reconstructions``, ``samples`` from the prior, and
        ``interpolations``, a row a pair of faces.
    title
        What the images are, with the words stand-in or drawn where they are that.
    """
    panels = []
    for latent, gallery in galleries.items():
        pairs = np.stack([gallery[kind] for kind in PAIRED], axis=1)
        groups = [([LABELS[kind] for kind in PAIRED], pair) for pair in pairs]
        for kind in KINDS:
            labels = [LABELS[kind]] + [""] * (len(gallery[kind]) - 1)
            groups.append((labels, gallery[kind]))
        panels.append(Panel(f"latent {latent}", groups))
    first = next(iter(galleries.values()))
    counts = {kind: images.shape[0] * images.shape[1] for kind, images in first.items()}
    alt = (
        f"{title}: for each latent size ({', '.join(map(str, galleries))}), {counts['originals']} "
        f"faces above their reconstructions, {counts['samples']} samples from the prior, and "
        f"{len(first['interpolations'])} rows of {first['interpolations'].shape[1]} images "
        "from one face to another."
    )
    return draw(panels, title, alt)


def _plain(attribute: object) -> str:
    """Write an attribute's name as words."""
    return str(attribute).replace("_", " ")
