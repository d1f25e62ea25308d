"""What the runs of a section were trained on, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from vaentk.report.contents import ReportData, Source
from vaentk.report.words import Section


def kinds(data: ReportData, section: Section) -> Iterator[str]:
    """Yield what the data of a section's runs is: real, a part, drawn, a stand-in."""
    if section.drawn is not None:
        yield "drawn"
    elif section.dataset is not None:
        yield data.sources[section.dataset].label
    else:
        for values in data.runs[section.id].values():
            trained = _trained(data, values)
            yield from (s.label for s in data.sources.values() if _is_of(s, trained))


def inputs(data: ReportData, section: Section) -> list[tuple[str, str]]:
    """Say for each run what it was trained on: which data, how many images, at what size.

    Returns
    -------
    list
        Name of the run, and the words.
    """
    if section.drawn is not None:
        return [
            (run, section.drawn.format(**values["data"]))
            for run, values in data.runs[section.id].items()
        ]
    if section.dataset is None:
        return [
            (run, _origin(data, source) + _part(source, trained))
            for run, values in data.runs[section.id].items()
            for trained in (_trained(data, values),)
            for source in data.sources.values()
            if _is_of(source, trained)
        ]
    source = data.sources[section.dataset]
    origin = _origin(data, source)
    said = []
    for run, values in data.runs[section.id].items():
        given = values["inputs"]
        side = given["resolution"]
        size = f"{side}×{side} pixels" if side == source.pixels else f"mean-pooled to {side}×{side}"
        kept = given.get("components")
        size += f", {kept} principal components" if kept else ""
        words = f"{origin}, {given['samples']:,} images, {size}, {given['scaling']}"
        said.append((run, words))
    return said


def _trained(data: ReportData, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of a run, or of the run of deep VAEs that it names as its network."""
    named = values.get("network")
    return data.runs["deep_vae"][named] if isinstance(named, str) else values


def _is_of(source: Source, values: Mapping[str, Any]) -> bool:
    """Whether a run takes the images of a source; a deep network alone takes faces uncropped."""
    if "network" not in values:
        return bool(source.dataset == values["dataset"] and source.name != "celeba_whole")
    cropped = source.name == "celeba"
    return source.dataset.startswith(values["network"]["dataset"]) and not cropped


def _part(source: Source, values: Mapping[str, Any]) -> str:
    """Say how much of a source a deep network is trained on, and at what size."""
    if "network" not in values:
        return ""
    side, images = values["network"]["side"], values["network"]["images"]
    words = f", {images:,} of them for training" if images else ""
    return words + (f", mean-pooled to {side}×{side}" if side != source.pixels else "")


def _origin(data: ReportData, source: Source) -> str:
    words = data.sections.datasets[source.name].words[source.label]
    return words.format(images=f"{source.images:,}")
