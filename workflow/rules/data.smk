# Needs: nothing, or a download. Makes: results/data, the images and the inputs of every run.


rule mnist:
    input:
        table="config/datasets.csv",
    output:
        **recorded(images="results/data/mnist.safetensors"),
    log:
        "results/logs/data/mnist.log",
    benchmark:
        "results/benchmarks/data/mnist.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        source=CONFIG.data.mnist,
        code=code("mnist.py"),
    script:
        "../scripts/mnist.py"


rule inputs:
    input:
        images="results/data/mnist.safetensors",
    output:
        **recorded(inputs="results/data/inputs/{kind}/{run}.safetensors"),
    log:
        "results/logs/data/inputs/{kind}/{run}.log",
    benchmark:
        "results/benchmarks/data/inputs/{kind}/{run}.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        settings=input_settings,
        held_out=held_out,
        code=code("inputs.py"),
    script:
        "../scripts/inputs.py"
