"""Tables of the report: stacked by run, ordered for reading, nothing invented."""

import pandas as pd

from vaentk import tables


def test_stack_names_the_run_first() -> None:
    stacked = tables.stack({"a": pd.DataFrame({"x": [1]}), "b": pd.DataFrame({"x": [2]})})
    assert stacked.to_dict("list") == {"run": ["a", "b"], "x": [1, 2]}


def test_slopes_are_read_layer_by_layer_from_the_final_time_back() -> None:
    rows = [
        {"layer": layer, "fraction": fraction, "outputs": outputs, "width_over_outputs": 2.0}
        | {"claimed": -1, "slope": -0.9, "low": -1, "high": -0.8, "points": 6}
        | {"width_min": 64, "width_max": 256}
        for outputs in (196, 49)
        for layer in ("dec", "enc", "sigma", "hid", "mu")
        for fraction in (0.0625, 0.125, 0.25, 0.5, 1.0)
    ]
    frame = pd.DataFrame(rows)
    runs = {f"d{d}": frame[frame["outputs"] == d] for d in (196, 49)}
    table = tables.weight_change_slopes(runs)
    assert list(table["layer"].unique()) == ["enc", "hid", "mu", "sigma", "dec"]
    assert list(table["fraction"])[:3] == [1.0, 0.25, 0.0625]
    assert list(table["outputs"].unique()) == [49, 196]
    assert len(table) == 2 * 5 * 3
