"""What runs were trained on, in words."""

from types import SimpleNamespace
from typing import Any

from pages import ROOM, page

from vaentk.report.inputs import inputs, kinds


def test_inputs_at_full_size_are_not_called_pooled() -> None:
    run = {"inputs": {"samples": 16, "resolution": 28, "scaling": "raw"}, "sigma0": [0.1, 1.0]}
    config = {"name": "one", "experiments": {"weight_change": {"full": run}}}
    text = page(config=config, images={"weight_change": {"full": "digits"}})
    assert "16 images, 28×28 pixels, raw" in text
    assert "<td>0.1, 1</td>" in text


def test_all_resolutions_of_a_run_and_another_choice_of_images_are_named() -> None:
    taken = {"samples": 16, "resolution": 28, "scaling": "raw", "data_seed": 2}
    run = {"inputs": taken, "resolutions": [7, 28]}
    config = {"name": "one", "experiments": {"weight_change": {"full": run}}}
    text = page(config=config, images={"weight_change": {"full": "digits"}})
    assert "16 images, mean-pooled to 7×7, 28×28 pixels, raw, another choice of images" in text
    assert "(seed 2)" in text


def test_inputs_of_a_network_that_another_run_trains_are_that_runs() -> None:
    network = {"dataset": "celeba", "side": 32, "images": 512}
    sources = {
        name: SimpleNamespace(name=name, label="partial", images=10_000, pixels=64)
        for name in ("celeba", "celeba_whole")
    }
    datasets = {name: SimpleNamespace(words={"partial": f"{{images}} {name}"}) for name in sources}
    runs = {"deep_vae": {"a": {"network": network}}, "gradient_noise": {"b": {"network": "a"}}}
    runs["discovery"] = {"faces": {"dataset": "celeba"}}
    images = {"deep_vae": {"a": "celeba_whole"}, "gradient_noise": {"b": "celeba_whole"}}
    images["discovery"] = {"faces": "celeba"}
    text = SimpleNamespace(datasets=datasets)
    data: Any = SimpleNamespace(runs=runs, images=images, sources=sources, text=text)
    words = "10,000 celeba_whole, 512 of them for training, mean-pooled to 32×32"
    for kind, run in (("deep_vae", "a"), ("gradient_noise", "b")):
        section: Any = SimpleNamespace(id=kind)
        assert inputs(data, section) == [(run, words)]
        assert list(kinds(data, section)) == ["partial"]
    section = SimpleNamespace(id="discovery")
    assert inputs(data, section) == [("faces", "10,000 celeba")]


def test_a_section_says_what_data_its_runs_draw() -> None:
    words = ROOM + 'drawn: "{samples:,} drawn points, d = {dim}"'
    run = {"data": {"samples": 1500, "dim": 5}}
    config = {"name": "tiny", "experiments": {"weight_change": {"small": run}}}
    assert "1,500 drawn points, d = 5" in page(
        words=words, config=config, images={"weight_change": {"small": None}}
    )
