"""Rule figure_images: images of every data set."""

import json

from vaentk.figures import contact_sheet
from vaentk.runtime import job

with job.running(snakemake) as task:
    facts, sheets = task.opened("facts").set_index("name"), task.opened("sheets").arrays
    for name in task.outputs:
        row = facts.loc[name]
        official = f" of {row['official']:,}" if row["images"] < row["official"] else ""
        title = f"{name}: {row['data']}, {row['images']:,}{official} images"
        drawing = contact_sheet.draw(sheets[name], json.loads(row["rows"]), title)
        task.save_figure(drawing.svg, drawing.alt, name)
