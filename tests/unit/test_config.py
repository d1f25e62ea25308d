"""The configuration: every mistake is one sentence that names its key; defaults are the paper's.

Settings are written as YAML and read by PyYAML, as Snakemake reads them.
"""

import json
from pathlib import Path

import pytest
import yaml
from configurations import CONFIG, shipped
from pydantic import ValidationError

from vaentk.config import Config, load, schema
from vaentk.errors import UserError

WEIGHT_CHANGE = "experiments.weight_change.a"


def read(text: str) -> Config:
    return load(yaml.safe_load(text))


def weight_change(keys: str = "", widths: str = "[64, 128]") -> str:
    return f"experiments: {{weight_change: {{a: {{widths: {widths}, {keys}}}}}}}"


def sentence(text: str) -> str:
    with pytest.raises(UserError) as caught:
        read(text)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("configuration: ")
    for jargon in ("Traceback", "pydantic", "type=", "input_value", "For further information"):
        assert jargon not in message
    return message


# Mistakes


@pytest.mark.parametrize(
    ("text", "key", "meant"),
    [
        ("devise: cpu", "devise", "device"),
        ("data: {mnsit: full}", "data.mnsit", "mnist"),
        ("experiments: {weight_chnage: {}}", "experiments.weight_chnage", "weight_change"),
        (weight_change("learning_rat: 1.0"), f"{WEIGHT_CHANGE}.learning_rat", "learning_rate"),
        (weight_change("inputs: {sample: 9}"), f"{WEIGHT_CHANGE}.inputs.sample", "samples"),
    ],
)
def test_an_unknown_key_is_named_with_the_one_that_was_meant(
    text: str, key: str, meant: str
) -> None:
    assert sentence(text) == f"configuration: unknown key {key}: did you mean {meant}?"


def test_an_unknown_key_like_no_other_gets_the_list_of_keys() -> None:
    message = sentence("zzz: 1")
    assert "unknown key zzz" in message
    for key in Config.model_fields:
        assert key in message


@pytest.mark.parametrize(
    ("keys", "key", "given"),
    [
        ("learning_rate: 1e-3", "learning_rate", "1e-3"),
        ("beta: '0.1'", "beta", "0.1"),
        ("steps: '1000'", "steps", "1000"),
    ],
)
def test_a_number_written_as_text_is_explained(keys: str, key: str, given: str) -> None:
    message = sentence(weight_change(keys))
    assert f"{WEIGHT_CHANGE}.{key} is the text '{given}' and not a number" in message
    assert "1.0e-3" in message


