# Needs: results/measure. Makes: results/figures. Restyling a figure retrains nothing.


def figure_rule_parts(kind):
    """Parameters that every figure shares: the runs it shows and what their images are."""
    return {"runs": runs(kind), "data": f"MNIST ({CONFIG.data.mnist})"}


rule figure_limit_kernels:
    output:
        **recorded(figure="results/figures/limit_kernels.svg"),
    input:
        eigenvalues=measures("limit_kernels", "eigenvalues.csv"),
        kernels=measures("limit_kernels", "kernels.safetensors"),
    params:
        **figure_rule_parts("limit_kernels"),
        code=code("figure_limit_kernels.py"),
    log:
        "results/logs/figures/limit_kernels.log",
    benchmark:
        "results/benchmarks/figures/limit_kernels.tsv"
    script:
        "../scripts/figure_limit_kernels.py"


rule figure_linear_rate:
    output:
        **recorded(figure="results/figures/linear_rate.svg"),
    input:
        curves=measures("linear_rate", "curves.csv"),
        members=measures("linear_rate", "members.csv"),
    params:
        **figure_rule_parts("linear_rate"),
        code=code("figure_linear_rate.py"),
    log:
        "results/logs/figures/linear_rate.log",
    benchmark:
        "results/benchmarks/figures/linear_rate.tsv"
    script:
        "../scripts/figure_linear_rate.py"


rule figure_weight_change:
    output:
        **recorded(figure="results/figures/weight_change.svg"),
    input:
        changes=measures("weight_change", "changes.csv"),
        slopes=measures("weight_change", "slopes.csv"),
    params:
        **figure_rule_parts("weight_change"),
        code=code("figure_weight_change.py"),
    log:
        "results/logs/figures/weight_change.log",
    benchmark:
        "results/benchmarks/figures/weight_change.tsv"
    script:
        "../scripts/figure_weight_change.py"


rule figure_weight_change_slopes:
    output:
        **recorded(figure="results/figures/weight_change_slopes.svg"),
    input:
        local_slopes=measures("weight_change", "local_slopes.csv"),
        slopes=measures("weight_change", "slopes.csv"),
    params:
        **figure_rule_parts("weight_change"),
        code=code("figure_weight_change_slopes.py"),
    log:
        "results/logs/figures/weight_change_slopes.log",
    benchmark:
        "results/benchmarks/figures/weight_change_slopes.tsv"
    script:
        "../scripts/figure_weight_change_slopes.py"
