"""Rule data_facts: what every data set is, in a table, and images of each for its contact sheet."""

import json

import numpy as np
import pandas as pd

from vaentk.data import dsprites
from vaentk.data import overview as datasets
from vaentk.data.image_set import ImageSet
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    rows, sheets = [], {}
    for path in task.files["images"]:
        images = ImageSet.of(io.map_tensors(path), io.read_note(path))
        row = datasets.facts(images)
        if (images.facts.name, images.facts.data) == ("dsprites", "drawn"):
            record = json.loads(io.read_text(task.inputs["agreement"]))
            row["agreement"] = dsprites.agreement(row["lit"], row["checksum"], record)
        rows.append(row)
        generator = np.random.default_rng(0)
        sheets[path.stem], row["rows"] = datasets.contact_sheet(images, generator)
    frame = pd.DataFrame(rows)
    frame["rows"] = frame["rows"].map(json.dumps)
    io.write_table(frame, task.outputs["facts"])
    io.write_arrays(sheets, task.outputs["sheets"])
