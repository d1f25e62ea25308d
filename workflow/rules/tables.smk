# Needs: results/measure. Makes: results/tables, the measures of all runs put in reading order.


rule tables_limit_kernels:
    output:
        **recorded(limit_kernels="results/tables/limit_kernels.csv"),
    input:
        eigenvalues=measures("limit_kernels", "eigenvalues.csv"),
    params:
        runs=runs("limit_kernels"),
        code=code("tables_limit_kernels.py"),
    log:
        "results/logs/tables/limit_kernels.log",
    benchmark:
        "results/benchmarks/tables/limit_kernels.tsv"
    script:
        "../scripts/tables_limit_kernels.py"


rule tables_linear_rate:
    output:
        **recorded(
            linear_rate="results/tables/linear_rate.csv",
            slopes="results/tables/linear_rate_slopes.csv",
        ),
    input:
        summary=measures("linear_rate", "summary.csv"),
        slopes=measures("linear_rate", "slopes.csv"),
    params:
        runs=runs("linear_rate"),
        code=code("tables_linear_rate.py"),
    log:
        "results/logs/tables/linear_rate.log",
    benchmark:
        "results/benchmarks/tables/linear_rate.tsv"
    script:
        "../scripts/tables_linear_rate.py"


rule tables_weight_change:
    output:
        **recorded(
            slopes="results/tables/weight_change_slopes.csv",
            stability="results/tables/weight_change_stability.csv",
        ),
    input:
        slopes=measures("weight_change", "slopes.csv"),
        stability=measures("weight_change", "stability.csv"),
    params:
        runs=runs("weight_change"),
        code=code("tables_weight_change.py"),
    log:
        "results/logs/tables/weight_change.log",
    benchmark:
        "results/benchmarks/tables/weight_change.tsv"
    script:
        "../scripts/tables_weight_change.py"
