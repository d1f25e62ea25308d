"""Rule train_deep_vae: one variant of a deep Gaussian VAE, all seeds (S2 to S4)."""

from pathlib import Path

from vaentk.data.image_set import ImageSet
from vaentk.experiments.convergence.deep_vae import DeepTraining
from vaentk.runtime import checkpoints, deep_ensembles, io, job

with job.running(snakemake) as task:
    run, variant = snakemake.wildcards.run, snakemake.wildcards.variant
    settings = DeepTraining.from_plain(task.params["settings"])
    stored, note = io.map_tensors(task.inputs["images"]), io.read_note(task.inputs["images"])
    images = ImageSet.of(stored, note).to(task.device)
    folder = Path(f"results/train/deep_vae/{run}/{variant}.checkpoint")
    records, weights = deep_ensembles.train_variant(settings, variant, images, task, folder)
    io.write_table(records, task.outputs["records"])
    io.write_arrays({k: w.cpu().numpy() for k, w in weights.items()}, task.outputs["weights"])
    checkpoints.forget(folder)
