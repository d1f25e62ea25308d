"""What a run says: one line per job, with its share of the work and the time left.

In a terminal that line takes the place of the one before; in a file all of them stay. Snakemake
finds this by its name, as ``--logger vaentk``; `make report` asks for it.
"""

import logging
import os
import shutil
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
        self.alone = threading.Lock()
        self.passing = False
        threading.Thread(target=self._say_what_it_is_at, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Write what a person wants to read."""
        with self.alone:
            self._tell(record)

    def _tell(self, record: logging.LogRecord) -> None:
        event, run = getattr(record, "event", None), progress.current
        if event is LogEvent.JOB_INFO and run:
            run.start(record.jobid)  # type: ignore[attr-defined]
        elif event is LogEvent.JOB_FINISHED and run:
            self._say(run.finish(record.job_id), passing=True)  # type: ignore[attr-defined]
        elif event in FAULTS or record.levelno >= logging.WARNING:
            if event is LogEvent.JOB_ERROR and run:
                run.fail(getattr(record, "jobid", -1))
            self._say(self.format(record))
        elif "Nothing to be done" in str(record.msg):
            self._say("vaentk: nothing to be done, every result is up to date")

    def close(self) -> None:
        """Leave the last line in the terminal."""
        if self.passing:
            print(file=sys.stderr, flush=True)
        self.passing = False
        super().close()

    def _say(self, text: str, passing: bool = False) -> None:
        """Write a line; where it is `passing`, the next one takes its place in a terminal."""
        if not text:
            return
        self.said.set()
        begin, end = ("\r\x1b[K" if self.passing else ""), "\n"
        self.passing = passing and sys.stderr.isatty()
        if self.passing:
            text, end = text[: shutil.get_terminal_size().columns - 1], ""
        print(begin, text, sep="", end=end, file=sys.stderr, flush=True)

    def _say_what_it_is_at(self) -> None:
        while True:
            self.said.clear()
            if not self.said.wait(QUIET_SECONDS) and progress.current:
                with self.alone:
                    self._say(progress.current.waiting(), passing=True)
