"""Rule measure_deep_vae: how gradients and bounds fall along activations, beta and K (S2 to S4)."""

from vaentk.config import settings_of
from vaentk.data.facts import Facts
from vaentk.experiments.convergence.deep_vae import curves as deep_curves
from vaentk.experiments.convergence.deep_vae import ends as deep_ends
from vaentk.experiments.convergence.deep_vae import trends as deep_trends
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    settings = settings_of("deep_vae", task.params["settings"])
    facts = Facts.of(io.read_note(task.inputs["images"]))
    records = {
        variant: io.read_table(path)
        for variant, path in zip(settings.variants(), task.files["records"], strict=True)
    }
    table = deep_curves.curves(records)
    reached = deep_curves.thresholds(table)
    known = {"data": facts.data, "epochs": settings.epochs}
    slopes = deep_curves.slopes(table, settings).assign(**known)
    trends = deep_trends.trends(table, reached, settings).assign(**known)
    published = io.read_table(task.inputs["published"])
    io.write_table(table, task.outputs["curves"])
    io.write_table(slopes, task.outputs["slopes"])
    io.write_table(reached, task.outputs["thresholds"])
    io.write_table(trends, task.outputs["trends"])
    io.write_table(deep_ends.ends(table, settings, facts, published), task.outputs["ends"])
