"""Rule figure_images: images of every data set."""

import json

from vaentk.figures import contact_sheet
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    sheets = io.read_arrays(task.inputs["sheets"])
    facts = io.read_table(task.inputs["facts"]).set_index("name", drop=False)
    for name, path in task.outputs.items():
        row = facts.loc[name]
        whole = f" of {row['official']:,}" if row["images"] < row["official"] else ""
        title = f"{name}: {row['data']}, {row['images']:,}{whole} images"
        drawing = contact_sheet.draw(sheets[name], json.loads(row["rows"]), title)
        io.write_text(drawing.svg, path)
        task.describe(path, alt=drawing.alt)
