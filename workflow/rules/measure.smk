# Needs: results/data/inputs and results/train. Makes: results/measure, every number of the report.


rule measure_limit_kernels:
    input:
        inputs="results/data/inputs/limit_kernels/{run}.safetensors",
    output:
        **recorded(
            eigenvalues="results/measure/limit_kernels/{run}/eigenvalues.csv",
            kernels="results/measure/limit_kernels/{run}/kernels.safetensors",
        ),
    log:
        "results/logs/measure/limit_kernels/{run}.log",
    benchmark:
        "results/benchmarks/measure/limit_kernels/{run}.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        settings=run_settings("limit_kernels"),
        code=code("measure_limit_kernels.py"),
        device="cpu",
    script:
        "../scripts/measure_limit_kernels.py"


rule measure_linear_rate:
    input:
        inputs="results/data/inputs/linear_rate/{run}.safetensors",
        records=trained("linear_rate", "parquet"),
        outputs=trained("linear_rate", "safetensors"),
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
    params:
        settings=run_settings("linear_rate"),
        code=code("measure_linear_rate.py"),
        device="cpu",
    script:
        "../scripts/measure_linear_rate.py"


rule measure_weight_change:
    input:
        records=trained("weight_change", "parquet"),
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
    params:
        settings=run_settings("weight_change"),
        code=code("measure_weight_change.py"),
    script:
        "../scripts/measure_weight_change.py"
