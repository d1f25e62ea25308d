# Needs: results/data/inputs. Makes: results/train, what gradient descent did at every width.
# A job is one width; its seeds are trained side by side.


rule train_linear_rate:
    input:
        inputs="results/data/inputs/linear_rate/{run}.safetensors",
    output:
        **recorded(
            records="results/train/linear_rate/{run}/{width}.parquet",
            outputs="results/train/linear_rate/{run}/{width}.safetensors",
        ),
    log:
        "results/logs/train/linear_rate/{run}/{width}.log",
    benchmark:
        "results/benchmarks/train/linear_rate/{run}/{width}.tsv"
    conda:
        "../../envs/rule.yaml"
    threads: members("linear_rate")
    params:
        settings=run_settings("linear_rate"),
        dtype=CONFIG.dtype,
        device=CONFIG.device,
        checkpoint_seconds=CONFIG.checkpoint_seconds,
        code=code("train_linear_rate.py"),
    script:
        "../scripts/train_linear_rate.py"


rule train_weight_change:
    input:
        inputs="results/data/inputs/weight_change/{run}.safetensors",
    output:
        **recorded(records="results/train/weight_change/{run}/{width}.parquet"),
    log:
        "results/logs/train/weight_change/{run}/{width}.log",
    benchmark:
        "results/benchmarks/train/weight_change/{run}/{width}.tsv"
    conda:
        "../../envs/rule.yaml"
    threads: members("weight_change")
    params:
        settings=run_settings("weight_change"),
        dtype=CONFIG.dtype,
        device=CONFIG.device,
        checkpoint_seconds=CONFIG.checkpoint_seconds,
        code=code("train_weight_change.py"),
    script:
        "../scripts/train_weight_change.py"
