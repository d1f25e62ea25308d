"""Worker processes of a job."""

import os
import signal
from pathlib import Path

import pytest

from vaentk.errors import UserError
from vaentk.runtime.workers import workers


def test_a_killed_worker_is_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match="a training process was killed, perhaps for memory"),
        workers(2, tmp_path / "log") as spread,
    ):
        spread(die, [1, 2])


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
