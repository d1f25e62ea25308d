# Needs: results/data/inputs. Makes: results/train, what gradient descent did at every width.
# A job is one width; its seeds are trained side by side, its variants one after another.


rule train_tangent_kernels:
    input:
        inputs="results/data/inputs/tangent_kernels/{run}.safetensors",
    output:
        **recorded(
            records="results/train/tangent_kernels/{run}/{width}.parquet",
        ),
    log:
        "results/logs/train/tangent_kernels/{run}/{width}.log",
    benchmark:
        "results/benchmarks/train/tangent_kernels/{run}/{width}.tsv"
    priority: LONG
    conda:
        "../../envs/rule.yaml"
    threads: cores("train_tangent_kernels")
    resources:
        **needs("train_tangent_kernels"),
    params:
        settings=run_settings("tangent_kernels"),
        dtype=CONFIG.dtype,
        device=CONFIG.device,
        deterministic=CONFIG.deterministic,
        checkpoint_seconds=CONFIG.checkpoint_seconds,
        code=code("train_tangent_kernels.py"),
    script:
        "../scripts/train_tangent_kernels.py"


rule train_linear_rate:
    input:
        inputs="results/data/inputs/{kind}/{run}.safetensors",
    output:
        **recorded(
            records="results/train/{kind}/{run}/{width}.parquet",
            outputs="results/train/{kind}/{run}/{width}.safetensors",
        ),
    log:
        "results/logs/train/{kind}/{run}/{width}.log",
    benchmark:
        "results/benchmarks/train/{kind}/{run}/{width}.tsv"
    wildcard_constraints:
        kind="linear_rate|activations|frozen_sigma|least_width",
    priority: LONG
    conda:
        "../../envs/rule.yaml"
    threads: cores("train_linear_rate")
    resources:
        **needs("train_linear_rate"),
    params:
        settings=run_settings(),
        dtype=CONFIG.dtype,
        device=CONFIG.device,
        deterministic=CONFIG.deterministic,
        checkpoint_seconds=CONFIG.checkpoint_seconds,
        code=code("train_linear_rate.py"),
    script:
        "../scripts/train_linear_rate.py"


rule train_ridge:
    input:
        inputs="results/data/inputs/ridge/{run}.safetensors",
    output:
        **recorded(
            records="results/train/ridge/{run}/{width}.parquet",
            outputs="results/train/ridge/{run}/{width}.safetensors",
        ),
    log:
        "results/logs/train/ridge/{run}/{width}.log",
    benchmark:
        "results/benchmarks/train/ridge/{run}/{width}.tsv"
    priority: LONG
    conda:
        "../../envs/rule.yaml"
    threads: cores("train_ridge")
    resources:
        **needs("train_ridge"),
    params:
        settings=run_settings("ridge"),
        dtype=CONFIG.dtype,
        device=CONFIG.device,
        deterministic=CONFIG.deterministic,
        checkpoint_seconds=CONFIG.checkpoint_seconds,
        code=code("train_ridge.py"),
    script:
        "../scripts/train_ridge.py"


rule train_weight_change:
    input:
        inputs="results/data/inputs/{kind}/{run}.safetensors",
    output:
        **recorded(
            records="results/train/{kind}/{run}/{width}.parquet",
        ),
    log:
        "results/logs/train/{kind}/{run}/{width}.log",
    benchmark:
        "results/benchmarks/train/{kind}/{run}/{width}.tsv"
    wildcard_constraints:
        kind="weight_change|sensitivity",
    priority: LONG
    conda:
        "../../envs/rule.yaml"
    threads: cores("train_weight_change")
    resources:
        **needs("train_weight_change"),
    params:
        settings=run_settings(),
        dtype=CONFIG.dtype,
        device=CONFIG.device,
        deterministic=CONFIG.deterministic,
        checkpoint_seconds=CONFIG.checkpoint_seconds,
        code=code("train_weight_change.py"),
    script:
        "../scripts/train_weight_change.py"


rule train_disentanglement:
    input:
        images=images_of("disentanglement"),
    output:
        **recorded(
            records="results/train/disentanglement/{run}/{latent}.parquet",
            codes="results/train/disentanglement/{run}/{latent}.safetensors",
        ),
    log:
        "results/logs/train/disentanglement/{run}/{latent}.log",
    benchmark:
        "results/benchmarks/train/disentanglement/{run}/{latent}.tsv"
    wildcard_constraints:
        latent="[0-9]+",
    priority: LONG
    conda:
        "../../envs/rule.yaml"
    threads: cores("train_disentanglement")
    resources:
        **needs("train_disentanglement"),
    params:
        settings=run_settings("disentanglement"),
        dtype=CONFIG.dtype,
        device=CONFIG.device,
        deterministic=CONFIG.deterministic,
        checkpoint_seconds=CONFIG.checkpoint_seconds,
        code=code("train_disentanglement.py"),
    script:
        "../scripts/train_disentanglement.py"


rule train_discovery:
    input:
        images=images_of("discovery"),
    output:
        **recorded(
            records="results/train/discovery/{run}/{latent}.parquet",
            codes="results/train/discovery/{run}/{latent}.safetensors",
        ),
    log:
        "results/logs/train/discovery/{run}/{latent}.log",
    benchmark:
        "results/benchmarks/train/discovery/{run}/{latent}.tsv"
    wildcard_constraints:
        latent="[0-9]+",
    priority: LONG
    conda:
        "../../envs/rule.yaml"
    threads: cores("train_discovery")
    resources:
        **needs("train_discovery"),
    params:
        settings=run_settings("discovery"),
        dtype=CONFIG.dtype,
        device=CONFIG.device,
        deterministic=CONFIG.deterministic,
        checkpoint_seconds=CONFIG.checkpoint_seconds,
        code=code("train_discovery.py"),
    script:
        "../scripts/train_discovery.py"


rule train_linear_vae:
    output:
        **recorded(
            records="results/train/linear_vae/{run}/{optimiser}.parquet",
            marks="results/train/linear_vae/{run}/{optimiser}.marks.parquet",
        ),
    log:
        "results/logs/train/linear_vae/{run}/{optimiser}.log",
    benchmark:
        "results/benchmarks/train/linear_vae/{run}/{optimiser}.tsv"
    wildcard_constraints:
        optimiser="sgd|adam",
    priority: LONG
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("train_linear_vae"),
    params:
        settings=run_settings("linear_vae"),
        dtype="float64",
        device=CONFIG.device,
        deterministic=CONFIG.deterministic,
        checkpoint_seconds=CONFIG.checkpoint_seconds,
        code=code("train_linear_vae.py"),
    script:
        "../scripts/train_linear_vae.py"


rule train_deep_vae:
    input:
        images=images_of("deep_vae"),
    output:
        **recorded(
            records="results/train/deep_vae/{run}/{variant}.parquet",
            weights="results/train/deep_vae/{run}/{variant}.safetensors",
        ),
    log:
        "results/logs/train/deep_vae/{run}/{variant}.log",
    benchmark:
        "results/benchmarks/train/deep_vae/{run}/{variant}.tsv"
    wildcard_constraints:
        variant="[a-z0-9.-]+",
    priority: LONG
    conda:
        "../../envs/rule.yaml"
    threads: cores("train_deep_vae")
    resources:
        **needs("train_deep_vae"),
    params:
        settings=variant_settings("deep_vae"),
        dtype="float32",
        device=CONFIG.device,
        deterministic=CONFIG.deterministic,
        checkpoint_seconds=CONFIG.checkpoint_seconds,
        code=code("train_deep_vae.py"),
    script:
        "../scripts/train_deep_vae.py"
