# Needs: results/measure. Makes: results/tables, the measures of all runs put in reading order.


# A second each: less than a cluster needs to start a job.
localrules:
    tables_limit_kernels,
    tables_tangent_kernels,
    tables_linear_rate,
    tables_ridge,
    tables_weight_change,
    tables_sensitivity,
    tables_activations,
    tables_frozen_sigma,
    tables_least_width,
    tables_disentanglement,
    tables_gradient_noise,
    tables_discovery,
    tables_linear_vae,
    tables_deep_vae,


rule tables_limit_kernels:
    input:
        eigenvalues=measures("limit_kernels", "eigenvalues.csv"),
    output:
        **recorded(
            limit_kernels=captioned(
                "results/tables/limit_kernels.csv", "Tables", "tables/limit_kernels"
            )
        ),
    log:
        "results/logs/tables/limit_kernels.log",
    benchmark:
        "results/benchmarks/tables/limit_kernels.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("limit_kernels"),
        code=code("tables_limit_kernels.py"),
    script:
        "../scripts/tables_limit_kernels.py"


rule tables_tangent_kernels:
    input:
        initial=measures("tangent_kernels", "initial.csv"),
        slopes=measures("tangent_kernels", "slopes.csv"),
        lemma2_width=measures("tangent_kernels", "lemma2_width.csv"),
    output:
        **recorded(
            tangent_kernels=captioned(
                "results/tables/tangent_kernels.csv", "Tables", "tables/tangent_kernels"
            ),
            slopes=captioned(
                "results/tables/tangent_kernels_slopes.csv",
                "Tables",
                "tables/tangent_kernels_slopes",
            ),
            lemma2=captioned(
                "results/tables/tangent_kernels_lemma2.csv",
                "Tables",
                "tables/tangent_kernels_lemma2",
            ),
        ),
    log:
        "results/logs/tables/tangent_kernels.log",
    benchmark:
        "results/benchmarks/tables/tangent_kernels.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("tangent_kernels"),
        code=code("tables_tangent_kernels.py"),
    script:
        "../scripts/tables_tangent_kernels.py"


rule tables_linear_rate:
    input:
        summary=measures("linear_rate", "summary.csv"),
        slopes=measures("linear_rate", "slopes.csv"),
        members=measures("linear_rate", "members.csv"),
    output:
        **recorded(
            linear_rate=captioned(
                "results/tables/linear_rate.csv", "Tables", "tables/linear_rate"
            ),
            slopes=captioned(
                "results/tables/linear_rate_slopes.csv", "Tables", "tables/linear_rate_slopes"
            ),
            lemma4=captioned(
                "results/tables/linear_rate_lemma4.csv", "Tables", "tables/linear_rate_lemma4"
            ),
        ),
    log:
        "results/logs/tables/linear_rate.log",
    benchmark:
        "results/benchmarks/tables/linear_rate.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("linear_rate"),
        code=code("tables_linear_rate.py"),
    script:
        "../scripts/tables_linear_rate.py"


rule tables_ridge:
    input:
        summary=measures("ridge", "summary.csv"),
        slopes=measures("ridge", "slopes.csv"),
        error_term=measures("ridge", "error_term.csv"),
        displacements=measures("ridge", "displacements.csv"),
    output:
        **recorded(
            ridge=captioned("results/tables/ridge.csv", "Tables", "tables/ridge"),
            slopes=captioned("results/tables/ridge_slopes.csv", "Tables", "tables/ridge_slopes"),
            error_term=captioned(
                "results/tables/ridge_error_term.csv", "Tables", "tables/ridge_error_term"
            ),
            displacements=captioned(
                "results/tables/ridge_displacements.csv", "Tables", "tables/ridge_displacements"
            ),
        ),
    log:
        "results/logs/tables/ridge.log",
    benchmark:
        "results/benchmarks/tables/ridge.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("ridge"),
        code=code("tables_ridge.py"),
    script:
        "../scripts/tables_ridge.py"


rule tables_weight_change:
    input:
        slopes=measures("weight_change", "slopes.csv"),
        stability=measures("weight_change", "stability.csv"),
    output:
        **recorded(
            slopes=captioned(
                "results/tables/weight_change_slopes.csv", "Tables", "tables/weight_change_slopes"
            ),
            stability=captioned(
                "results/tables/weight_change_stability.csv",
                "Tables",
                "tables/weight_change_stability",
            ),
        ),
    log:
        "results/logs/tables/weight_change.log",
    benchmark:
        "results/benchmarks/tables/weight_change.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("weight_change"),
        code=code("tables_weight_change.py"),
    script:
        "../scripts/tables_weight_change.py"


rule tables_sensitivity:
    input:
        slopes=measures("sensitivity", "slopes.csv"),
        worst=measures("sensitivity", "worst.csv"),
    output:
        **recorded(
            sensitivity=captioned(
                "results/tables/sensitivity.csv", "Tables", "tables/sensitivity"
            ),
        ),
    log:
        "results/logs/tables/sensitivity.log",
    benchmark:
        "results/benchmarks/tables/sensitivity.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("sensitivity"),
        code=code("tables_sensitivity.py"),
    script:
        "../scripts/tables_sensitivity.py"


rule tables_activations:
    input:
        members=measures("activations", "members.csv"),
        summary=measures("activations", "summary.csv"),
    output:
        **recorded(
            activations=captioned(
                "results/tables/activations.csv", "Tables", "tables/activations"
            ),
        ),
    log:
        "results/logs/tables/activations.log",
    benchmark:
        "results/benchmarks/tables/activations.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("activations"),
        code=code("tables_activations.py"),
    script:
        "../scripts/tables_activations.py"


