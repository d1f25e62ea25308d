# Helpers of the rules, and nothing else: the checked configuration, code digests, names of results.
import sys
from pathlib import Path

import vaentk
from vaentk import plan
from vaentk.config import load
from vaentk.costs import jobs
from vaentk.data.download import cache_folder
from vaentk.devices import gpu_at_hand
from vaentk.digest import code_digest
from vaentk.errors import UserError

try:
    CONFIG = load(config)
except UserError as error:
    sys.exit(str(error))

KINDS = [kind for kind, runs in CONFIG.experiments if runs]
GPU = gpu_at_hand(CONFIG.device)
FIRST, LONG = 2, 1  # priorities: what all else waits for, and what would idle cores at the end
SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"


wildcard_constraints:
    run="[a-z0-9-]+",
    width="[0-9]+",


def code(script):
    """Digest of a script and of all library code it reaches: a rule reruns when it changes."""
    return code_digest(SCRIPTS / script, Path(vaentk.__file__).parent)


def recorded(**files):
    """Results by name, each with the sidecar that holds its provenance."""
    sidecars = {f"{name}_provenance": f"{path!s}.json" for name, path in files.items()}
    return files | sidecars


def runs(kind):
    """Names of the runs of one kind of experiment."""
    return list(getattr(CONFIG.experiments, kind))


def run_of(kind, wildcards):
    """A run's checked settings; where no kind is given, of the kind among the wildcards."""
    return getattr(CONFIG.experiments, kind or wildcards.kind)[wildcards.run]


def run_settings(kind=None):
    """Function of the wildcards that gives a run's settings as plain data."""

    def settings(wildcards):
        return run_of(kind, wildcards).model_dump(mode="json")

    return settings


def variant_settings(kind):
    """Function of the wildcards that gives the settings of one of a run's variants."""

    def settings(wildcards):
        return run_of(kind, wildcards).variants()[wildcards.variant].model_dump(mode="json")

    return settings


def input_settings(wildcards):
    """The settings of a run's inputs as plain data."""
    return run_settings()(wildcards)["inputs"]


def held_out(wildcards):
    """Number of test images that a run asks for."""
    return getattr(run_of(None, wildcards), "held_out", 0)


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


def sizes(settings):
    """What a run has a training job each for: widths, latent sizes, optimisers or variants."""
    if hasattr(settings, "sweeps"):
        return list(settings.variants())
    keys = ("widths", "latent", "optimisers")
    return next((getattr(settings, key) for key in keys if hasattr(settings, key)), ())


def trained(ending, kind=None):
    """Function of the wildcards that lists what training left, by width, latent size or optimiser."""

    def paths(wildcards):
        folder = f"results/train/{kind or wildcards.kind}/{wildcards.run}"
        return [f"{folder}/{size}.{ending}" for size in sizes(run_of(kind, wildcards))]

    return paths


def measures(kind, name):
    """One measure of all runs of a kind."""
    return [f"results/measure/{kind}/{run}/{name}" for run in runs(kind)]


MEASURES = {
    "limit_kernels": ["eigenvalues", "variance"],
    "tangent_kernels": ["initial", "training", "slopes", "lemma2_width"],
    "linear_rate": ["curves", "summary", "members", "slopes"],
    "ridge": ["errors", "path", "summary", "slopes", "error_term", "displacements"],
    "weight_change": ["changes", "slopes", "local_slopes", "stability"],
    "sensitivity": ["slopes", "worst"],
    "activations": ["curves", "members", "summary", "agreement"],
    "frozen_sigma": ["curves", "members", "summary", "difference"],
    "least_width": ["curves", "members", "summary", "least_width", "slopes"],
    "disentanglement": ["scores", "summary", "trends"],
    "discovery": ["attributes", "compared", "counts", "summary"],
    "linear_vae": [
        "curves",
        "slopes",
        "dependence",
        "noise",
        "noise_slopes",
        "constants",
        "beta_curves",
        "betas",
        "beta_trends",
    ],
    "deep_vae": ["curves", "slopes", "thresholds", "trends", "ends"],
    "gradient_noise": ["ratios", "exponents", "budgets"],
}
FIGURES = {
    "limit_kernels": ["limit_kernels"],
    "tangent_kernels": ["tangent_kernels"],
    "linear_rate": ["linear_rate"],
    "ridge": ["ridge", "ridge_pictures"],
    "weight_change": ["weight_change", "weight_change_slopes"],
    "sensitivity": ["sensitivity"],
    "activations": ["activations"],
    "frozen_sigma": ["frozen_sigma"],
    "least_width": ["least_width"],
    "disentanglement": ["disentanglement", "disentanglement_units", "traversals"],
    "discovery": ["discovery", "discovery_found", "discovery_units", "discovery_gallery"],
    "linear_vae": ["linear_vae", "linear_vae_noise", "linear_vae_betas"],
    "deep_vae": ["deep_vae_activations", "deep_vae_betas", "deep_vae_samples"],
    "gradient_noise": ["gradient_noise", "gradient_noise_exponents"],
}
TABLES = {
    "limit_kernels": ["limit_kernels"],
    "tangent_kernels": ["tangent_kernels", "tangent_kernels_slopes", "tangent_kernels_lemma2"],
    "linear_rate": ["linear_rate", "linear_rate_slopes", "linear_rate_lemma4"],
    "ridge": ["ridge", "ridge_slopes", "ridge_error_term", "ridge_displacements"],
    "weight_change": ["weight_change_slopes", "weight_change_stability"],
    "sensitivity": ["sensitivity"],
    "activations": ["activations"],
    "frozen_sigma": ["frozen_sigma"],
    "least_width": ["least_width", "least_width_slopes"],
    "disentanglement": ["disentanglement", "disentanglement_trends"],
    "discovery": ["discovery", "discovery_summary"],
    "linear_vae": [
        "linear_vae_slopes",
        "linear_vae_noise",
        "linear_vae_constants",
        "linear_vae_betas",
    ],
    "deep_vae": ["deep_vae_slopes", "deep_vae_trends", "deep_vae_ends"],
    "gradient_noise": ["gradient_noise", "gradient_noise_budgets"],
}


