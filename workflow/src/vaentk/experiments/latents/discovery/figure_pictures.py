"""Figure 4's pictures: what the wide network tells better, and a gallery."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Runs
from vaentk.figures.image_panels import Images, Panel, draw, sentence
from vaentk.figures.style import Drawing, number

PAIRED = ("originals", "reconstructions")
LABELS = {
    "originals": "original",
    "reconstructions": "reconstruction",
    "samples": "samples from\nthe prior",
    "interpolations": "between\ntwo faces",
}
"""What the rows of a gallery are called."""


def discovery_found(pictures: Mapping[str, Stored], *, runs: Runs) -> Drawing:
    """Draw the attributes that the wide size tells better by most, one row per attribute and face.

    The left strip moves the wide network's best unit, the right one the narrow network's, from the
    same face. Without any it is a sentence.
    """
    arrays, facts, title = _first_run(pictures, runs)
    strips, wide, narrow, rows = arrays["found"], facts["wide"], facts["narrow"], facts["found"]
    if not rows:
        return sentence(
            f"No attribute is told better by latent {wide} than by latent {narrow} in {title}."
        )
    left, right, named = [], [], []
    for row, images in zip(rows, strips, strict=True):
        low, high = row["difference_low"], row["difference_high"]
        apart = f"{number(row['difference'])} [{number(low)}, {number(high)}]"
        label = f"{_plain(row['attribute'])} {row['wide_auc']:.2f}\nmore by {apart}"
        left.append(([label], images[:1]))
        right.append(([f"unit {row['narrow_unit']}\nAUC {row['narrow_auc']:.2f}"], images[1:]))
        named.append(f"{_plain(row['attribute'])} {apart}")
    panels = [
        Panel(f"latent {wide}: its best unit", left),
        Panel(f"latent {narrow}: its best unit", right),
    ]
    alt = (
        f"{title}: {len(rows)} rows, an attribute and a face each, of {strips.shape[2]} images on "
        f"the left as the unit of latent {wide} that tells the attribute best moves towards it, "
        f"and on the right as the best unit of latent {narrow} does. Attributes, with the mean "
        f"difference of the areas over all seeds: {'; '.join(named)}."
    )
    return draw(panels, title, alt, traversals=True)


def discovery_gallery(pictures: Mapping[str, Stored], *, runs: Runs) -> Drawing:
    """Draw one panel per latent size: faces, what becomes of them, samples and interpolations."""
    arrays, facts, title = _first_run(pictures, runs)
    galleries = {
        str(latent): {kind: arrays[f"gallery/{latent}/{kind}"] for kind in LABELS}
        for latent in facts["latents"]
    }
    panels = []
    for latent, gallery in galleries.items():
        pairs = np.stack([gallery[kind] for kind in PAIRED], axis=1)
        rows = [([LABELS[kind] for kind in PAIRED], pair) for pair in pairs]
        for kind in ("samples", "interpolations"):
            labels = [LABELS[kind]] + [""] * (len(gallery[kind]) - 1)
            rows.append((labels, gallery[kind]))
        panels.append(Panel(f"latent {latent}", rows))
    first = next(iter(galleries.values()))
    counts = {kind: images.shape[0] * images.shape[1] for kind, images in first.items()}
    between = first["interpolations"]
    alt = (
        f"{title}: for each latent size ({', '.join(galleries)}), {counts['originals']} "
        f"faces above their reconstructions, {counts['samples']} samples from the prior, and "
        f"{len(between)} rows of {between.shape[1]} images from one face to another."
    )
    return draw(panels, title, alt)


def extent(label: str, images: int, official: int) -> str:
    """Say how many of the official images there were, where that is not all of them."""
    return f"{label}: {images:,} of {official:,} images" if images < official else label


def _first_run(
    pictures: Mapping[str, Stored], runs: Runs
) -> tuple[Mapping[str, Images], dict[str, Any], str]:
    """Take the pictures of the first run, what its note says of them, and their title."""
    run = next(iter(pictures))
    facts = json.loads(pictures[run].note)
    images = extent(runs.data[run], facts["images"], facts["official"])
    return pictures[run].arrays, facts, f"{images}, seed {facts['seed']}"


def _plain(attribute: object) -> str:
    """Write an attribute's name as words."""
    return str(attribute).replace("_", " ")
