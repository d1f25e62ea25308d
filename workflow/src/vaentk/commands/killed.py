"""Whether the last run in this folder was killed: `make report` then frees the folder and goes on.

Exits with 0 where it was, on this machine, and with 1 where the folder is free, or is locked by a
run that may be alive.
"""

import sys
from pathlib import Path

from vaentk.runtime.surroundings import was_killed

if __name__ == "__main__":
    if not was_killed(Path()):
        sys.exit(1)
    print("vaentk: the last run here was killed: freeing the folder, and going on where it was")
