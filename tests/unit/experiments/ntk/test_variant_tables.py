"""Tables of X1 to X3: ordered for reading, nothing invented."""

import pandas as pd
import pytest

from vaentk.experiments.ntk.activations.tables import activations
from vaentk.experiments.ntk.frozen_sigma.tables import frozen_sigma


def test_activations_come_by_lambda_0_with_their_condition_and_slowest_rate() -> None:
    columns = ["flow_distance", "empirical_distance", "rate"]
    columns += [f"{name}_{end}" for name in columns for end in ("low", "high")]
    rows = [
        {"activation": name, "width": width, "samples": 8, "lambda_0": least, "lambda_max": 6.0}
        | {"rate_flow": 0.3}
        | dict.fromkeys(columns, 0.1)
        for width in (256, 64)
        for name, least in (("relu", 0.5), ("erf", 2.0))
    ]
    members = pd.DataFrame({"activation": ["relu", "erf"], "meets_assumptions": [False, True]})
    table = activations({"a": members}, {"a": pd.DataFrame(rows)})
    assert list(table["activation"]) == ["erf", "erf", "relu", "relu"]
    assert list(table["width"]) == [64, 256, 64, 256]
    assert list(table["condition"]) == [3.0, 3.0, 12.0, 12.0]
    assert list(table["rate_tight"]) == [0.5, 0.5, 0.125, 0.125]
    assert list(table["meets_assumptions"]) == [True, True, False, False]


def test_frozen_sigma_averages_seeds_and_keeps_the_largest_ratio() -> None:
    difference = pd.DataFrame({"width": [64, 64, 256], "seed": [0, 1, 0]})
    difference = difference.assign(difference=[1.0, 3.0, 5.0], distance=8.0, ratio=[0.1, 0.3, 0.6])
    summary = pd.DataFrame({"variant": ["trained", "frozen"] * 2, "width": [64, 64, 256, 256]})
    summary = summary.assign(lambda_0=[0.5, 0.25] * 2, rate=[1.0, 2.0, 3.0, 4.0])
    table = frozen_sigma({"a": summary}, {"a": difference})
    assert list(table["width"]) == [64, 256]
    assert list(table["sigma_difference"]) == pytest.approx([3**0.5, 5.0]), "geometric means"
    assert table["sigma_difference_low"].isna().tolist() == [False, True]
    assert list(table["ratio_max"]) == [0.3, 0.6]
    assert list(table["lambda_0_trained"]) == [0.5, 0.5]
    assert list(table["rate_frozen"]) == [2.0, 4.0]