rule tables_frozen_sigma:
    input:
        summary=measures("frozen_sigma", "summary.csv"),
        difference=measures("frozen_sigma", "difference.csv"),
    output:
        **recorded(
            frozen_sigma=captioned(
                "results/tables/frozen_sigma.csv", "Tables", "tables/frozen_sigma"
            ),
        ),
    log:
        "results/logs/tables/frozen_sigma.log",
    benchmark:
        "results/benchmarks/tables/frozen_sigma.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("frozen_sigma"),
        code=code("tables_frozen_sigma.py"),
    script:
        "../scripts/tables_frozen_sigma.py"


rule tables_least_width:
    input:
        least_width=measures("least_width", "least_width.csv"),
        slopes=measures("least_width", "slopes.csv"),
    output:
        **recorded(
            least_width=captioned(
                "results/tables/least_width.csv", "Tables", "tables/least_width"
            ),
            slopes=captioned(
                "results/tables/least_width_slopes.csv", "Tables", "tables/least_width_slopes"
            ),
        ),
    log:
        "results/logs/tables/least_width.log",
    benchmark:
        "results/benchmarks/tables/least_width.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("least_width"),
        code=code("tables_least_width.py"),
    script:
        "../scripts/tables_least_width.py"


rule tables_disentanglement:
    input:
        scores=measures("disentanglement", "scores.csv"),
        summary=measures("disentanglement", "summary.csv"),
        trends=measures("disentanglement", "trends.csv"),
    output:
        **recorded(
            disentanglement=captioned(
                "results/tables/disentanglement.csv", "Tables", "tables/disentanglement"
            ),
            disentanglement_trends=captioned(
                "results/tables/disentanglement_trends.csv",
                "Tables",
                "tables/disentanglement_trends",
            ),
        ),
    log:
        "results/logs/tables/disentanglement.log",
    benchmark:
        "results/benchmarks/tables/disentanglement.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("disentanglement"),
        code=code("tables_disentanglement.py"),
    script:
        "../scripts/tables_disentanglement.py"


rule tables_gradient_noise:
    input:
        exponents=measures("gradient_noise", "exponents.csv"),
        budgets=measures("gradient_noise", "budgets.csv"),
    output:
        **recorded(
            gradient_noise=captioned(
                "results/tables/gradient_noise.csv", "Tables", "tables/gradient_noise"
            ),
            gradient_noise_budgets=captioned(
                "results/tables/gradient_noise_budgets.csv",
                "Tables",
                "tables/gradient_noise_budgets",
            ),
        ),
    log:
        "results/logs/tables/gradient_noise.log",
    benchmark:
        "results/benchmarks/tables/gradient_noise.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("gradient_noise"),
        code=code("tables_gradient_noise.py"),
    script:
        "../scripts/tables_gradient_noise.py"


rule tables_discovery:
    input:
        attributes=measures("discovery", "attributes.csv"),
        compared=measures("discovery", "compared.csv"),
        summary=measures("discovery", "summary.csv"),
    output:
        **recorded(
            discovery=captioned("results/tables/discovery.csv", "Tables", "tables/discovery"),
            discovery_summary=captioned(
                "results/tables/discovery_summary.csv", "Tables", "tables/discovery_summary"
            ),
        ),
    log:
        "results/logs/tables/discovery.log",
    benchmark:
        "results/benchmarks/tables/discovery.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("discovery"),
        code=code("tables_discovery.py"),
    script:
        "../scripts/tables_discovery.py"


rule tables_linear_vae:
    input:
        slopes=measures("linear_vae", "slopes.csv"),
        noise_slopes=measures("linear_vae", "noise_slopes.csv"),
        dependence=measures("linear_vae", "dependence.csv"),
        constants=measures("linear_vae", "constants.csv"),
        betas=measures("linear_vae", "betas.csv"),
        beta_trends=measures("linear_vae", "beta_trends.csv"),
    output:
        **recorded(
            slopes=captioned(
                "results/tables/linear_vae_slopes.csv", "Tables", "tables/linear_vae_slopes"
            ),
            noise=captioned(
                "results/tables/linear_vae_noise.csv", "Tables", "tables/linear_vae_noise"
            ),
            constants=captioned(
                "results/tables/linear_vae_constants.csv", "Tables", "tables/linear_vae_constants"
            ),
            betas=captioned(
                "results/tables/linear_vae_betas.csv", "Tables", "tables/linear_vae_betas"
            ),
        ),
    log:
        "results/logs/tables/linear_vae.log",
    benchmark:
        "results/benchmarks/tables/linear_vae.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("linear_vae"),
        code=code("tables_linear_vae.py"),
    script:
        "../scripts/tables_linear_vae.py"


rule tables_deep_vae:
    input:
        slopes=measures("deep_vae", "slopes.csv"),
        trends=measures("deep_vae", "trends.csv"),
        ends=measures("deep_vae", "ends.csv"),
    output:
        **recorded(
            deep_vae_slopes=captioned(
                "results/tables/deep_vae_slopes.csv", "Tables", "tables/deep_vae_slopes"
            ),
            deep_vae_trends=captioned(
                "results/tables/deep_vae_trends.csv", "Tables", "tables/deep_vae_trends"
            ),
            deep_vae_ends=captioned(
                "results/tables/deep_vae_ends.csv", "Tables", "tables/deep_vae_ends"
            ),
        ),
    log:
        "results/logs/tables/deep_vae.log",
    benchmark:
        "results/benchmarks/tables/deep_vae.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        runs=runs("deep_vae"),
        code=code("tables_deep_vae.py"),
    script:
        "../scripts/tables_deep_vae.py"