def images_of(kind):
    """Function of the wildcards that names the images a run is trained on."""

    def path(wildcards):
        dataset = run_of(kind, wildcards).dataset
        return f"results/data/{CONFIG.data.images_of(dataset)}.safetensors"

    return path


def network_of(wildcards):
    """The deep VAE's run whose networks a run takes apart."""
    return CONFIG.experiments.deep_vae[run_of("gradient_noise", wildcards).network]


def base_of_network(wildcards):
    """The settings of that run's base as plain data."""
    return network_of(wildcards).variants()["base"].model_dump(mode="json")


def images_of_network(wildcards):
    """The images that these networks are trained on."""
    name = CONFIG.data.images_of(network_of(wildcards).dataset)
    return f"results/data/{name}.safetensors"


def weights_of_network(wildcards):
    """The weights of that run's base, before and after training."""
    name = run_of("gradient_noise", wildcards).network
    return f"results/train/deep_vae/{name}/base.safetensors"


def partial_celeba():
    """The zip of a partial CelebA, if there is one, so that a changed one is read again."""
    if CONFIG.data.celeba != "partial":
        return []
    path = cache_folder(CONFIG.data.cache) / "celeba" / "img_align_celeba.zip"
    return [path] if path.is_file() else []


IMAGE_SETS = ["mnist", *CONFIG.data.image_sets]


def all_images():
    """The image files that the configuration makes."""
    return [f"results/data/{name}.safetensors" for name in IMAGE_SETS]


def all_data():
    """The data and every run's inputs."""
    named = [
        f"results/data/inputs/{kind}/{run}.safetensors"
        for kind in KINDS
        for run, settings in getattr(CONFIG.experiments, kind).items()
        if hasattr(settings, "inputs")
    ]
    return all_images() + named


def all_records():
    """What training left, in every job."""
    return [
        f"results/train/{kind}/{run}/{size}.parquet"
        for kind in KINDS
        for run, settings in getattr(CONFIG.experiments, kind).items()
        for size in sizes(settings)
    ]


def all_measures():
    """Every measure that the configuration makes."""
    made = [
        path for kind in KINDS for name in MEASURES[kind] for path in measures(kind, f"{name}.csv")
    ]
    return ["results/measure/data/facts.csv", *made]


def all_figures():
    """Every figure that the configuration makes."""
    made = [f"results/figures/{name}.svg" for kind in KINDS for name in FIGURES[kind]]
    return made + all_sheets()


def all_sheets():
    """The contact sheet of every data set."""
    return [f"results/figures/images_{name}.svg" for name in IMAGE_SETS]


def all_tables():
    """Every table that the configuration makes."""
    return [f"results/tables/{name}.csv" for kind in KINDS for name in TABLES[kind]]


def all_provenance():
    """The sidecar of every result that the report rests on."""
    results = all_data() + all_records() + all_measures() + all_figures() + all_tables()
    return [f"{path}.json" for path in results]


def all_jobs():
    """Names of the jobs whose run times the report shows."""
    drawn = [path for path in all_figures() if path not in all_sheets()]
    made = all_data() + all_records() + drawn
    named = [path.removeprefix("results/").rpartition(".")[0] for path in made]
    named += ["measure/data/facts", "figures/images", "figures/discovery_pictures"]
    measured = [f"measure/{kind}/{run}" for kind in KINDS for run in runs(kind)]
    return named + measured + [f"tables/{kind}" for kind in KINDS] + ["claims/claims"]


def reference_claims():
    """The verdicts of runs made elsewhere, which are kept with the source; there may be none."""
    found = Path("results/reference").glob("*/claims/claims.csv")
    return [local(str(path)) for path in sorted(found)]


def reference_about():
    """What each of these runs was."""
    return [local(str(Path(path).parents[1] / "about.yaml")) for path in reference_claims()]


def image_labels(kind):
    """What the images of every run of a kind are, in words."""
    asked = getattr(CONFIG.experiments, kind)
    return {name: CONFIG.data.label_of(run.dataset) for name, run in asked.items()}


def drawn_labels(kind):
    """What the drawn data of every run of a kind is, in words."""
    return {name: run.data.label for name, run in getattr(CONFIG.experiments, kind).items()}


def network_labels():
    """What the images of the networks that runs take apart are, in words."""
    asked, deep = CONFIG.experiments.gradient_noise, CONFIG.experiments.deep_vae
    return {name: CONFIG.data.label_of(deep[run.network].dataset) for name, run in asked.items()}


def sweeps(kind):
    """The variants of every run of a kind: by sweep and value."""
    asked = getattr(CONFIG.experiments, kind)
    return {name: run.sweeps() for name, run in asked.items()}


def shown(kind):
    """Parameters that every figure shares: the runs it shows and what their images are."""
    return {"runs": runs(kind), "data": CONFIG.data.label}


def on_components(kind):
    """Names of the runs whose inputs are principal components and not images."""
    settings = getattr(CONFIG.experiments, kind)
    return [run for run in settings if settings[run].inputs.components is not None]


def captioned(path, category, caption):
    """A result that Snakemake's own report shows too, with its caption."""
    return report(path, category=category, caption=f"../report/captions/{caption}.rst")
