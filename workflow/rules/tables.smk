# Needs: results/measure. Makes: results/tables, the measures of all runs put in reading order.


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


rule tables_linear_rate:
    input:
        summary=measures("linear_rate", "summary.csv"),
        slopes=measures("linear_rate", "slopes.csv"),
    output:
        **recorded(
            linear_rate=captioned(
                "results/tables/linear_rate.csv", "Tables", "tables/linear_rate"
            ),
            slopes=captioned(
                "results/tables/linear_rate_slopes.csv", "Tables", "tables/linear_rate_slopes"
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
