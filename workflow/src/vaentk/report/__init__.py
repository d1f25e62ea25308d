"""The report: one self-contained page made of saved results, verdicts first."""

from vaentk.report.contents import ReportData, Source, describe_machine, gather
from vaentk.report.datasets import sources
from vaentk.report.page import render
from vaentk.report.words import Sections, read_sections

__all__ = [
    "ReportData",
    "Sections",
    "Source",
    "describe_machine",
    "gather",
    "read_sections",
    "render",
    "sources",
]
