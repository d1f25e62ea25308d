"""The report: self-contained pages made of saved results, verdicts first, and their summary."""

from vaentk.report.contents import ReportData, Source, describe_machine, gather
from vaentk.report.datasets import sources
from vaentk.report.page import render
from vaentk.report.reference import ReferenceRun, read_reference
from vaentk.report.words import Sections, read_sections

__all__ = [
    "ReferenceRun",
    "ReportData",
    "Sections",
    "Source",
    "describe_machine",
    "gather",
    "read_reference",
    "read_sections",
    "render",
    "sources",
]
