# Needs: results/measure. Makes: results/figures. Restyling a figure retrains nothing.


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
