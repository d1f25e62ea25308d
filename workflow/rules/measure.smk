# Needs: results/data/inputs and results/train. Makes: results/measure, every number of the report.


# Seconds, and it reads all images, which lie where Snakemake runs.
localrules:
    data_facts,


rule data_facts:
    input:
        images=all_images(),
        agreement=local("config/dsprites_agreement.json"),
    output:
        **recorded(
            facts="results/measure/data/facts.csv",
            sheets="results/measure/data/sheets.safetensors",
        ),
    log:
        "results/logs/measure/data/facts.log",
    benchmark:
        "results/benchmarks/measure/data/facts.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("data_facts"),
    params:
        code=code("data_facts.py"),
    script:
        "../scripts/data_facts.py"


rule measure_limit_kernels:
    input:
        inputs="results/data/inputs/limit_kernels/{run}.safetensors",
    output:
        **recorded(
            eigenvalues="results/measure/limit_kernels/{run}/eigenvalues.csv",
            variance="results/measure/limit_kernels/{run}/variance.csv",
            kernels="results/measure/limit_kernels/{run}/kernels.safetensors",
        ),
    log:
        "results/logs/measure/limit_kernels/{run}.log",
    benchmark:
        "results/benchmarks/measure/limit_kernels/{run}.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("measure_limit_kernels"),
    params:
        settings=run_settings("limit_kernels"),
        code=code("measure_limit_kernels.py"),
        device="cpu",
    script:
        "../scripts/measure_limit_kernels.py"


rule measure_tangent_kernels:
    input:
        inputs="results/data/inputs/tangent_kernels/{run}.safetensors",
        records=trained("parquet", "tangent_kernels"),
    output:
        **recorded(
            initial="results/measure/tangent_kernels/{run}/initial.csv",
            training="results/measure/tangent_kernels/{run}/training.csv",
            slopes="results/measure/tangent_kernels/{run}/slopes.csv",
            lemma2_width="results/measure/tangent_kernels/{run}/lemma2_width.csv",
        ),
    log:
        "results/logs/measure/tangent_kernels/{run}.log",
    benchmark:
        "results/benchmarks/measure/tangent_kernels/{run}.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("measure_tangent_kernels"),
    params:
        settings=run_settings("tangent_kernels"),
        device="cpu",
        code=code("measure_tangent_kernels.py"),
    script:
        "../scripts/measure_tangent_kernels.py"


rule measure_linear_rate:
    input:
        inputs="results/data/inputs/linear_rate/{run}.safetensors",
        records=trained("parquet", "linear_rate"),
        outputs=trained("safetensors", "linear_rate"),
    output:
        **recorded(
            curves="results/measure/linear_rate/{run}/curves.csv",
            summary="results/measure/linear_rate/{run}/summary.csv",
            members="results/measure/linear_rate/{run}/members.csv",
            slopes="results/measure/linear_rate/{run}/slopes.csv",
        ),
    log:
        "results/logs/measure/linear_rate/{run}.log",
    benchmark:
        "results/benchmarks/measure/linear_rate/{run}.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("measure_linear_rate"),
    params:
        settings=run_settings("linear_rate"),
        device="cpu",
        code=code("measure_linear_rate.py"),
    script:
        "../scripts/measure_linear_rate.py"


rule measure_ridge:
    input:
        inputs="results/data/inputs/ridge/{run}.safetensors",
        records=trained("parquet", "ridge"),
        outputs=trained("safetensors", "ridge"),
    output:
        **recorded(
            errors="results/measure/ridge/{run}/errors.csv",
            path="results/measure/ridge/{run}/path.csv",
            summary="results/measure/ridge/{run}/summary.csv",
            slopes="results/measure/ridge/{run}/slopes.csv",
            error_term="results/measure/ridge/{run}/error_term.csv",
            displacements="results/measure/ridge/{run}/displacements.csv",
            pictures="results/measure/ridge/{run}/pictures.safetensors",
        ),
    log:
        "results/logs/measure/ridge/{run}.log",
    benchmark:
        "results/benchmarks/measure/ridge/{run}.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("measure_ridge"),
    params:
        settings=run_settings("ridge"),
        device="cpu",
        code=code("measure_ridge.py"),
    script:
        "../scripts/measure_ridge.py"


