# Needs: results/data. Makes: results/train, results/measure, results/figures and results/tables, by what every
# experiment declares of itself: a rule for each stage and experiment, such as train_ridge.

for kind, experiment in EXPERIMENTS.items():

    # A job is one width, latent size, optimiser or variant; its seeds are trained side by side.
    if experiment.jobs:

        rule:
            name:
                f"train_{kind}"
            input:
                **given(kind, experiment.takes),
            output:
                **recorded(
                    **{
                        name: f"results/train/{kind}/{{run}}/{{part}}.{ending}"
                        for name, ending in experiment.trained.items()
                    }
                ),
            log:
                f"results/logs/train/{kind}/{{run}}/{{part}}.log",
            wildcard_constraints:
                part=any_part(kind),
            priority: LONG
            conda:
                "../../envs/rule.yaml"
            threads: asked(f"train_{kind}", "threads")
            resources:
                **needs(f"train_{kind}"),
            params:
                **entered(kind, "train"),
                settings=settings_of_job(kind),
                parts=parts(kind),
                given=experiment.takes,
                dtype=experiment.dtype or CONFIG.dtype,
                device=experiment.device or CONFIG.device,
                deterministic=CONFIG.deterministic,
                checkpoint_seconds=CONFIG.checkpoint_seconds,
            script:
                "../scripts/train.py"

    rule:
        name:
            f"measure_{kind}"
        input:
            **given(kind, experiment.measured_from),
        output:
            **recorded(
                **{
                    name: measure(kind, "{run}", name)
                    for name in (*experiment.measures, *experiment.arrays)
                }
            ),
        log:
            f"results/logs/measure/{kind}/{{run}}.log",
        conda:
            "../../envs/rule.yaml"
        threads: asked(f"measure_{kind}", "threads")
        resources:
            **needs(f"measure_{kind}"),
        params:
            **entered(kind, "measure"),
            settings=settings_of_job(kind),
            network=network_settings(kind),
            parts=parts(kind),
            given=experiment.measured_from,
            trained=list(experiment.trained),
            device=CONFIG.device if "task" in experiment.measured_from else "cpu",
            deterministic=CONFIG.deterministic,
        script:
            "../scripts/measure.py"

    # Figures and tables take seconds: less than a cluster needs to start a job, or than Snakemake needs for two.
    rule:
        name:
            f"show_{kind}"
        input:
            **measures(kind, experiment.figures, experiment.tables),
        output:
            **recorded(**displayed(kind, "figures", "svg"), **displayed(kind, "tables", "csv")),
        log:
            f"results/logs/show/{kind}.log",
        localrule: True
        conda:
            "../../envs/rule.yaml"
        params:
            **entered(kind, "show"),
            settings={run: s.model_dump(mode="json") for run, s in runs(kind).items()},
            data={run: CONFIG.data_of(kind, run) for run in runs(kind)},
            figures=experiment.figures,
            tables=experiment.tables,
            captions=captions(kind),
        script:
            "../scripts/show.py"
