"""Rule faces: drawn faces with known attributes, which stand in for CelebA."""

import numpy as np

from vaentk.data.faces import drawing as faces
from vaentk.data.facts import Facts
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    n, path = task.params["source"], task.outputs["images"]
    drawn = faces.sample(n, np.random.default_rng(0))
    facts = Facts(
        "faces",
        "celeba",
        "stand-in",
        "drawn by vaentk",
        (3, 64, 64),
        n,
        attributes=faces.ATTRIBUTES,
    )
    parts = np.searchsorted([8 * n // 10, 9 * n // 10], np.arange(n), side="right")
    known = {"attributes": drawn.attributes.astype(np.uint8), "parts": parts.astype(np.uint8)}
    images = faces.draw(drawn).transpose(0, 3, 1, 2)
    io.write_blocks([images], images.shape, path, known, facts.text())
    task.describe(path, data="stand-in", images=n)
