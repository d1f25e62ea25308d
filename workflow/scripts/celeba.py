"""Rule celeba: aligned faces with their attributes, complete or not, cropped or whole."""

from vaentk.config import Data
from vaentk.data import celeba, download
from vaentk.data.facts import Facts
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    data = Data.from_plain(snakemake.config.get("data", {}))
    name, partial = task.params["name"], task.params["source"] == "partial"
    crop = "whole" if name == "celeba_whole" else "centre"
    archive, attributes = "img_align_celeba.zip", "list_attr_celeba.txt"
    wanted = [attributes] if partial else [archive, attributes]
    files = download.fetch_set("celeba", task.inputs["table"], data.cache, data.offline, wanted)
    names, values = celeba.attributes(files[attributes])
    where = celeba.at_hand(files[attributes].parent) if partial else files[archive]
    with celeba.opened(where) as faces:
        kind = "real" if len(faces) == celeba.IMAGES else "partial"
        source = f"{where.name}, {'the middle 148x148 pixels' if crop == 'centre' else 'uncropped'}"
        facts = Facts(name, "celeba", kind, source, (3, 64, 64), celeba.IMAGES, attributes=names)
        path = task.outputs["images"]
        known = {
            "ids": faces.ids,
            "attributes": values[faces.ids - 1],
            "parts": celeba.partition(faces.ids),
        }
        blocks = faces.blocks(crop, task.threads)
        io.write_blocks(blocks, (len(faces), 3, 64, 64), path, known, facts.text())
    task.describe(path, data=kind, images=len(faces), official=celeba.IMAGES)
