# Needs: results/data/inputs and results/train. Makes: results/measure, every number of the report.


rule measure_limit_kernels:
    output:
        **recorded(
            eigenvalues="results/measure/limit_kernels/{run}/eigenvalues.csv",
            kernels="results/measure/limit_kernels/{run}/kernels.safetensors",
        ),
    input:
        inputs="results/data/inputs/limit_kernels/{run}.safetensors",
    params:
        settings=run_settings("limit_kernels"),
        code=code("measure_limit_kernels.py"),
        device="cpu",
    log:
        "results/logs/measure/limit_kernels/{run}.log",
    benchmark:
        "results/benchmarks/measure/limit_kernels/{run}.tsv"
    script:
        "../scripts/measure_limit_kernels.py"


rule measure_linear_rate:
    output:
        **recorded(
            curves="results/measure/linear_rate/{run}/curves.csv",
            summary="results/measure/linear_rate/{run}/summary.csv",
            members="results/measure/linear_rate/{run}/members.csv",
            slopes="results/measure/linear_rate/{run}/slopes.csv",
        ),
    input:
        inputs="results/data/inputs/linear_rate/{run}.safetensors",
        records=trained("linear_rate", "parquet"),
        outputs=trained("linear_rate", "safetensors"),
    params:
        settings=run_settings("linear_rate"),
        code=code("measure_linear_rate.py"),
        device="cpu",
    log:
        "results/logs/measure/linear_rate/{run}.log",
    benchmark:
        "results/benchmarks/measure/linear_rate/{run}.tsv"
    script:
        "../scripts/measure_linear_rate.py"


rule measure_weight_change:
    output:
        **recorded(
            changes="results/measure/weight_change/{run}/changes.csv",
            slopes="results/measure/weight_change/{run}/slopes.csv",
            local_slopes="results/measure/weight_change/{run}/local_slopes.csv",
            stability="results/measure/weight_change/{run}/stability.csv",
        ),
    input:
        records=trained("weight_change", "parquet"),
    params:
        settings=run_settings("weight_change"),
        code=code("measure_weight_change.py"),
    log:
        "results/logs/measure/weight_change/{run}.log",
    benchmark:
        "results/benchmarks/measure/weight_change/{run}.tsv"
    script:
        "../scripts/measure_weight_change.py"
