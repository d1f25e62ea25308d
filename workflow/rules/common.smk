# Helpers of the rules, and nothing else: the checked configuration, code digests, names of results.
import re
import sys
from pathlib import Path

import vaentk
from vaentk import strict_yaml
from vaentk.config import experiments, load
from vaentk.costs import jobs, table
from vaentk.data.download import cache_folder
from vaentk.errors import UserError
from vaentk.runtime.devices import gpu_at_hand
from vaentk.runtime.digest import code_digest

try:
    CONFIG = load(config)
except UserError as error:
    sys.exit(str(error))

LIBRARY = Path(vaentk.__file__).parent
SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"
EXPERIMENTS = {kind: e for kind, e in experiments().items() if getattr(CONFIG.experiments, kind)}
GPU = gpu_at_hand(CONFIG.device)
FIRST, LONG = 2, 1  # priorities: what all else waits for, and what would idle cores at the end
IMAGE_SETS = ["mnist", *CONFIG.data.image_sets]


wildcard_constraints:
    run="[a-z0-9-]+",


def code(script, entries=()):
    """Digest of a script and of all library code it reaches: a rule reruns when it changes."""
    return code_digest(SCRIPTS / script, LIBRARY, entries)


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


def class_of(settings):
    """``module:class`` of settings, for a script to build them of plain data."""
    return f"{type(settings).__module__}:{type(settings).__name__}"


def entered(kind, stage):
    """Parameters of a stage's job: its functions, its class of settings, the digest of all that."""
    experiment = EXPERIMENTS[kind]
    functions = experiment.functions(stage)
    first = next(iter(runs(kind).values()))
    part = next(iter(experiment.parts(first)), None) if stage == "train" else None
    settings_class = class_of(first.of_part(part) if stage == "train" else first)
    entries = [*functions.values()] + ([] if stage == "tables" else [settings_class])
    return {
        "functions": functions,
        "settings_class": settings_class,
        "code": code(f"{stage}.py", entries),
    }


def run_settings(kind):
    """Function of the wildcards that gives a run's settings as plain data."""

    def settings(wildcards):
        return runs(kind)[wildcards.run].model_dump(mode="json")

    return settings


def parts(kind):
    """Function of the wildcards that lists what a run has a training job each for."""

    def listed(wildcards):
        return EXPERIMENTS[kind].parts(runs(kind)[wildcards.run])

    return listed


def part_settings(kind):
    """Function of the wildcards that gives what a training job depends on, as plain data."""

    def settings(wildcards):
        run = runs(kind)[wildcards.run]
        [part] = [p for p in EXPERIMENTS[kind].parts(run) if str(p) == wildcards.part]
        return run.of_part(part).model_dump(mode="json")

    return settings


def any_part(kind):
    """Regular expression of all parts of a kind's runs."""
    named = {str(part) for run in runs(kind).values() for part in EXPERIMENTS[kind].parts(run)}
    return "|".join(sorted(re.escape(part) for part in named))


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


def measures(kind, names):
    """Measures of all runs of a kind, by name."""
    arrays = EXPERIMENTS[kind].arrays
    return {
        name: [
            f"results/measure/{kind}/{run}/{name}.{'safetensors' if name in arrays else 'csv'}"
            for run in runs(kind)
        ]
        for name in names
    }


def all_of(measures_of):
    """Names of all measures that figures or tables are made of."""
    return list(dict.fromkeys(name for names in measures_of.values() for name in names))


def shown(kind):
    """The runs that figures show: their settings, and what their images are in words."""
    return {
        "settings": {run: s.model_dump(mode="json") for run, s in runs(kind).items()},
        "data": {run: CONFIG.data_of(kind, run) for run in runs(kind)},
    }


def cores(rule):
    """Function of the wildcards that gives a job its cores."""

    def count(wildcards):
        return jobs.cores_of(CONFIG, rule, dict(wildcards.items()), GPU)

    return count


def needs(rule):
    """What a job asks for beside cores: a GPU, memory and time, more at every new attempt."""

    def asked(name):
        def amount(wildcards, attempt):
            named = dict(wildcards.items())
            return jobs.resources(CONFIG, rule, named, GPU, attempt)[name]

        return amount

    return {name: asked(name) for name in ("gpu", "mem_mb", "runtime")}


def partial_celeba():
    """The zip of a partial CelebA, if there is one, so that a changed one is read again."""
    if CONFIG.data.celeba != "partial":
        return []
    path = cache_folder(CONFIG.data.cache) / "celeba" / "img_align_celeba.zip"
    return [path] if path.is_file() else []


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
    """Every measure that the configuration makes."""
    made = [
        path
        for kind, experiment in EXPERIMENTS.items()
        for paths in measures(kind, experiment.measures).values()
        for path in paths
    ]
    return ["results/measure/data/facts.csv", *made]


def all_sheets():
    """The contact sheet of every data set."""
    return [f"results/figures/images_{name}.svg" for name in IMAGE_SETS]


def all_figures():
    """Every figure that the configuration makes."""
    made = [f"results/figures/{name}.svg" for e in EXPERIMENTS.values() for name in e.figures]
    return made + all_sheets()


def all_tables():
    """Every table that the configuration makes."""
    return [f"results/tables/{name}.csv" for e in EXPERIMENTS.values() for name in e.tables]


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
    return named + [f"{stage}/{kind}" for stage in ("figures", "tables") for kind in EXPERIMENTS]


def words(kind):
    """The file of what the report says of an experiment."""
    folders = EXPERIMENTS[kind].room.replace(".", "/")
    return f"workflow/src/{folders}/words.yaml"


def read_words(kind):
    """What it says."""
    path = Path(workflow.basedir) / words(kind)
    return strict_yaml.read(path.read_text(encoding="utf-8"), words(kind))


def displayed(kind, stage, ending):
    """Figures or tables of an experiment, which Snakemake's own report has under its title."""
    said = read_words(kind)
    return {
        name: captioned(
            f"results/{stage}/{name}.{ending}",
            f"{said['protocol']} {said['title']}",
            "made",
            result=stage.removesuffix("s"),
            shows=entry["title"],
        )
        for name, entry in said[stage].items()
    }


def captions(kind, stage):
    """Captions of an experiment's figures or tables, by title."""
    return {entry["title"]: entry["caption"] for entry in read_words(kind)[stage].values()}


def all_words():
    """What the report says of every experiment."""
    return [local(words(kind)) for kind in EXPERIMENTS]


def reference_claims():
    """The verdicts of runs made elsewhere, which are kept with the source; there may be none."""
    kept = Path("results/reference").glob("*/claims/claims.csv")
    return [local(str(path)) for path in sorted(kept)]


def reference_about():
    """What each of these runs was."""
    return [local(str(Path(path).parents[1] / "about.yaml")) for path in reference_claims()]
