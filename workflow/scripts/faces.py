"""Rule faces: drawn faces with known attributes, which stand in for CelebA."""

import numpy as np

from vaentk.data.faces import drawing
from vaentk.data.faces.attributes import ATTRIBUTES, sample
from vaentk.data.facts import Facts
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    n, path = task.params["source"], task.outputs["images"]
    drawn = sample(n, np.random.default_rng(0))
    shape, source = (3, 64, 64), "drawn by vaentk"
    facts = Facts("faces", "celeba", "stand-in", source, shape, n, attributes=ATTRIBUTES)
    parts = np.searchsorted([8 * n // 10, 9 * n // 10], np.arange(n), side="right")
    known = {"attributes": drawn.attributes.astype(np.uint8), "parts": parts.astype(np.uint8)}
    images = drawing.draw(drawn).transpose(0, 3, 1, 2)
    io.write_blocks([images], images.shape, path, known, facts.text())
    task.describe(path, data="stand-in", images=n)
