# Needs: nothing, or a download. Makes: results/data, the images of every data set, with their facts and contact sheets.

# By the setting that says where they come from: the library's function, and the images it makes.
IMAGES = {
    "mnist": ("vaentk.data.mnist:images", ["mnist"]),
    "dsprites": ("vaentk.data.dsprites.published:images", ["dsprites"]),
    "cars3d": ("vaentk.data.cars3d:images", ["cars3d"]),
    "celeba": ("vaentk.data.celeba:images", ["celeba", "celeba_whole"]),
    "faces": ("vaentk.data.faces.drawing:images", ["faces"]),
    "cifar": ("vaentk.data.cifar:images", ["cifar10", "cifar100"]),
}


# Run where Snakemake runs, also on a cluster, whose nodes often reach no network to download from.
for dataset, (function, names) in IMAGES.items():

    rule:
        name:
            dataset
        input:
            table=[] if dataset == "faces" else local("config/datasets.csv"),
        output:
            **recorded(images="results/data/{name}.safetensors"),
        log:
            "results/logs/data/{name}.log",
        wildcard_constraints:
            name="|".join(names),
        # CelebA's takes two cores, which are hardly ever free at once once others have begun.
        priority: FIRST if dataset in ("mnist", "celeba") else 0
        localrule: True
        conda:
            "../../envs/rule.yaml"
        threads: asked(dataset, "threads")
        resources:
            **needs(dataset),
        params:
            name="{name}",
            source=getattr(CONFIG.data, dataset),
            at_hand=at_hand(dataset),
            functions={"images": function},
            code=CODE.digest("images.py", [function]),
        script:
            "../scripts/images.py"


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
    localrule: True
    conda:
        "../../envs/rule.yaml"
    resources:
        **needs("data_facts"),
    params:
        code=CODE.digest("data_facts.py"),
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
    localrule: True
    conda:
        "../../envs/rule.yaml"
    params:
        code=CODE.digest("figure_images.py"),
    script:
        "../scripts/figure_images.py"