def test_the_advice_about_numbers_works() -> None:
    found = read(weight_change("learning_rate: 1.0e-3")).experiments.weight_change["a"]
    assert found.learning_rate == 0.001


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (weight_change("beta: lots"), [f"{WEIGHT_CHANGE}.beta", '"lots"', "number"]),
        (
            weight_change(widths="[64, -128]"),
            [f"{WEIGHT_CHANGE}.widths.1", "-128", "greater than 0"],
        ),
        (weight_change(widths="[0, 64]"), [f"{WEIGHT_CHANGE}.widths.0", "0", "greater than 0"]),
        (weight_change(widths="[64.5, 128]"), [f"{WEIGHT_CHANGE}.widths.0", "64.5", "integer"]),
        (weight_change(widths="[true, 128]"), [f"{WEIGHT_CHANGE}.widths.0", "true", "integer"]),
        (weight_change(widths="64"), [f"{WEIGHT_CHANGE}.widths", "64", "list"]),
        (weight_change(widths="[]"), [f"{WEIGHT_CHANGE}.widths", "[]", "at least"]),
        (weight_change(widths="[64, 64]"), [WEIGHT_CHANGE, "widths", "twice"]),
        (weight_change("seeds: [1, 0, 1]"), [WEIGHT_CHANGE, "seeds", "twice"]),
        (weight_change("seeds: [-1]"), [f"{WEIGHT_CHANGE}.seeds.0", "-1"]),
        (weight_change("sigma0: 0"), [f"{WEIGHT_CHANGE}.sigma0", "or equal to 0.000000001"]),
        (weight_change("sigma0: .nan"), [f"{WEIGHT_CHANGE}.sigma0", "NaN", "finite"]),
        (weight_change("learning_rate: .inf"), [f"{WEIGHT_CHANGE}.learning_rate", "finite"]),
        (weight_change("steps: .nan"), [f"{WEIGHT_CHANGE}.steps", "NaN", "integer"]),
        (weight_change("beta: -0.1"), [f"{WEIGHT_CHANGE}.beta", "-0.1", "0"]),
        (weight_change("accuracy: 0.5"), [f"{WEIGHT_CHANGE}.accuracy", "0.5", "0.1"]),
        (weight_change("accuracy: 0"), [f"{WEIGHT_CHANGE}.accuracy", "0", "0.000001"]),
        (weight_change("activation: Tanh"), [f"{WEIGHT_CHANGE}.activation", '"Tanh"', "'tanh'"]),
        (weight_change("stepping: big"), [f"{WEIGHT_CHANGE}.stepping", "'flow'"]),
        (
            weight_change("noise: sampled"),
            [WEIGHT_CHANGE, "stepping must be literal where noise is sampled"],
        ),
        (weight_change("reduction: total"), [f"{WEIGHT_CHANGE}.reduction", "'mean'", "'sum'"]),
        (
            weight_change("inputs: {resolution: 10}"),
            [f"{WEIGHT_CHANGE}.inputs.resolution", "10", "28, 14 or 7"],
        ),
        (weight_change("inputs: {samples: 0}"), [f"{WEIGHT_CHANGE}.inputs.samples", "0"]),
        ("device: gpu", ["device", '"gpu"', "'cuda'"]),
        ("dtype: float16", ["dtype", '"float16"', "'float32'"]),
        ("data: {mnist: fashion}", ["data.mnist", '"fashion"', "'embedded'"]),
        ("data: {offline: 'yes'}", ["data.offline", '"yes"', "true or false"]),
        ("data:", ["data", "null", "section"]),
        ("experiments: [1]", ["experiments", "[1]", "section"]),
        ("experiments: {weight_change: {a: {seeds: [1]}}}", [f"{WEIGHT_CHANGE}.widths", "missing"]),
        ("experiments: {weight_change: {A b: {widths: [1, 2]}}}", ["weight_change.A b"]),
        ("name: My Run", ["name", '"My Run"']),
        ("checkpoint_seconds: -1", ["checkpoint_seconds", "-1"]),
        (weight_change("sigma0: 1.0e-300"), [f"{WEIGHT_CHANGE}.sigma0", "1e-300", "0.000000001"]),
        (weight_change("steps: 1000000000000"), [f"{WEIGHT_CHANGE}.steps", "1000000000"]),
        (weight_change("seeds: [18446744073709551616]"), [f"{WEIGHT_CHANGE}.seeds.0", "less than"]),
        (weight_change(widths="[64, 2097152]"), [f"{WEIGHT_CHANGE}.widths.1", "1048576"]),
        ("deterministic: 'true'", ["deterministic", '"true"', "as True or False"]),
        ("name: " + 3000 * "a", ["name", '"aaa', "...", "60 characters"]),
        ('name: "\\ud800"', ["name holds half a character"]),
    ],
)
def test_a_mistake_names_key_value_and_what_is_wanted(text: str, parts: list[str]) -> None:
    message = sentence(text)
    for part in parts:
        assert part in message, message


@pytest.mark.parametrize(("source", "most"), [("embedded", 5000), ("full", 54219)])
@pytest.mark.parametrize("kind", ["limit_kernels", "linear_rate", "weight_change"])
def test_more_samples_than_the_data_has(kind: str, source: str, most: int) -> None:
    """5,000 images, 500 a digit; of the 60,000 the rarest digit has 5,421: 10 * 5421 + 9 others."""
    widths = "" if kind == "limit_kernels" else "widths: [64, 128], "

    def text(samples: int) -> str:
        run = f"{{{widths}inputs: {{samples: {samples}}}}}"
        return f"{{data: {{mnist: {source}}}, experiments: {{{kind}: {{a: {run}}}}}}}"

    message = sentence(text(most + 1))
    assert f"experiments.{kind}.a.inputs.samples is {most + 1}" in message
    assert str(most) in message
    assert source in message
    assert getattr(read(text(most)).experiments, kind)["a"].inputs.samples == most


