"""What the runs of a section were trained on, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from vaentk.report.captions import Section
from vaentk.report.contents import ReportData
from vaentk.report.datasets import Source


def kinds(data: ReportData, section: Section) -> Iterator[str]:
    """Yield what the data of a section's runs is: real, a part, drawn, a stand-in."""
    for name in data.images[section.id].values():
        yield "drawn" if name is None else data.sources[name].label


def inputs(data: ReportData, section: Section) -> list[tuple[str, str]]:
    """Say for each run, by name, what it was trained on: which data, how many images, what size."""
    said = []
    for run, settings in data.runs[section.id].items():
        name = data.images[section.id][run]
        if name is None:
            words = (section.drawn or "").format(**{**settings, **settings.get("data", {})})
        else:
            source = data.sources[name]
            whole = data.text.datasets[name].words[source.label].format(images=f"{source.images:,}")
            words = ", ".join([whole, *_part(data, source, settings)])
        said.append((run, words))
    return said


def _part(data: ReportData, source: Source, settings: Mapping[str, Any]) -> Iterator[str]:
    """Say how much of a source a run takes, and at what size and scale."""
    if isinstance(settings.get("network"), str):  # which a run of deep VAEs has trained
        settings = data.runs["deep_vae"][settings["network"]]
    if "inputs" in settings:
        taken = settings["inputs"]
        sides = settings.get("resolutions", [taken["resolution"]])
        yield f"{taken['samples']:,} images"
        for side in sides:
            size = f"{side}×{side}"
            yield f"{size} pixels" if side == source.pixels else f"mean-pooled to {size}"
        if taken.get("components"):
            yield f"{taken['components']} principal components"
        yield taken["scaling"]
        if taken.get("data_seed"):
            yield f"another choice of images (seed {taken['data_seed']})"
    if "network" in settings:
        side, images = settings["network"]["side"], settings["network"]["images"]
        if images:
            yield f"{images:,} of them for training"
        if side != source.pixels:
            yield f"mean-pooled to {side}×{side}"
