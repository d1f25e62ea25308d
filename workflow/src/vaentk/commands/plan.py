"""`make plan`: what would run, with hours, memory and disk, before anything does.

Which jobs would run is Snakemake's own answer, the events of a dry run; what they cost are the
functions that the rules' resources come from. Arguments are Snakemake's, but ``--card=NAME``: a
GPU whose rates are in `vaentk.costs.cards`.
"""

import logging
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from textwrap import fill

from snakemake.cli import args_to_api, parse_args, parse_config
from snakemake.common.configfile import load_configfile
from snakemake.utils import update_config
from snakemake_interface_logger_plugins.common import LogEvent

from vaentk.config import Config, load
from vaentk.costs.cards import ANY, CARDS
from vaentk.costs.jobs import Job, refuse_endless
from vaentk.costs.table import COLUMNS, table, told
from vaentk.errors import UserError
from vaentk.runtime.gpu import gpu_at_hand

DEFAULT = "config/config.yaml"
CARD = "--card="


class Planned(logging.Handler):
    """Keeps the jobs that a dry run tells of."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[Job] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a job; everything else that Snakemake says is not ours."""
        if getattr(record, "event", None) is LogEvent.JOB_INFO:
            self.jobs.append((record.rule_name, dict(record.wildcards)))  # type: ignore[attr-defined]


def configuration(files: list[str] | None, changes: list[str] | None) -> Config:
    """Read the configuration as Snakemake does: the default, then files, then --config."""
    merged = load_configfile(DEFAULT)
    for path in files or []:
        update_config(merged, load_configfile(path))
    update_config(merged, parse_config(changes))
    config = load(merged)
    refuse_endless(config)
    return config


def main() -> None:
    """Print the table, or what keeps Snakemake from planning."""
    cards = [given.removeprefix(CARD) for given in sys.argv[1:] if given.startswith(CARD)]
    unknown = [name for name in cards if name not in CARDS]
    if unknown:
        sys.exit(f"no rates are known of the GPU {unknown[0]!r}: take one of {', '.join(CARDS)}")
    own = [given for given in sys.argv[1:] if not given.startswith(CARD)]
    parser, args = parse_args(["--dry-run", *own])
    try:
        config = configuration(args.configfile, args.config)
    except (UserError, OSError) as error:
        sys.exit(str(error))
    planned, said = Planned(), StringIO()
    # Snakemake clears the handlers of its own logger, and not those of the one above it.
    logging.getLogger("snakemake").addHandler(planned)
    with redirect_stdout(said), redirect_stderr(said):
        done = args_to_api(args, parser)
    if not done:
        sys.exit(said.getvalue())
    cores = args.cores if isinstance(args.cores, int) and args.cores > 1 else os.cpu_count() or 1
    files = [DEFAULT, *map(str, args.configfile or [])]
    print(fill(told(config, load(load_configfile(DEFAULT)), files), COLUMNS))
    card = CARDS[cards[-1]] if cards else ANY
    print(table(planned.jobs, config, gpu_at_hand(config.device), cores, card))


if __name__ == "__main__":
    main()