def test_a_value_that_json_lacks_is_named_too() -> None:
    """YAML reads 2024-01-01 as a date."""
    assert "name" in sentence("name: 2024-01-01")


def test_the_first_of_several_mistakes_is_one_sentence() -> None:
    message = sentence("device: gpu\ndtype: half\n")
    assert ("device" in message) != ("dtype" in message)


# Values


def test_defaults_are_the_papers() -> None:
    """Section 6.1: 128 images, learning rate 1, 2^17 steps, tanh; beta and sigma0 are ours."""
    run = read(weight_change()).experiments.weight_change["a"]
    assert (run.inputs.samples, run.inputs.scaling) == (128, "unit-norm")
    assert (run.learning_rate, run.steps, run.reduction) == (1.0, 131072, "mean")
    assert (run.activation, run.beta, run.sigma0) == ("tanh", 0.01, 0.5)
    assert (run.stepping, run.accuracy) == ("flow", 0.002)


def test_narrow_widths_share_a_training_job() -> None:
    def jobs(keys: str, widths: str) -> list[str]:
        run = read(weight_change(keys, widths=widths)).experiments.weight_change["a"]
        return [str(job) for job in run.width_jobs]

    assert jobs("seeds: [0]", "[64, 512, 1024, 128, 2048]") == ["64-512-128", "1024", "2048"]
    assert jobs("widths_together: 64", "[64, 128]") == ["64", "128"]
    assert jobs("widths_together: 32", "[64, 128]") == ["64", "128"]


def test_an_empty_configuration_is_complete() -> None:
    config = read("{}")
    assert (config.device, config.dtype, config.data.mnist) == ("auto", "float32", "embedded")
    assert not config.data.offline


def test_a_null_run_is_left_out() -> None:
    config = read("experiments: {weight_change: {a: {widths: [64, 128]}, b: null}}")
    assert set(config.experiments.weight_change) == {"a"}


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read("{}").device = "cuda"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("file", "name"), [("config", "quick"), ("paper", "paper"), ("tiny", "tiny")]
)
def test_shipped_configurations_are_valid(file: str, name: str) -> None:
    config = shipped(file)
    assert config.name == name
    assert config.experiments.limit_kernels
    assert config.experiments.linear_rate
    assert config.experiments.weight_change


def test_quick_runs_figure_2_as_the_protocol_says() -> None:
    """d_out 49 and 196, the paper's time of gradient flow, at least 2 seeds, embedded data."""
    config = shipped("config")
    runs = config.experiments.weight_change.values()
    assert config.data.mnist == "embedded"
    assert {run.inputs.outputs for run in runs} == {49, 196}
    for run in runs:
        assert run.steps * run.learning_rate == 2**17
        assert (run.stepping, run.reduction) == ("flow", "mean")
        assert run.inputs.samples == 128
        assert len(run.seeds) >= 2
        assert min(run.widths) == 2**6
        assert max(run.widths) >= 2**9
    for kernels in config.experiments.limit_kernels.values():
        assert set(kernels.sigma0) == {0.1, 0.5, 1.0}
        assert set(kernels.activations) >= {"erf", "tanh", "relu", "soft_clipping"}
        assert kernels.inputs.samples == 128


def test_paper_runs_figure_2_for_the_papers_time() -> None:
    """Widths 2^6 to 2^13, d_out 49, 196, 784, five seeds, the time of 2^17 steps, full MNIST."""
    config = shipped("paper")
    assert config.data.mnist == "full"
    runs = config.experiments.weight_change.values()
    assert {run.inputs.outputs for run in runs} == {49, 196, 784}
    for run in runs:
        assert run.widths == tuple(2**k for k in range(6, 14))
        assert len(run.seeds) == 5
        assert (run.steps, run.learning_rate, run.stepping) == (2**17, 1.0, "flow")
        assert run.inputs.samples == 128


# The schema


def test_schema_describes_every_key_and_closes_every_section() -> None:
    described = json.loads(schema())
    assert set(described["properties"]) == set(Config.model_fields)
    for section in (described, *described["$defs"].values()):
        if section.get("type") == "object":
            assert section["additionalProperties"] is False


