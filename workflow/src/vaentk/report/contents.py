"""What the report shows: results, and the words about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from vaentk.report.captions import PageText, Section
from vaentk.report.datasets import Source
from vaentk.report.figure import Figure
from vaentk.report.reference import ReferenceRun

PROVENANCE = ["rule", "code", "dtype", "device", "seeds"]


@dataclass(frozen=True, eq=False)
class ReportData:
    """All that one page shows; nothing else reaches the template.

    Attributes
    ----------
    config
        The whole validated configuration as plain data, defaults included.
    claims, assumptions, remarks
        The tables that rule claims makes, all text.
    figures, tables
        By name, as the words of a section name them.
    images
        By experiment and run, the source whose images it takes; None where it draws its own.
    sources
        Data sets by name.
    run_times
        What differs from run to run; the section of that name alone shows it.
    sidecars
        Provenance by the path of the result that it lies beside.
    references
        Runs made elsewhere, whose verdicts stand beside these.
    equations
        LaTeX by the beginnings of claims' ids.
    rooms
        Folder of the code of an experiment, by experiment.
    """

    text: PageText
    config: Mapping[str, Any]
    claims: pd.DataFrame
    assumptions: pd.DataFrame
    remarks: pd.DataFrame
    figures: Mapping[str, Figure]
    tables: Mapping[str, pd.DataFrame]
    images: Mapping[str, Mapping[str, str | None]]
    sources: Mapping[str, Source]
    run_times: pd.DataFrame
    sidecars: Mapping[str, Mapping[str, Any]]
    references: Sequence[ReferenceRun]
    commit: str
    equations: Mapping[str, str] = field(default_factory=dict)
    rooms: Mapping[str, str] = field(default_factory=dict)

    @property
    def runs(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """Settings by run, by experiment."""
        runs: Mapping[str, Mapping[str, Mapping[str, Any]]] = self.config["experiments"]
        return runs

    @property
    def shown(self) -> list[Section]:
        """The experiments that ran, in the order of the page."""
        return [section for section in self.text.sections if self.runs.get(section.id)]

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the libraries; where results were made with several, all of them."""
        versions: dict[str, set[str]] = {}
        for record in self.sidecars.values():
            for name, version in record.get("versions", {}).items():
                versions.setdefault(name, set()).add(str(version))
        return {name: ", ".join(sorted(versions[name])) for name in sorted(versions)}

    @property
    def provenance(self) -> pd.DataFrame:
        """One row a result; a digest is cut to what tells it apart, the sidecar has all of it."""
        rows = [
            [path, *(record.get(key) for key in PROVENANCE), len(record.get("inputs", {}))]
            for path, record in sorted(self.sidecars.items())
        ]
        frame = pd.DataFrame(rows, columns=["file", *PROVENANCE, "inputs"])
        frame["code"] = frame["code"].map(lambda digest: str(digest)[:12] if digest else None)
        return frame

    def made_from(self, path: str) -> list[str]:
        """Name what a figure or table was made of, as its sidecar says, in the results folder."""
        inputs = sorted(self.sidecars.get(f"results/{path}", {}).get("inputs", {}))
        return [name.removeprefix("results/") for name in inputs if name.startswith("results/")]
