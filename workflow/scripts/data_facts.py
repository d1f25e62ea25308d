"""Rule data_facts: what every data set is, in a table, and images of each for its contact sheet."""

import json

import numpy as np
import pandas as pd

from vaentk.data import overview
from vaentk.data.dsprites import published
from vaentk.data.image_set import ImageSet
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    rows, sheets = [], {}
    names = [path.stem for path in task.files["images"]]
    for name, stored in task.opened("images", names).items():
        images = ImageSet.of(stored.arrays, stored.note)
        row = overview.facts(images)
        if (images.facts.name, images.facts.data) == ("dsprites", "drawn"):
            record = json.loads(io.read_text(task.inputs["agreement"]))
            row["agreement"] = published.agreement(row["lit"], row["checksum"], record)
        sheets[name], labels = overview.contact_sheet(images, np.random.default_rng(0))
        rows.append(row | {"rows": json.dumps(labels)})
    task.save({"facts": pd.DataFrame(rows), "sheets": sheets})
