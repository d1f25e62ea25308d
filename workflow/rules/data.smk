# Needs: nothing, or a download. Makes: results/data, the images of every data set, with their facts and contact sheets.


# Run where Snakemake runs, also on a cluster, whose nodes often reach no network to download from.
localrules:
    mnist,
    dsprites,
    cars3d,
    celeba,
    faces,
    cifar,
    data_facts,
    figure_images,


rule mnist:
    input:
        table=local("config/datasets.csv"),
    output:
        **recorded(images="results/data/mnist.safetensors"),
    log:
        "results/logs/data/mnist.log",
    benchmark:
        "results/benchmarks/data/mnist.tsv"
    priority: FIRST
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("mnist"),
    params:
        source=CONFIG.data.mnist,
        code=code("mnist.py"),
    script:
        "../scripts/mnist.py"


rule dsprites:
    input:
        table=local("config/datasets.csv"),
    output:
        **recorded(images="results/data/dsprites.safetensors"),
    log:
        "results/logs/data/dsprites.log",
    benchmark:
        "results/benchmarks/data/dsprites.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("dsprites"),
    params:
        source=CONFIG.data.dsprites,
        code=code("dsprites.py"),
    script:
        "../scripts/dsprites.py"


rule cars3d:
    input:
        table=local("config/datasets.csv"),
    output:
        **recorded(images="results/data/cars3d.safetensors"),
    log:
        "results/logs/data/cars3d.log",
    benchmark:
        "results/benchmarks/data/cars3d.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("cars3d"),
    params:
        source=CONFIG.data.cars3d,
        code=code("cars3d.py"),
    script:
        "../scripts/cars3d.py"


rule celeba:
    input:
        table=local("config/datasets.csv"),
        partial=local(partial_celeba()),
    output:
        **recorded(images="results/data/{name}.safetensors"),
    log:
        "results/logs/data/{name}.log",
    benchmark:
        "results/benchmarks/data/{name}.tsv"
    wildcard_constraints:
        name="celeba|celeba_whole",
    conda:
        "../../envs/rule.yaml"
    threads: asked("celeba", "threads")
    resources:
        **needs("celeba"),
    params:
        name="{name}",
        source=CONFIG.data.celeba,
        code=code("celeba.py"),
    script:
        "../scripts/celeba.py"


rule faces:
    output:
        **recorded(images="results/data/faces.safetensors"),
    log:
        "results/logs/data/faces.log",
    benchmark:
        "results/benchmarks/data/faces.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("faces"),
    params:
        faces=CONFIG.data.faces,
        code=code("faces.py"),
    script:
        "../scripts/faces.py"


rule cifar:
    input:
        table=local("config/datasets.csv"),
    output:
        **recorded(images="results/data/{name}.safetensors"),
    log:
        "results/logs/data/{name}.log",
    benchmark:
        "results/benchmarks/data/{name}.tsv"
    wildcard_constraints:
        name="cifar10|cifar100",
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("cifar"),
    params:
        name="{name}",
        source=CONFIG.data.cifar,
        code=code("cifar.py"),
    script:
        "../scripts/cifar.py"


rule data_facts:
    input:
        images=all_images(),
        agreement=local("config/dsprites_agreement.json"),
    output:
        **recorded(
            facts="results/measure/data/facts.csv",
            sheets="results/measure/data/sheets.safetensors",
        ),
    log:
        "results/logs/measure/data/facts.log",
    benchmark:
        "results/benchmarks/measure/data/facts.tsv"
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("data_facts"),
    params:
        code=code("data_facts.py"),
    script:
        "../scripts/data_facts.py"


rule figure_images:
    input:
        facts="results/measure/data/facts.csv",
        sheets="results/measure/data/sheets.safetensors",
    output:
        **recorded(
            **{
                name: captioned(f"results/figures/images_{name}.svg", "Data", "images")
                for name in IMAGE_SETS
            }
        ),
    log:
        "results/logs/figures/images.log",
    benchmark:
        "results/benchmarks/figures/images.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        code=code("figure_images.py"),
    script:
        "../scripts/figure_images.py"
