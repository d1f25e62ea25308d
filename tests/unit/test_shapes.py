"""Annotations of arrays are checked while tests run, and not while the workflow does."""

import subprocess
import sys

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from vaentk.kernels.flow import losses

WITHOUT_TESTS = """
import numpy as np
from vaentk.kernels.flow import losses

print(losses(np.ones((2, 3, 1), dtype=np.float32)))
"""


@pytest.mark.parametrize("wrong", [np.ones((2, 3)), np.ones((2, 3, 1), dtype=np.float32)])
def test_another_shape_or_dtype_is_refused_in_tests(wrong: np.ndarray) -> None:
    assert losses(np.ones((2, 3, 1))).tolist() == [0.5, 0.5]
    with pytest.raises(TypeCheckError, match="losses"):
        losses(wrong)


def test_nothing_is_checked_outside_tests() -> None:
    command = [sys.executable, "-W", "error", "-c", WITHOUT_TESTS]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "[0.5 0.5]\n"
