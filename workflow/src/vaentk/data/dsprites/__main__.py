"""Compare the drawing with the published file or any part of it: see ``--help``."""

import argparse
import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from vaentk.data.dsprites.drawing import draw_all
from vaentk.data.dsprites.published import compare
from vaentk.errors import UserError


def main() -> None:
    """Compare the drawing with a file, as the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m vaentk.data.dsprites")
    commands = parser.add_subparsers(required=True)
    comparing = commands.add_parser("compare", help="compare the drawing with a published file")
    comparing.add_argument("file", type=Path, help="npz file: the published one or a part of it")
    comparing.add_argument("--shown", type=int, default=100, help="images listed (default: 100)")
    comparing.add_argument(
        "--record", type=Path, help="write what was found to this json file, for reports"
    )
    given = parser.parse_args()
    try:
        found = compare(given.file, given.shown)
        print("\n".join(found.lines()))
        if given.record:
            digest = hashlib.sha256()
            for block in draw_all():
                digest.update(block.data)
            record = asdict(found) | {"checksum": f"sha256:{digest.hexdigest()}"}
            given.record.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
