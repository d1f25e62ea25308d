"""Rule train_discovery: one latent size of Figure 4, all seeds, on the training faces (W6)."""

from pathlib import Path

import numpy as np
import pandas as pd

from vaentk.config import settings_of
from vaentk.data.image_set import ImageSet
from vaentk.models import latent_traversals as traversals
from vaentk.models.conv_vae import ConvVAE
from vaentk.runtime import checkpoints, ensembles, io, job
from vaentk.training.minibatch import Member, Recipe

with job.running(snakemake) as task:
    settings = settings_of("discovery", task.params["settings"])
    stored, note = io.map_tensors(task.inputs["images"]), io.read_note(task.inputs["images"])
    faces = ImageSet.of(stored, note)
    run, latent = snakemake.wildcards.run, int(snakemake.wildcards.latent)
    model = ConvVAE(faces.facts.shape[0], latent)
    members = [Member(seed, settings.beta) for seed in settings.seeds]
    recipe = Recipe.observed(settings.steps, settings.batch, settings.learning_rate)
    folder = Path(f"results/train/discovery/{run}/{latent}.checkpoint")
    learnt = faces.only("train").to(task.device)
    trained = ensembles.train_ensemble(model, learnt, members, recipe, task, folder)
    weights = trained.weights()
    arrays = {f"weights/{name}": weight for name, weight in weights.items()}
    for part in ("train", "validation", "test"):
        images = faces.only(part).to(task.device)
        numbers = np.arange(len(images))[: settings.probed if part == "train" else None]
        mean, logvar = traversals.encode(model, weights, images, numbers)
        arrays |= {f"{part}/mean": mean, f"{part}/logvar": logvar}
    # The last part is the test images.
    given = model, weights, images, numbers, mean
    arrays["test/reconstruction"] = traversals.reconstruction_error(*given)
    io.write_table(pd.DataFrame(trained.records), task.outputs["records"])
    io.write_arrays({k: a.cpu().numpy() for k, a in arrays.items()}, task.outputs["codes"])
    checkpoints.forget(folder)
