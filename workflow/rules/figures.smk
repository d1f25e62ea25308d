# Needs: results/measure. Makes: results/figures. Restyling a figure retrains nothing.


# A second or three each: less than a cluster needs to start a job.
localrules:
    figure_images,
    figure_limit_kernels,
    figure_tangent_kernels,
    figure_linear_rate,
    figure_ridge,
    figure_ridge_pictures,
    figure_weight_change,
    figure_weight_change_slopes,
    figure_sensitivity,
    figure_activations,
    figure_frozen_sigma,
    figure_least_width,
    figure_disentanglement,
    figure_disentanglement_units,
    figure_traversals,
    figure_gradient_noise,
    figure_gradient_noise_exponents,
    figure_discovery,
    figure_discovery_pictures,
    figure_linear_vae,
    figure_linear_vae_noise,
    figure_linear_vae_betas,
    figure_deep_vae_activations,
    figure_deep_vae_betas,
    figure_deep_vae_samples,


rule figure_images:
    input:
        facts="results/measure/data/facts.csv",
        sheets="results/measure/data/sheets.safetensors",
    output:
        **recorded(
            **{
                name: captioned(f"results/figures/images_{name}.svg", "Data", "figures/images")
                for name in IMAGE_SETS
            }
        ),
    log:
        "results/logs/figures/images.log",
    benchmark:
        "results/benchmarks/figures/images.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        code=code("figure_images.py"),
    script:
        "../scripts/figure_images.py"


rule figure_limit_kernels:
    input:
        eigenvalues=measures("limit_kernels", "eigenvalues.csv"),
        kernels=measures("limit_kernels", "kernels.safetensors"),
    output:
        **recorded(
            figure=captioned(
                "results/figures/limit_kernels.svg", "Figures", "figures/limit_kernels"
            )
        ),
    log:
        "results/logs/figures/limit_kernels.log",
    benchmark:
        "results/benchmarks/figures/limit_kernels.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        **shown("limit_kernels"),
        code=code("figure_limit_kernels.py"),
    script:
        "../scripts/figure_limit_kernels.py"


rule figure_tangent_kernels:
    input:
        initial=measures("tangent_kernels", "initial.csv"),
        training=measures("tangent_kernels", "training.csv"),
    output:
        **recorded(
            figure=captioned(
                "results/figures/tangent_kernels.svg", "Figures", "figures/tangent_kernels"
            )
        ),
    log:
        "results/logs/figures/tangent_kernels.log",
    benchmark:
        "results/benchmarks/figures/tangent_kernels.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        **shown("tangent_kernels"),
        code=code("figure_tangent_kernels.py"),
    script:
        "../scripts/figure_tangent_kernels.py"


rule figure_linear_rate:
    input:
        curves=measures("linear_rate", "curves.csv"),
        members=measures("linear_rate", "members.csv"),
    output:
        **recorded(
            figure=captioned("results/figures/linear_rate.svg", "Figures", "figures/linear_rate")
        ),
    log:
        "results/logs/figures/linear_rate.log",
    benchmark:
        "results/benchmarks/figures/linear_rate.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        **shown("linear_rate"),
        code=code("figure_linear_rate.py"),
    script:
        "../scripts/figure_linear_rate.py"


rule figure_ridge:
    input:
        errors=measures("ridge", "errors.csv"),
        summary=measures("ridge", "summary.csv"),
        path=measures("ridge", "path.csv"),
    output:
        **recorded(figure=captioned("results/figures/ridge.svg", "Figures", "figures/ridge")),
    log:
        "results/logs/figures/ridge.log",
    benchmark:
        "results/benchmarks/figures/ridge.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        **shown("ridge"),
        components=on_components("ridge"),
        code=code("figure_ridge.py"),
    script:
        "../scripts/figure_ridge.py"


