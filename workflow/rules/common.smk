# Helpers of the rules, and nothing else: the checked configuration, code digests, names of results.
import gc
import os
import re
import sys
from pathlib import Path

import vaentk
from vaentk import strict_yaml
from vaentk.commands import progress
from vaentk.config import experiments, load
from vaentk.costs.jobs import cost_of, refuse_endless
from vaentk.costs.table import at_most, told
from vaentk.data.at_hand import fingerprint
from vaentk.data.download import cache_folder
from vaentk.errors import UserError
from vaentk.runtime.digest import Code
from vaentk.runtime import surroundings
from vaentk.runtime.gpu import AT_ONCE, gpu_at_hand

# What is imported stays: searching it for garbage again and again takes a fifth of a start.
gc.freeze()

surroundings.set_aside(os.environ)
HERE, SOURCES = Path(workflow.basedir), ("config", "workflow")
DATED = [path for folder in SOURCES for path in (HERE / folder).rglob("*.*")]

try:
    surroundings.refuse(HERE, Path(sys.executable), sys.argv, DATED)
    CONFIG = load(config)
    DEFAULT = load(
        strict_yaml.read((HERE / "config/config.yaml").read_text(), "config/config.yaml")
    )
    refuse_endless(CONFIG)
except UserError as error:
    sys.exit(str(error))

CODE = Code(Path(vaentk.__file__).parent, Path(workflow.basedir) / "workflow" / "scripts")
EXPERIMENTS = {kind: e for kind, e in experiments().items() if getattr(CONFIG.experiments, kind)}
GPU = gpu_at_hand(CONFIG.device)
os.environ[AT_ONCE] = str(getattr(workflow.resource_settings.resources.get("gpu"), "value", 1))
FIRST, LONG = 2, 1  # priorities: what all else waits for, and what would idle cores at the end
IMAGE_SETS = ["mnist", *CONFIG.data.image_sets]
WORD_FILES = {
    kind: f"workflow/src/{experiment.room.replace('.', '/')}/words.yaml"
    for kind, experiment in EXPERIMENTS.items()
}
WORDS = {
    kind: strict_yaml.read((Path(workflow.basedir) / path).read_text(encoding="utf-8"), path)
    for kind, path in WORD_FILES.items()
}

# AWS Batch has some pairs of cores and memory; its profile asks for them by this default resource.
if "aws_batch" in (workflow.resource_settings.default_resources or ()):
    from snakemake_executor_plugin_aws_batch.constant import VALID_RESOURCES_MAPPING

    PAIRS = [(cores, mb) for mb, several in VALID_RESOURCES_MAPPING.items() for cores in several]
else:
    PAIRS = []


wildcard_constraints:
    run="[a-z0-9-]+",


def recorded(**files):
    """Results by name, each with the sidecar that holds its provenance."""
    sidecars = {f"{name}_provenance": f"{path!s}.json" for name, path in files.items()}
    return files | sidecars


def captioned(path, category, caption, **labels):
    """A result that Snakemake's own report shows too, with its caption."""
    return report(
        path, category=category, caption=f"../report/captions/{caption}.rst", labels=labels
    )


def runs(kind):
    """Settings of the runs of one kind of experiment, by name."""
    return getattr(CONFIG.experiments, kind)


def settings_of_results():
    """The configuration as plain data, but for what tells of this machine and of no result."""
    return CONFIG.model_dump(mode="json", exclude={"data": {"cache", "offline"}})


def entered(kind, stage):
    """Parameters of a stage's job: its functions, its class of settings, the digest of all that."""
    experiment = EXPERIMENTS[kind]
    functions = experiment.functions(stage)
    settings = next(iter(runs(kind).values()))
    if stage == "train":
        settings = settings.of_part(experiment.parts(settings)[0])
    settings_class = f"{type(settings).__module__}:{type(settings).__name__}"
    return {
        "functions": functions,
        "settings_class": settings_class,
        "code": CODE.digest(f"{stage}.py", [*functions.values(), settings_class]),
    }


def parts(kind):
    """Function of the wildcards that lists what a run has a training job each for."""

    def listed(wildcards):
        return EXPERIMENTS[kind].parts(runs(kind)[wildcards.run])

    return listed


def any_part(kind):
    """Regular expression of all parts of a kind's runs."""
    named = {str(part) for run in runs(kind).values() for part in EXPERIMENTS[kind].parts(run)}
    return "|".join(sorted(re.escape(part) for part in named))


def settings_of_job(kind):
    """Function of the wildcards that gives the settings of a run, or of one part, as plain data."""

    def settings(wildcards):
        run = runs(kind)[wildcards.run]
        for part in parts(kind)(wildcards):
            if str(part) == wildcards.get("part"):
                run = run.of_part(part)
        return run.model_dump(mode="json")

    return settings


def network_settings(kind):
    """Function of the wildcards that gives how the networks were trained that a run takes apart."""

    def settings(wildcards):
        network = getattr(runs(kind)[wildcards.run], "network", None)
        if not isinstance(network, str):
            return None
        return runs("deep_vae")[network].variants()["base"].model_dump(mode="json")

    return settings


