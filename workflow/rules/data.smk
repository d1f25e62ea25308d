# Needs: nothing, or a download. Makes: results/data, the images and the inputs of every run.


rule mnist:
    output:
        **recorded(images="results/data/mnist.safetensors"),
    input:
        table="config/datasets.csv",
    params:
        source=CONFIG.data.mnist,
        code=code("mnist.py"),
    log:
        "results/logs/data/mnist.log",
    benchmark:
        "results/benchmarks/data/mnist.tsv"
    script:
        "../scripts/mnist.py"


rule inputs:
    output:
        **recorded(inputs="results/data/inputs/{kind}/{run}.safetensors"),
    input:
        images="results/data/mnist.safetensors",
    params:
        settings=input_settings,
        code=code("inputs.py"),
    log:
        "results/logs/data/inputs/{kind}/{run}.log",
    benchmark:
        "results/benchmarks/data/inputs/{kind}/{run}.tsv"
    script:
        "../scripts/inputs.py"
