"""Data sets as the report shows them."""

import numpy as np
import pandas as pd
from pages import SVG

from vaentk.data.table import DataFile
from vaentk.report.datasets import sources
from vaentk.report.figure import Figure

FILE = DataFile(
    name="cars3d",
    version="1",
    file="cars.tar.gz",
    mirrors=(),
    bytes=None,
    checksum="md5:" + 32 * "0",
    licence="theirs",
    citation="Someone 2015",
)
FACTS = {
    "name": "cars3d",
    "dataset": "cars3d",
    "data": "real",
    "source": "cars.tar.gz",
    "images": 17568,
    "channels": 3,
    "height": 64,
    "width": 64,
    "mean": 0.5,
    "std": 0.25,
    "factors": "elevation (4), azimuth (24), object (183)",
    "attributes": np.nan,
    "checksum": "sha256:2",
}


def test_sources_join_facts_with_the_table_of_files() -> None:
    (cars,) = sources(pd.DataFrame([FACTS]), [FILE], {"cars3d": Figure(SVG, "cars")}).values()
    assert (cars.label, cars.images, cars.pixels) == ("real", 17568, 64)
    assert (cars.licence, cars.citation, cars.checksum) == ("theirs", "Someone 2015", "sha256:2")
    facts = dict(cars.facts)
    assert facts["Source"] == "cars.tar.gz"
    assert facts["Values"] == "from 0 to 1: mean 0.500000, standard deviation 0.250000"
    assert facts["Factors (sizes)"] == "elevation (4), azimuth (24), object (183)"
    assert "Attributes" not in facts


def test_a_stand_in_is_ours_and_says_after_whom() -> None:
    frame = pd.DataFrame([FACTS | {"name": "drawn", "data": "stand-in"}])
    (drawn,) = sources(frame, [FILE], {}).values()
    assert drawn.licence == "MIT, the vaentk authors"
    assert drawn.citation == "After Someone 2015"
    assert drawn.sheet is None