def test_the_committed_schema_is_the_generated_one() -> None:
    committed = Path(__file__).parents[2] / "config" / "config.schema.json"
    assert committed.read_text(encoding="utf-8") == schema(), (
        "run: python -m vaentk.config config/config.schema.json"
    )


@pytest.mark.parametrize(
    ("kind", "run", "change", "sentence"),
    [
        ("sensitivity", "mnist-7x7", {"changes": {"bad": {"bta": 1.0}}}, "changes.bad.bta: Extra"),
        ("sensitivity", "mnist-7x7", {"changes": {"bad": {"noise": "none"}}}, "beta must be 0"),
        (
            "sensitivity",
            "mnist-7x7",
            {"changes": {"bad": {"widths": [8, 16]}}},
            "changes.bad.widths cannot differ from the run's own",
        ),
        (
            "sensitivity",
            "mnist-7x7",
            {"changes": {"bad": {"inputs": {"samples": 5}}}},
            "changes.bad.inputs.samples cannot differ",
        ),
        ("sensitivity", "mnist-7x7", {"changes": {"base": {}}}, "a variant base"),
        (
            "sensitivity",
            "mnist-7x7",
            {"changes": {"bad": {"depth": 2, "frozen": ["hid"]}}},
            "frozen names hid, which depth 2 does not have",
        ),
        (
            "weight_change",
            "mnist-7x7",
            {"frozen": ["enc", "hid", "mu", "sigma", "dec"]},
            "frozen names every layer",
        ),
        ("ridge", "pca-16", {"held_out": 9000}, "ridge.pca-16.held_out is 9000"),
        ("ridge", "pca-16", {"betas": [0.1, 0.1]}, "betas names a value twice"),
        ("ridge", "pca-16", {"widths": [15, 32]}, "widths must be even"),
        ("ridge", "pca-16", {"inputs": {"resolution": 7, "components": 50}}, "49 pixels"),
        ("kl_ridge", "pca-16", {"held_out": 9000}, "kl_ridge.pca-16.held_out is 9000"),
        ("kl_ridge", "pca-16", {"widths": [15, 32]}, "widths must be even"),
        ("kl_ridge", "pca-16", {"inputs": {"scaling": "raw"}}, "must be unit-norm"),
        ("tangent_kernels", "mnist-7x7", {"train_sigma": False}, "train_sigma must be true"),
        ("least_width", "mnist", {"samples": [16, 256]}, "the largest of samples"),
        ("least_width", "mnist", {"samples": [16, 32]}, "the largest of samples"),
        ("least_width", "mnist", {"resolutions": [7, 14]}, "the largest of resolutions"),
        ("least_width", "mnist", {"resolutions": [7, 7]}, "resolutions names a value twice"),
        (
            "least_width",
            "mnist",
            {"inputs": {"samples": 64, "resolution": 7, "components": 4}},
            "all pixels",
        ),
        ("linear_rate", "mnist-7x7", {"horizon": 0.0}, "horizon is 0"),
        ("linear_vae", "gaussian", {"latent_dim": 5}, "latent_dim is 5 and must be below"),
        ("linear_vae", "gaussian", {"short_steps": 20_000}, "short_steps is 20000, above steps"),
        ("linear_vae", "gaussian", {"constant_power": 0.5}, "constant_power is 0.5"),
        ("linear_vae", "gaussian", {"samples": 1}, "score-leave-one-out needs two draws"),
        ("linear_vae", "gaussian", {"sample_counts": [1, 4]}, "two values of 2 or more"),
        ("linear_vae", "gaussian", {"betas": [1.0, 1.0]}, "betas names a value twice"),
        ("linear_vae", "gaussian", {"estimators": ["score"]}, "constant_estimators has pathwise"),
        ("linear_vae", "gaussian", {"score_scales": {"sgd": 0.1}}, "score_scales lacks adam"),
        ("linear_vae", "gaussian", {"runs": 1}, "runs is 1"),
        ("linear_vae", "gaussian", {"optimisers": {"adagrad": 0.1}}, "adagrad"),
        (
            "linear_vae",
            "gaussian",
            {"data": {"dim": 3, "signal": [1.0, 2.0, 3.0, 4.0]}},
            "signal has 4 values for 3 dimensions",
        ),
        ("linear_vae", "gaussian", {"data": {"samples": 5}}, "samples is 5 for 5 dimensions"),
        ("limit_kernels", "mnist-28x28", {"sigma0": [0.5, 0.5]}, "sigma0 names a value twice"),
        ("limit_kernels", "mnist-28x28", {"activations": ["erf"] * 2}, "activations names a value"),
        ("disentanglement", "dsprites", {"latent": [1, 4]}, "latent.0 is 1"),
        ("disentanglement", "dsprites", {"every": [1, 1]}, "every has 2 values for 5 factors"),
        (
            "disentanglement",
            "dsprites",
            {"every": [1, 6, 1, 1, 1]},
            "every has 6 for a factor of 6 values, which leaves one alone: take 5 or less",
        ),
        ("disentanglement", "dsprites", {"points": [10, 100]}, "points.0 is 10"),
        ("deep_vae", "faces-16x16", {"batch": 600}, "batch is 600, but there are 512"),
        (
            "deep_vae",
            "faces-16x16",
            {"network": {"side": 16, "model": "dense", "images": 5000}},
            "network.images is 5000, but there are 4000",
        ),
    ],
)
def test_a_mistake_in_a_kinds_own_settings_is_one_sentence(
    kind: str, run: str, change: dict, sentence: str
) -> None:
    settings = yaml.safe_load((CONFIG / "config.yaml").read_text(encoding="utf-8"))
    settings["experiments"][kind][run] |= change
    with pytest.raises(UserError) as caught:
        load(settings)
    assert sentence in str(caught.value)
    assert f"experiments.{kind}.{run}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_variants_differ_in_what_their_kind_varies() -> None:
    settings = yaml.safe_load((CONFIG / "config.yaml").read_text(encoding="utf-8"))
    experiments = load(settings).experiments
    widths = experiments.least_width["mnist"].variants()
    assert {(run.inputs.samples, run.sigma0) for run in widths.values()} == {
        (samples, sigma0) for samples in (16, 32, 64) for sigma0 in (0.25, 0.5, 1.0)
    }
    frozen = experiments.frozen_sigma["mnist-7x7"].variants()
    assert frozen["frozen"].trained == ("mu", "d")
    assert frozen["trained"].trained == ("mu", "sigma", "d")
    cases = experiments.ridge["pca-16"].variants()
    assert {(case.beta, case.antisymmetric) for case in cases.values()} == {
        (beta, twin) for beta in (0.01, 0.1, 1.0) for twin in (False, True)
    }
    by_kl = experiments.kl_ridge["pca-16"].variants()
    assert {(case.beta, case.trained) for case in by_kl.values()} == {
        (beta, layers) for beta in (0.025, 0.25) for layers in (("mu",), ("mu", "sigma"))
    }
    changed = experiments.sensitivity["mnist-7x7"].variants()
    assert changed["raw"].inputs.scaling == "raw"
    assert changed["raw"].inputs.samples == changed["base"].inputs.samples == 128
    assert changed["deterministic"].noise == "none"