rule figure_ridge_pictures:
    input:
        pictures=measures("ridge", "pictures.safetensors"),
    output:
        **recorded(
            figure=captioned(
                "results/figures/ridge_pictures.svg", "Figures", "figures/ridge_pictures"
            )
        ),
    log:
        "results/logs/figures/ridge_pictures.log",
    benchmark:
        "results/benchmarks/figures/ridge_pictures.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        **shown("ridge"),
        components=on_components("ridge"),
        code=code("figure_ridge_pictures.py"),
    script:
        "../scripts/figure_ridge_pictures.py"


rule figure_weight_change:
    input:
        changes=measures("weight_change", "changes.csv"),
        slopes=measures("weight_change", "slopes.csv"),
    output:
        **recorded(
            figure=captioned(
                "results/figures/weight_change.svg", "Figures", "figures/weight_change"
            )
        ),
    log:
        "results/logs/figures/weight_change.log",
    benchmark:
        "results/benchmarks/figures/weight_change.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        **shown("weight_change"),
        code=code("figure_weight_change.py"),
    script:
        "../scripts/figure_weight_change.py"


rule figure_weight_change_slopes:
    input:
        local_slopes=measures("weight_change", "local_slopes.csv"),
        slopes=measures("weight_change", "slopes.csv"),
    output:
        **recorded(
            figure=captioned(
                "results/figures/weight_change_slopes.svg",
                "Figures",
                "figures/weight_change_slopes",
            )
        ),
    log:
        "results/logs/figures/weight_change_slopes.log",
    benchmark:
        "results/benchmarks/figures/weight_change_slopes.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        **shown("weight_change"),
        code=code("figure_weight_change_slopes.py"),
    script:
        "../scripts/figure_weight_change_slopes.py"


rule figure_sensitivity:
    input:
        slopes=measures("sensitivity", "slopes.csv"),
        worst=measures("sensitivity", "worst.csv"),
    output:
        **recorded(
            figure=captioned("results/figures/sensitivity.svg", "Figures", "figures/sensitivity"),
        ),
    log:
        "results/logs/figures/sensitivity.log",
    benchmark:
        "results/benchmarks/figures/sensitivity.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        **shown("sensitivity"),
        code=code("figure_sensitivity.py"),
    script:
        "../scripts/figure_sensitivity.py"


rule figure_activations:
    input:
        curves=measures("activations", "curves.csv"),
        members=measures("activations", "members.csv"),
        agreement=measures("activations", "agreement.csv"),
    output:
        **recorded(
            figure=captioned("results/figures/activations.svg", "Figures", "figures/activations"),
        ),
    log:
        "results/logs/figures/activations.log",
    benchmark:
        "results/benchmarks/figures/activations.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        **shown("activations"),
        code=code("figure_activations.py"),
    script:
        "../scripts/figure_activations.py"


rule figure_frozen_sigma:
    input:
        curves=measures("frozen_sigma", "curves.csv"),
        difference=measures("frozen_sigma", "difference.csv"),
    output:
        **recorded(
            figure=captioned(
                "results/figures/frozen_sigma.svg", "Figures", "figures/frozen_sigma"
            ),
        ),
    log:
        "results/logs/figures/frozen_sigma.log",
    benchmark:
        "results/benchmarks/figures/frozen_sigma.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        **shown("frozen_sigma"),
        code=code("figure_frozen_sigma.py"),
    script:
        "../scripts/figure_frozen_sigma.py"


rule figure_least_width:
    input:
        members=measures("least_width", "members.csv"),
        least_width=measures("least_width", "least_width.csv"),
        slopes=measures("least_width", "slopes.csv"),
    output:
        **recorded(
            figure=captioned("results/figures/least_width.svg", "Figures", "figures/least_width"),
        ),
    log:
        "results/logs/figures/least_width.log",
    benchmark:
        "results/benchmarks/figures/least_width.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        **shown("least_width"),
        tolerances=[run.tolerance for run in CONFIG.experiments.least_width.values()],
        code=code("figure_least_width.py"),
    script:
        "../scripts/figure_least_width.py"