rule measure_weight_change:
    input:
        records=trained("parquet", "weight_change"),
    output:
        **recorded(
            changes="results/measure/weight_change/{run}/changes.csv",
            slopes="results/measure/weight_change/{run}/slopes.csv",
            local_slopes="results/measure/weight_change/{run}/local_slopes.csv",
            stability="results/measure/weight_change/{run}/stability.csv",
        ),
    log:
        "results/logs/measure/weight_change/{run}.log",
    benchmark:
        "results/benchmarks/measure/weight_change/{run}.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("measure_weight_change"),
    params:
        settings=run_settings("weight_change"),
        code=code("measure_weight_change.py"),
    script:
        "../scripts/measure_weight_change.py"


rule measure_sensitivity:
    input:
        records=trained("parquet", "sensitivity"),
    output:
        **recorded(
            slopes="results/measure/sensitivity/{run}/slopes.csv",
            worst="results/measure/sensitivity/{run}/worst.csv",
        ),
    log:
        "results/logs/measure/sensitivity/{run}.log",
    benchmark:
        "results/benchmarks/measure/sensitivity/{run}.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("measure_sensitivity"),
    params:
        settings=run_settings("sensitivity"),
        code=code("measure_sensitivity.py"),
    script:
        "../scripts/measure_sensitivity.py"


rule measure_variants:
    input:
        inputs="results/data/inputs/{kind}/{run}.safetensors",
        records=trained("parquet"),
        outputs=trained("safetensors"),
    output:
        **recorded(
            curves="results/measure/{kind}/{run}/curves.csv",
            members="results/measure/{kind}/{run}/members.csv",
            summary="results/measure/{kind}/{run}/summary.csv",
        ),
    log:
        "results/logs/measure/{kind}/{run}.log",
    benchmark:
        "results/benchmarks/measure/{kind}/{run}.tsv"
    wildcard_constraints:
        kind="activations|frozen_sigma|least_width",
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("measure_variants"),
    params:
        settings=run_settings(),
        device="cpu",
        code=code("measure_variants.py"),
    script:
        "../scripts/measure_variants.py"


rule measure_activations:
    input:
        members="results/measure/activations/{run}/members.csv",
    output:
        **recorded(
            agreement="results/measure/activations/{run}/agreement.csv",
        ),
    log:
        "results/logs/measure/activations/{run}/agreement.log",
    benchmark:
        "results/benchmarks/measure/activations/{run}/agreement.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("measure_activations"),
    params:
        code=code("measure_activations.py"),
    script:
        "../scripts/measure_activations.py"


rule measure_frozen_sigma:
    input:
        members="results/measure/frozen_sigma/{run}/members.csv",
        records=trained("parquet", "frozen_sigma"),
        outputs=trained("safetensors", "frozen_sigma"),
    output:
        **recorded(
            difference="results/measure/frozen_sigma/{run}/difference.csv",
        ),
    log:
        "results/logs/measure/frozen_sigma/{run}/difference.log",
    benchmark:
        "results/benchmarks/measure/frozen_sigma/{run}/difference.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("measure_frozen_sigma"),
    params:
        code=code("measure_frozen_sigma.py"),
    script:
        "../scripts/measure_frozen_sigma.py"


rule measure_least_width:
    input:
        members="results/measure/least_width/{run}/members.csv",
    output:
        **recorded(
            least_width="results/measure/least_width/{run}/least_width.csv",
            slopes="results/measure/least_width/{run}/slopes.csv",
        ),
    log:
        "results/logs/measure/least_width/{run}/least_width.log",
    benchmark:
        "results/benchmarks/measure/least_width/{run}/least_width.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("measure_least_width"),
    params:
        settings=run_settings("least_width"),
        code=code("measure_least_width.py"),
    script:
        "../scripts/measure_least_width.py"


