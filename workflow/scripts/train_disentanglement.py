"""Rule train_disentanglement: one latent size of Figure 3, all seeds and betas (W5)."""

from itertools import product
from pathlib import Path

import pandas as pd

from vaentk.config import settings_of
from vaentk.data.image_set import ImageSet
from vaentk.models import latent_traversals as traversals
from vaentk.models.conv_vae import ConvVAE
from vaentk.runtime import checkpoints, ensembles, io, job
from vaentk.training.minibatch import Member, Recipe, initial_state

with job.running(snakemake) as task:
    settings = settings_of("disentanglement", task.params["settings"])
    stored, note = io.map_tensors(task.inputs["images"]), io.read_note(task.inputs["images"])
    images = ImageSet.of(stored, note).to(task.device)
    latent = int(snakemake.wildcards.latent)
    model = ConvVAE(images.facts.shape[0], latent)
    members = [Member(seed, beta) for seed, beta in product(settings.seeds, settings.betas)]
    recipe = Recipe.observed(settings.steps, settings.batch, settings.learning_rate)
    folder = Path(f"results/train/disentanglement/{snakemake.wildcards.run}/{latent}.checkpoint")
    trained = ensembles.train_ensemble(model, images, members, recipe, task, folder)
    start = initial_state(model, members, task.device)
    part, numbers = traversals.part_of(images.facts.grid, settings.every)
    arrays = {}
    for network, state in (("trained", trained), ("untrained", start)):
        mean, logvar = traversals.encode(model, state.weights(), images, numbers)
        arrays |= {f"{network}/mean": mean, f"{network}/logvar": logvar}
    mean, logvar = arrays["trained/mean"], arrays["trained/logvar"]
    given = model, trained.weights(), images, numbers, mean
    arrays["reconstruction"] = traversals.reconstruction_error(*given)
    arrays["strips"] = traversals.strips(model, trained.weights(), mean, logvar, len(part) // 3)
    io.write_table(pd.DataFrame(trained.records), task.outputs["records"])
    io.write_arrays({k: a.cpu().numpy() for k, a in arrays.items()}, task.outputs["codes"])
    checkpoints.forget(folder)