rule figure_disentanglement:
    input:
        scores=measures("disentanglement", "scores.csv"),
    output:
        **recorded(
            figure=captioned(
                "results/figures/disentanglement.svg", "Figures", "figures/disentanglement"
            ),
        ),
    log:
        "results/logs/figures/disentanglement.log",
    benchmark:
        "results/benchmarks/figures/disentanglement.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("disentanglement"),
        labels=image_labels("disentanglement"),
        code=code("figure_disentanglement.py"),
    script:
        "../scripts/figure_disentanglement.py"


rule figure_disentanglement_units:
    input:
        summary=measures("disentanglement", "summary.csv"),
    output:
        **recorded(
            figure=captioned(
                "results/figures/disentanglement_units.svg",
                "Figures",
                "figures/disentanglement_units",
            ),
        ),
    log:
        "results/logs/figures/disentanglement_units.log",
    benchmark:
        "results/benchmarks/figures/disentanglement_units.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("disentanglement"),
        labels=image_labels("disentanglement"),
        code=code("figure_disentanglement_units.py"),
    script:
        "../scripts/figure_disentanglement_units.py"


rule figure_traversals:
    input:
        strips=measures("disentanglement", "strips.safetensors"),
    output:
        **recorded(
            figure=captioned("results/figures/traversals.svg", "Figures", "figures/traversals"),
        ),
    log:
        "results/logs/figures/traversals.log",
    benchmark:
        "results/benchmarks/figures/traversals.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("disentanglement"),
        labels=image_labels("disentanglement"),
        code=code("figure_traversals.py"),
    script:
        "../scripts/figure_traversals.py"


rule figure_gradient_noise:
    input:
        ratios=measures("gradient_noise", "ratios.csv"),
    output:
        **recorded(
            figure=captioned(
                "results/figures/gradient_noise.svg", "Figures", "figures/gradient_noise"
            ),
        ),
    log:
        "results/logs/figures/gradient_noise.log",
    benchmark:
        "results/benchmarks/figures/gradient_noise.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("gradient_noise"),
        labels=network_labels(),
        code=code("figure_gradient_noise.py"),
    script:
        "../scripts/figure_gradient_noise.py"


rule figure_gradient_noise_exponents:
    input:
        ratios=measures("gradient_noise", "ratios.csv"),
        exponents=measures("gradient_noise", "exponents.csv"),
    output:
        **recorded(
            figure=captioned(
                "results/figures/gradient_noise_exponents.svg",
                "Figures",
                "figures/gradient_noise_exponents",
            ),
        ),
    log:
        "results/logs/figures/gradient_noise_exponents.log",
    benchmark:
        "results/benchmarks/figures/gradient_noise_exponents.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("gradient_noise"),
        labels=network_labels(),
        code=code("figure_gradient_noise_exponents.py"),
    script:
        "../scripts/figure_gradient_noise_exponents.py"


rule figure_discovery:
    input:
        attributes=measures("discovery", "attributes.csv"),
        counts=measures("discovery", "counts.csv"),
    output:
        **recorded(
            figure=captioned("results/figures/discovery.svg", "Figures", "figures/discovery"),
        ),
    log:
        "results/logs/figures/discovery.log",
    benchmark:
        "results/benchmarks/figures/discovery.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        labels=image_labels("discovery"),
        threshold=[run.threshold for run in CONFIG.experiments.discovery.values()],
        code=code("figure_discovery.py"),
    script:
        "../scripts/figure_discovery.py"


rule figure_discovery_pictures:
    input:
        pictures=measures("discovery", "pictures.safetensors"),
    output:
        **recorded(
            found=captioned(
                "results/figures/discovery_found.svg", "Figures", "figures/discovery_found"
            ),
            units=captioned(
                "results/figures/discovery_units.svg", "Figures", "figures/discovery_units"
            ),
            gallery=captioned(
                "results/figures/discovery_gallery.svg", "Figures", "figures/discovery_gallery"
            ),
        ),
    log:
        "results/logs/figures/discovery_pictures.log",
    benchmark:
        "results/benchmarks/figures/discovery_pictures.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        labels=image_labels("discovery"),
        code=code("figure_discovery_pictures.py"),
    script:
        "../scripts/figure_discovery_pictures.py"


