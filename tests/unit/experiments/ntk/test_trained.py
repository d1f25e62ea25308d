"""What jobs of several widths each left, sorted by width."""

import numpy as np
import pandas as pd

from vaentk.data.stored import Stored
from vaentk.experiments.ntk.settings import WidthJob
from vaentk.experiments.ntk.trained import by_width


def test_records_and_outputs_come_by_width() -> None:
    narrow, wide = WidthJob([32, 128]), WidthJob([1024])
    records = {
        narrow: pd.DataFrame({"width": [32, 32, 128], "loss": [1.0, 2.0, 3.0]}),
        wide: pd.DataFrame({"width": [1024], "loss": [4.0]}),
    }
    outputs = {
        narrow: Stored({"32/base/0/0": np.ones(1), "128/base/0/0": np.ones(2)}),
        wide: Stored({"1024/base/0/0": np.ones(3)}),
    }
    found = [
        (width, frame["loss"].tolist(), {k: len(v) for k, v in arrays.items()})
        for width, frame, arrays in by_width(records, outputs)
    ]
    assert found == [
        (32, [1.0, 2.0], {"base/0/0": 1}),
        (128, [3.0], {"base/0/0": 2}),
        (1024, [4.0], {"base/0/0": 3}),
    ]
