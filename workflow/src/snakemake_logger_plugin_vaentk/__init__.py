"""What a run says in a terminal: one line a job, with its share of the work and the time left.

Snakemake finds it by its name, as ``--logger vaentk``; `make report` asks for it.
"""

import logging
import os
import sys
import threading
from typing import Final

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from vaentk.commands import progress

FAULTS: Final = (LogEvent.JOB_ERROR, LogEvent.GROUP_ERROR, LogEvent.ERROR)
QUIET_SECONDS: Final = 30.0
"""After which a run that finishes nothing says what it is at."""


class LogHandler(LogHandlerBase):
    """Writes finished jobs, faults and warnings; the rest is in Snakemake's own log file."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = False
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Tell jobs to draw no progress of their own."""
        os.environ[progress.CALM] = "1"
        self.said = threading.Event()
        threading.Thread(target=self._say_what_it_is_at, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Write what a person wants to read."""
        event, run = getattr(record, "event", None), progress.current
        if event is LogEvent.JOB_INFO and run:
            run.start(record.jobid)  # type: ignore[attr-defined]
        elif event is LogEvent.JOB_FINISHED and run:
            self._say(run.finish(record.job_id))  # type: ignore[attr-defined]
        elif event in FAULTS or record.levelno >= logging.WARNING:
            self._say(self.format(record))
        elif "Nothing to be done" in str(record.msg):
            self._say("vaentk: nothing to be done, every result is up to date")

    def _say(self, text: str) -> None:
        if text:
            self.said.set()
            print(text, file=sys.stderr, flush=True)

    def _say_what_it_is_at(self) -> None:
        while True:
            self.said.clear()
            if not self.said.wait(QUIET_SECONDS) and progress.current:
                print(progress.current.waiting(), file=sys.stderr, flush=True)