rule figure_linear_vae:
    input:
        curves=measures("linear_vae", "curves.csv"),
        slopes=measures("linear_vae", "slopes.csv"),
    output:
        **recorded(
            figure=captioned("results/figures/linear_vae.svg", "Figures", "figures/linear_vae"),
        ),
    log:
        "results/logs/figures/linear_vae.log",
    benchmark:
        "results/benchmarks/figures/linear_vae.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("linear_vae"),
        labels=drawn_labels("linear_vae"),
        code=code("figure_linear_vae.py"),
    script:
        "../scripts/figure_linear_vae.py"


rule figure_linear_vae_noise:
    input:
        noise=measures("linear_vae", "noise.csv"),
        noise_slopes=measures("linear_vae", "noise_slopes.csv"),
        curves=measures("linear_vae", "curves.csv"),
    output:
        **recorded(
            figure=captioned(
                "results/figures/linear_vae_noise.svg", "Figures", "figures/linear_vae_noise"
            ),
        ),
    log:
        "results/logs/figures/linear_vae_noise.log",
    benchmark:
        "results/benchmarks/figures/linear_vae_noise.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("linear_vae"),
        labels=drawn_labels("linear_vae"),
        code=code("figure_linear_vae_noise.py"),
    script:
        "../scripts/figure_linear_vae_noise.py"


rule figure_linear_vae_betas:
    input:
        beta_curves=measures("linear_vae", "beta_curves.csv"),
        betas=measures("linear_vae", "betas.csv"),
    output:
        **recorded(
            figure=captioned(
                "results/figures/linear_vae_betas.svg", "Figures", "figures/linear_vae_betas"
            ),
        ),
    log:
        "results/logs/figures/linear_vae_betas.log",
    benchmark:
        "results/benchmarks/figures/linear_vae_betas.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("linear_vae"),
        labels=drawn_labels("linear_vae"),
        code=code("figure_linear_vae_betas.py"),
    script:
        "../scripts/figure_linear_vae_betas.py"


rule figure_deep_vae_activations:
    input:
        curves=measures("deep_vae", "curves.csv"),
    output:
        **recorded(
            figure=captioned(
                "results/figures/deep_vae_activations.svg",
                "Figures",
                "figures/deep_vae_activations",
            ),
        ),
    log:
        "results/logs/figures/deep_vae_activations.log",
    benchmark:
        "results/benchmarks/figures/deep_vae_activations.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("deep_vae"),
        sweeps=sweeps("deep_vae"),
        labels=image_labels("deep_vae"),
        code=code("figure_deep_vae_activations.py"),
    script:
        "../scripts/figure_deep_vae_activations.py"


rule figure_deep_vae_betas:
    input:
        curves=measures("deep_vae", "curves.csv"),
    output:
        **recorded(
            figure=captioned(
                "results/figures/deep_vae_betas.svg", "Figures", "figures/deep_vae_betas"
            ),
        ),
    log:
        "results/logs/figures/deep_vae_betas.log",
    benchmark:
        "results/benchmarks/figures/deep_vae_betas.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("deep_vae"),
        sweeps=sweeps("deep_vae"),
        labels=image_labels("deep_vae"),
        code=code("figure_deep_vae_betas.py"),
    script:
        "../scripts/figure_deep_vae_betas.py"


rule figure_deep_vae_samples:
    input:
        curves=measures("deep_vae", "curves.csv"),
    output:
        **recorded(
            figure=captioned(
                "results/figures/deep_vae_samples.svg", "Figures", "figures/deep_vae_samples"
            ),
        ),
    log:
        "results/logs/figures/deep_vae_samples.log",
    benchmark:
        "results/benchmarks/figures/deep_vae_samples.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("deep_vae"),
        sweeps=sweeps("deep_vae"),
        labels=image_labels("deep_vae"),
        code=code("figure_deep_vae_samples.py"),
    script:
        "../scripts/figure_deep_vae_samples.py"
