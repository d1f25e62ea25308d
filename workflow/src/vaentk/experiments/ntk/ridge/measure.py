"""Theorem 2 on trained networks: which ridge they meet, and how fast with the width (W3)."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.ridge import Ridge
from vaentk.experiments.ntk.ridge.bound import error_term
from vaentk.experiments.ntk.ridge.errors import errors, path, slopes, summary, trained_networks
from vaentk.experiments.ntk.ridge.penalty import displacements
from vaentk.experiments.ntk.ridge.pictures import pictures
from vaentk.experiments.ntk.ridge.regression import KernelRegression
from vaentk.experiments.ntk.trained import by_width


def measure(
    settings: Ridge, *, mnist: Stored, records: Tables, outputs: Mapping[Any, Stored]
) -> dict[str, Any]:
    """Measure one run: every width against the three ridges, and along its training."""
    cases = settings.variants()
    inputs = inputs_of(mnist.arrays, settings.inputs, settings.held_out)
    x, held_out = inputs["x"], inputs["x_held_out"]
    regression = KernelRegression.of(settings.activation, settings.sigma0, x, held_out)
    all_errors, all_paths = [], []
    for _, record, arrays in by_width(records, outputs):
        networks = trained_networks(cases, record, arrays)
        all_errors.append(errors(regression, networks))
        all_paths.append(path(regression, networks))
    by_member, paths = pd.concat(all_errors), pd.concat(all_paths)
    return {
        "errors": by_member,
        "path": paths,
        "summary": summary(by_member),
        "slopes": slopes(by_member, paths, settings.slope_widths),
        "error_term": error_term(regression, by_member, settings.activation, settings.sigma0),
        "displacements": displacements(by_member, x),
        "pictures": pictures(regression, networks, inputs["labels_held_out"]),
    }