@pytest.mark.parametrize(
    ("trained", "named"), [({"other": {}}, "name one of other"), ({}, "name a run of deep_vae")]
)
def test_noise_is_measured_of_a_network_that_is_trained(
    trained: dict[str, object], named: str
) -> None:
    experiments = {"deep_vae": trained, "gradient_noise": {"grid": {"network": "faces"}}}
    settings = {"data": {"celeba": "stand-in"}, "experiments": experiments}
    with pytest.raises(UserError) as caught:
        load(settings)
    sentence = str(caught.value)
    assert "experiments.gradient_noise.grid.network is faces, which is no run" in sentence
    assert named in sentence


def test_every_run_says_which_images_it_takes() -> None:
    experiments = {
        "weight_change": {"digits": {"widths": [64, 128]}},
        "linear_vae": {"drawn": {}},
        "deep_vae": {"faces": {}},
        "gradient_noise": {"grid": {"network": "faces"}},
        "discovery": {"faces": {}},
    }
    config = load({"data": {"celeba": "partial"}, "experiments": experiments})
    taken = {kind: config.images_of(kind, next(iter(runs))) for kind, runs in experiments.items()}
    assert taken == {
        "weight_change": "mnist",
        "linear_vae": None,
        "deep_vae": "celeba_whole",
        "gradient_noise": "celeba_whole",
        "discovery": "celeba",
    }