def given(kind, names):
    """Input files of a job by name: what its experiment says that its function takes."""

    def images(wildcards):
        return f"results/data/{CONFIG.images_of(kind, wildcards.run)}.safetensors"

    def weights(wildcards):
        network = runs(kind)[wildcards.run].network
        return f"results/train/deep_vae/{network}/base.safetensors"

    def trained(ending):
        def paths(wildcards):
            folder = f"results/train/{kind}/{wildcards.run}"
            return [f"{folder}/{part}.{ending}" for part in parts(kind)(wildcards)]

        return paths

    sources = {
        "mnist": "results/data/mnist.safetensors",
        "images": images,
        "weights": weights,
        "published": local("config/surendran2024.csv"),
    }
    sources |= {name: trained(ending) for name, ending in EXPERIMENTS[kind].trained.items()}
    return {name: sources[name] for name in names if name in sources}


def measure(kind, run, name):
    """The file of a measure: a table, or arrays."""
    ending = "safetensors" if name in EXPERIMENTS[kind].arrays else "csv"
    return f"results/measure/{kind}/{run}/{name}.{ending}"


def measures(kind, *made):
    """Measures of all runs that the figures and tables of a kind are made of, by name."""
    names = dict.fromkeys(name for several in made for names in several.values() for name in names)
    return {name: [measure(kind, run, name) for run in runs(kind)] for name in names}


def asked(rule, name):
    """Function of the wildcards that gives what a job asks for, see `vaentk.costs`."""

    def amount(wildcards, attempt):
        cost = cost_of(CONFIG, (rule, dict(wildcards.items())))
        return cost.asks(GPU, attempt, PAIRS)[name]

    return amount


def needs(rule):
    """What a job asks for beside ``threads``: a GPU, memory and time, more at every new attempt."""
    amounts = {name: asked(rule, name) for name in ("gpu", "mem_mb", "runtime")}
    return amounts | ({"_gpus": amounts["gpu"]} if PAIRS else {})


def at_hand(dataset):
    """What there is of a data set without a checksum, so that it is read again when it changes."""
    if dataset != "celeba" or CONFIG.data.celeba != "partial":
        return None
    return fingerprint(cache_folder(CONFIG.data.cache) / "celeba")


def all_images():
    """The image files that the configuration makes."""
    return [f"results/data/{name}.safetensors" for name in IMAGE_SETS]


def all_images_taken():
    """Which of them every run takes, by experiment; None where it draws its own data."""
    return {kind: {run: CONFIG.images_of(kind, run) for run in runs(kind)} for kind in EXPERIMENTS}


def all_records():
    """What training left, in every job."""
    return [
        f"results/train/{kind}/{run}/{part}.parquet"
        for kind, experiment in EXPERIMENTS.items()
        for run, settings in runs(kind).items()
        for part in experiment.parts(settings)
    ]


def all_measures():
    """Every table that the configuration measures."""
    made = [
        measure(kind, run, name)
        for kind, experiment in EXPERIMENTS.items()
        for name in experiment.measures
        for run in runs(kind)
    ]
    return ["results/measure/data/facts.csv", *made]


def all_figures():
    """Every figure that the configuration makes, contact sheets included."""
    made = [name for experiment in EXPERIMENTS.values() for name in experiment.figures]
    made += [f"images_{name}" for name in IMAGE_SETS]
    return [f"results/figures/{name}.svg" for name in made]


def all_tables():
    """Every table that the configuration makes."""
    return [f"results/tables/{name}.csv" for e in EXPERIMENTS.values() for name in e.tables]


def all_work(dag):
    """Jobs that a run will do, by Snakemake's number: their names, and the core seconds planned."""
    jobs = {job.jobid: (job.rule.name, dict(job.wildcards_dict)) for job in dag.needrun_jobs()}
    costs = {number: cost_of(CONFIG, job) for number, job in jobs.items() if job[0] != "all"}
    return {
        number: (progress.name_of(*jobs[number]), cost.seconds * cost.cores)
        for number, cost in costs.items()
    }


def at_once(settings):
    """Cores here, or, on a cluster without ``--cores``, jobs in its queue."""
    return settings.cores or settings.nodes or 1


def all_provenance():
    """The sidecar of every result that the report rests on."""
    results = all_images() + all_records() + all_measures() + all_figures() + all_tables()
    return [f"{path}.json" for path in results]


def all_jobs():
    """Names of the jobs whose run times the report shows."""
    made = all_images() + all_records()
    named = [path.removeprefix("results/").rpartition(".")[0] for path in made]
    named += ["measure/data/facts", "figures/images", "claims/claims"]
    named += [f"measure/{kind}/{run}" for kind in EXPERIMENTS for run in runs(kind)]
    return named + [f"show/{kind}" for kind in EXPERIMENTS]


def displayed(kind, stage, ending):
    """Figures or tables of an experiment, which Snakemake's own report has under its title."""
    said = WORDS[kind]
    return {
        f"{stage}_{name}": captioned(
            f"results/{stage}/{name}.{ending}",
            f"{said['protocol']} {said['title']}",
            "made",
            result=stage.removesuffix("s"),
            shows=entry["title"],
        )
        for name, entry in said[stage].items()
    }


def captions(kind):
    """Captions of an experiment's figures and tables, by title."""
    made = [*WORDS[kind]["figures"].values(), *WORDS[kind]["tables"].values()]
    return {entry["title"]: entry["caption"] for entry in made}


def all_words():
    """What the report says of every experiment."""
    return [local(path) for path in WORD_FILES.values()]


def reference_claims():
    """The verdicts of runs made elsewhere, which are kept with the source; there may be none."""
    kept = Path("results/reference").glob("*/claims/claims.csv")
    return [local(str(path)) for path in sorted(kept)]


def reference_about():
    """What each of these runs was."""
    return [local(str(Path(path).parents[1] / "about.yaml")) for path in reference_claims()]
