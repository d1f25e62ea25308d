"""Rule measure_gradient_noise: signal-to-noise of gradients over B and K, and its powers (S5)."""

from pathlib import Path

from vaentk.bounds.deep import likelihood_of, model_of, pool_of
from vaentk.bounds.noise_grid import Grid
from vaentk.data.image_set import ImageSet
from vaentk.experiments.convergence.deep_vae import DeepTraining
from vaentk.experiments.convergence.gradient_noise import GradientNoise
from vaentk.experiments.convergence.gradient_noise import measure as gradient_noise
from vaentk.runtime import gradient_grids, io, job

with job.running(snakemake) as task:
    settings = GradientNoise.from_plain(task.params["settings"])
    base = DeepTraining.from_plain(task.params["base"])
    stored, note = io.map_tensors(task.inputs["images"]), io.read_note(task.inputs["images"])
    images = ImageSet.of(stored, note).to(task.device)
    found = io.map_tensors(task.inputs["weights"])
    weights = {
        state: {
            name.partition("/")[2]: tensor.to(task.device)
            for name, tensor in found.items()
            if name.startswith(f"{state}/")
        }
        for state in settings.states
    }
    grid = Grid(
        settings,
        model_of(base.network, images.facts.shape[0]),
        likelihood_of(base.network),
        pool_of(base.network, images),
        base.beta,
        base.seeds,
    )
    checkpoint = Path(f"results/measure/gradient_noise/{snakemake.wildcards.run}.checkpoint.json")
    ratios = gradient_grids.measure(grid, weights, task, checkpoint)
    io.write_table(ratios, task.outputs["ratios"])
    io.write_table(gradient_noise.exponents(ratios), task.outputs["exponents"])
    io.write_table(gradient_noise.at_budget(ratios), task.outputs["budgets"])
    checkpoint.unlink(missing_ok=True)
