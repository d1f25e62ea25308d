"""The report: self-contained pages made of saved results, verdicts first, and their summary."""

from vaentk.report.captions import PageText, read_page_text
from vaentk.report.contents import ReportData, Source, gather
from vaentk.report.datasets import sources
from vaentk.report.page import render
from vaentk.report.reference import ReferenceRun, read_reference
from vaentk.report.run_times import describe_machine, read_run_times

__all__ = [
    "PageText",
    "ReferenceRun",
    "ReportData",
    "Source",
    "describe_machine",
    "gather",
    "read_page_text",
    "read_reference",
    "read_run_times",
    "render",
    "sources",
]
