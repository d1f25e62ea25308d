# Needs: results/data/inputs. Makes: results/train, what gradient descent did at every width.
# A job is one width; its seeds are trained side by side.


rule train_linear_rate:
    output:
        **recorded(
            records="results/train/linear_rate/{run}/{width}.parquet",
            outputs="results/train/linear_rate/{run}/{width}.safetensors",
        ),
    input:
        inputs="results/data/inputs/linear_rate/{run}.safetensors",
    params:
        settings=run_settings("linear_rate"),
        dtype=CONFIG.dtype,
        device=CONFIG.device,
        checkpoint_seconds=CONFIG.checkpoint_seconds,
        code=code("train_linear_rate.py"),
    threads: members("linear_rate")
    log:
        "results/logs/train/linear_rate/{run}/{width}.log",
    benchmark:
        "results/benchmarks/train/linear_rate/{run}/{width}.tsv"
    script:
        "../scripts/train_linear_rate.py"


rule train_weight_change:
    output:
        **recorded(records="results/train/weight_change/{run}/{width}.parquet"),
    input:
        inputs="results/data/inputs/weight_change/{run}.safetensors",
    params:
        settings=run_settings("weight_change"),
        dtype=CONFIG.dtype,
        device=CONFIG.device,
        checkpoint_seconds=CONFIG.checkpoint_seconds,
        code=code("train_weight_change.py"),
    threads: members("weight_change")
    log:
        "results/logs/train/weight_change/{run}/{width}.log",
    benchmark:
        "results/benchmarks/train/weight_change/{run}/{width}.tsv"
    script:
        "../scripts/train_weight_change.py"