rule measure_disentanglement:
    input:
        images=images_of("disentanglement"),
        codes=trained("safetensors", "disentanglement"),
    output:
        **recorded(
            scores="results/measure/disentanglement/{run}/scores.csv",
            summary="results/measure/disentanglement/{run}/summary.csv",
            trends="results/measure/disentanglement/{run}/trends.csv",
            strips="results/measure/disentanglement/{run}/strips.safetensors",
        ),
    log:
        "results/logs/measure/disentanglement/{run}.log",
    benchmark:
        "results/benchmarks/measure/disentanglement/{run}.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("measure_disentanglement"),
    params:
        settings=run_settings("disentanglement"),
        device="cpu",
        code=code("measure_disentanglement.py"),
    script:
        "../scripts/measure_disentanglement.py"


rule measure_gradient_noise:
    input:
        images=images_of_network,
        weights=weights_of_network,
    output:
        **recorded(
            ratios="results/measure/gradient_noise/{run}/ratios.csv",
            exponents="results/measure/gradient_noise/{run}/exponents.csv",
            budgets="results/measure/gradient_noise/{run}/budgets.csv",
        ),
    log:
        "results/logs/measure/gradient_noise/{run}.log",
    benchmark:
        "results/benchmarks/measure/gradient_noise/{run}.tsv"
    priority: LONG
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("measure_gradient_noise"),
    params:
        settings=run_settings("gradient_noise"),
        base=base_of_network,
        device=CONFIG.device,
        deterministic=CONFIG.deterministic,
        code=code("measure_gradient_noise.py"),
    script:
        "../scripts/measure_gradient_noise.py"


rule measure_discovery:
    input:
        images=images_of("discovery"),
        codes=trained("safetensors", "discovery"),
    output:
        **recorded(
            attributes="results/measure/discovery/{run}/attributes.csv",
            compared="results/measure/discovery/{run}/compared.csv",
            counts="results/measure/discovery/{run}/counts.csv",
            summary="results/measure/discovery/{run}/summary.csv",
            pictures="results/measure/discovery/{run}/pictures.safetensors",
        ),
    log:
        "results/logs/measure/discovery/{run}.log",
    benchmark:
        "results/benchmarks/measure/discovery/{run}.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("measure_discovery"),
    params:
        settings=run_settings("discovery"),
        device="cpu",
        code=code("measure_discovery.py"),
    script:
        "../scripts/measure_discovery.py"


rule measure_linear_vae:
    input:
        records=trained("parquet", "linear_vae"),
        marks=trained("marks.parquet", "linear_vae"),
    output:
        **recorded(
            curves="results/measure/linear_vae/{run}/curves.csv",
            slopes="results/measure/linear_vae/{run}/slopes.csv",
            dependence="results/measure/linear_vae/{run}/dependence.csv",
            noise="results/measure/linear_vae/{run}/noise.csv",
            noise_slopes="results/measure/linear_vae/{run}/noise_slopes.csv",
            constants="results/measure/linear_vae/{run}/constants.csv",
            beta_curves="results/measure/linear_vae/{run}/beta_curves.csv",
            betas="results/measure/linear_vae/{run}/betas.csv",
            beta_trends="results/measure/linear_vae/{run}/beta_trends.csv",
        ),
    log:
        "results/logs/measure/linear_vae/{run}.log",
    benchmark:
        "results/benchmarks/measure/linear_vae/{run}.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("measure_linear_vae"),
    params:
        settings=run_settings("linear_vae"),
        device="cpu",
        code=code("measure_linear_vae.py"),
    script:
        "../scripts/measure_linear_vae.py"


rule measure_deep_vae:
    input:
        images=images_of("deep_vae"),
        records=trained("parquet", "deep_vae"),
        published=local("config/surendran2024.csv"),
    output:
        **recorded(
            curves="results/measure/deep_vae/{run}/curves.csv",
            slopes="results/measure/deep_vae/{run}/slopes.csv",
            thresholds="results/measure/deep_vae/{run}/thresholds.csv",
            trends="results/measure/deep_vae/{run}/trends.csv",
            ends="results/measure/deep_vae/{run}/ends.csv",
        ),
    log:
        "results/logs/measure/deep_vae/{run}.log",
    benchmark:
        "results/benchmarks/measure/deep_vae/{run}.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("measure_deep_vae"),
    params:
        settings=run_settings("deep_vae"),
        code=code("measure_deep_vae.py"),
    script:
        "../scripts/measure_deep_vae.py"
