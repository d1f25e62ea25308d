"""A report to look at, of a run that has everything in it, and the browser that opens it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from pages import TEXTS, rooms

from vaentk.figures import image_panels
from vaentk.figures.style import Drawing, finish, styled
from vaentk.report import figure
from vaentk.report.captions import FindingText, read_page_text
from vaentk.report.contents import ReportData
from vaentk.report.datasets import Source
from vaentk.report.page import render
from vaentk.report.reference import ReferenceRun, read_reference
from vaentk.report.run_times import describe_machine

PAGES = ("index", "summary")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]
LAYERS = ["enc", "hid", "mu", "sigma", "dec"]
CONFIG = {
    "name": "fixture",
    "note": "Invented results, to look at the page: they say nothing about the papers.",
    "device": "auto",
    "dtype": "float32",
    "data": {"mnist": "embedded", "cache": None, "offline": False},
    "experiments": {
        "limit_kernels": {
            "mnist-28x28": {
                "inputs": {"samples": 128, "resolution": 28, "scaling": "unit-norm"},
                "activations": ["erf", "tanh", "relu", "soft_clipping"],
                "sigma0": [0.1, 0.5, 1.0],
            }
        },
        "linear_rate": {
            "mnist-7x7": {
                "inputs": {"samples": 32, "resolution": 7, "scaling": "unit-norm", "data_seed": 0},
                "widths": [64, 256, 1024, 4096, 16384],
                "seeds": [0, 1],
            }
        },
        "weight_change": {
            f"mnist-{side}x{side}": {
                "inputs": {"samples": 128, "resolution": side, "scaling": "unit-norm"},
                "widths": [64, 128, 256, 512, 1024],
                "seeds": [0, 1],
                "beta": 0.01,
                "steps": 131072,
                "stepping": "flow",
            }
            for side in (7, 14)
        },
    },
}


def drawing(panels: int, alt: str) -> Drawing:
    """A picture, and curves of known laws: falling as x^-0.5, x^-0.75 (many points) and x^-1."""
    with styled():
        figure = Figure(figsize=(3.3 * panels, 2.9), layout="constrained")
        widths, many = np.array([64, 128, 256, 512]), np.geomspace(64, 512, 99)
        heat, *lines = figure.subplots(1, panels, squeeze=False)[0]
        heat.imshow(np.outer(widths, widths))
        for axes in lines:
            axes.loglog(widths, widths**-0.5, "o-", label="measured")
            axes.loglog(many, many**-0.75, label="flow")
            axes.loglog(widths, widths**-1.0, ":", label="claimed")
            axes.set(xlabel="width m", ylabel="relative change", title="a panel with a title")
            axes.legend()
        return finish(figure, alt)


def strips() -> Drawing:
    """Two panels of three units, whose images are as light as the unit's value is large."""
    light = np.arange(0, 250, 50, dtype=np.uint8)
    images = np.broadcast_to(light[:, None, None, None], (3, 5, 3, 16, 16))
    labels = ["KL 2.1", "KL 1.5", "KL 0.1"]
    panels = [image_panels.Panel(f"latent {n}, seed 0", [(labels, images)]) for n in (10, 50)]
    return image_panels.draw(panels, "drawn", "Images become lighter.", traversals=True)


def claims() -> pd.DataFrame:
    """Claims of every verdict, with statements as long as they come."""
    long = (
        "The relative change |W(t) - W(0)|_F / |W(0)|_F of the first layer at the end of the "
        "paper's whole training time falls as m^(-1/2) with the width m, over the largest widths"
    )
    rows = [
        ["W1-least-eigenvalue", "Lemma 1", "lambda_0 > 0 for erf", "> 0", "0.0171234", "", 0],
        ["W1-norm", "Lemma 2", "|Theta(0) - Theta_inf|_2 falls as m^(-1/2)", "-0.5", "", "", 3],
        ["W1-lemma2", "Lemma 2", "|Theta(0) - Theta_inf|_2 <= lambda_0/4", "<= 0.25", "616", "", 4],
        ["W2-bound", "Theorem 1", "L(t) <= exp(-(lambda_0/n) t) L(0)", "<= 0", "-0.3214", "", 0],
        ["W2-distance", "Theorem 1", "the distance falls as m^(-1/2)", "-0.5", "-0.43", "x", 2],
        ["W4-first-layer-7x7", "Figure 2", long, "-0.5 ± 0.05", "-0.4912345", "x", 0],
        ["W4-decoder-mnist-14x14-largest-widths", "Figure 2", long, "-0.5", "-0.2", "x", 1],
    ]
    rows += [
        [f"{name}-first", "section 4", long, "", "", "", 3] for name in ("W3", "W6", "S1", "X6")
    ]
    verdicts = ["reproduced", "not reproduced", "inconclusive", "not run", "premise not met"]
    reasons = ["", "the network is not wide against its outputs", "", "not implemented yet"]
    reasons += ["the width is at least the lemma's own: width / width_printed is 2e-7"]
    figures = {"W1": "limit_kernels", "W2": "linear_rate", "W4": "weight_change"}
    return pd.DataFrame(
        {
            "id": name,
            "paper": "beyond" if name.startswith("X") else "Wang & Huang 2024",
            "origin": "ours" if name.startswith("X") else "paper",
            "where": where,
            "statement": statement,
            "expected": expected,
            "measured": measured or np.nan,
            "interval": "[-0.5212345, -0.4612]" if interval else np.nan,
            "margin": "1.8" if interval else np.nan,
            "certain": "Few of the modes are slow." if name == "W2-bound" else np.nan,
            "verdict": verdicts[verdict],
            "reason": reasons[verdict] or np.nan,
            "figure": figures.get(name[:2], np.nan),
            "source": f"measure/{figures[name[:2]]}/mnist-7x7/slopes.csv: slope [low, high]"
            if measured
            else np.nan,
            "headline": "yes" if measured else np.nan,
        }
        for name, where, statement, expected, measured, interval, verdict in rows
    )


def tables() -> dict[str, pd.DataFrame]:
    """Frames with the columns that the workflow's tables have."""
    slopes = pd.DataFrame(
        {
            "run": f"mnist-{side}x{side}",
            "outputs": side**2,
            "width_over_outputs": 1024 / side**2,
            "layer": layer,
            "fraction": fraction,
            "claimed": np.nan if layer == "sigma" else -0.5,
            "slope": -0.4912345,
            "low": -0.52345,
            "high": -0.456,
            "points": 6,
            "width_min": 256,
            "width_max": 1024,
        }
        for side in (7, 14)
        for layer in LAYERS
        for fraction in (1.0, 0.25, 0.0625)
    )
    kernels = pd.DataFrame(
        {
            "activation": activation,
            "sigma0": sigma0,
            "lambda_0": 0.01712,
            "lambda_max": 61.23456,
            "lambda_0_mu": 0.0123,
            "lambda_0_sigma": 3.2e-07,
            "lambda_0_d": 0.00123,
            "series_error": 1.3e-13,
            "meets_assumptions": activation != "relu",
        }
        for activation in ("erf", "tanh", "relu", "soft_clipping")
        for sigma0 in (0.1, 0.5, 1.0)
    )
    rates = pd.DataFrame({"run": "mnist-7x7", "width": [64, 256, 1024, 4096, 16384]})
    rates = rates.assign(time=334.4, gradients=812.0, margin=-0.321, flow_distance=0.123)
    rates = rates.assign(flow_distance_low=0.1, flow_distance_high=0.15, rate=1.2e-4)
    rates = rates.assign(rate_flow=1.3e-4, rate_claimed=6e-5, rate_tight=1.2e-4, loss_final=0.0212)
    stability = pd.DataFrame({"run": "mnist-7x7", "width": [64, 128, 256, 512], "limit": 91.2})
    stability = stability.assign(gradients=812.0, limit_steps=512.3, paper_steps=131072)
    return {
        "limit_kernels": kernels,
        "linear_rate": rates,
        "linear_rate_slopes": slopes.drop(columns="layer").assign(quantity="row_mu"),
        "linear_rate_lemma4": rates[["run", "width"]].assign(lemma4_bound=5.3e5, row_mu=1.14),
        "weight_change_slopes": slopes,
        "weight_change_stability": stability,
    }


def reference() -> ReferenceRun:
    """A run made elsewhere, which tested more."""
    about = """
        title: Longer run on a large machine
        configuration: paper
        commit: 0123456789abcdef
        machine: {cpu: A processor, cores: 16, memory_gb: 128, gpu: An accelerator}
        seconds: 12345.6
        data: MNIST, all 60,000 digits
        note: Figure 2 alone, at widths up to 16384.
    """
    known = claims().assign(measured="-0.503", interval="[-0.51, -0.49]", verdict="reproduced")
    return read_reference("longer", about, known)


def fixture_pages() -> dict[str, str]:
    """Fill the page and its summary."""
    text = read_page_text((TEXTS / "page.yaml").read_text(encoding="utf-8"), rooms())
    finding = FindingText(
        claim="W4-first-layer-7x7", says={}, otherwise="The first layer moves as m to {measured}."
    )
    text = text.model_copy(update={"findings": (finding,)})
    machine = {"cpu": "A processor with a long name @ 2.90GHz", "cores": 2, "memory_gb": 8}
    jobs = [f"train/weight_change/mnist-14x14/{2**power}" for power in range(3, 40)]
    run_times = pd.DataFrame({"job": jobs, "seconds": 12.345, "max_rss_mb": 1234.5})
    run_times["machine"] = describe_machine(machine | {"gpu": None})
    panels = {"limit_kernels": 4, "linear_rate": 3, "weight_change": 2}
    alt = (
        "Points fall along straight lines on doubly logarithmic axes, with slopes −0.49 and −0.99."
    )
    drawings = {name: drawing(count, alt) for name, count in panels.items()}
    drawings["weight_change_slopes"] = strips()
    sidecar = {"rule": "train_weight_change", "code": "0123456789abcdef" * 4, "dtype": "float32"}
    sidecar |= {"device": "cpu", "seeds": [0, 1], "inputs": {"a": "sha256:00"}}
    data = ReportData(
        text,
        config=CONFIG,
        claims=claims(),
        equations={"W4": r"D = \frac{\|W(T) - W(0)\|_F}{\|W(0)\|_F} \propto m^{-1/2}"},
        assumptions=pd.DataFrame(
            {
                "id": [f"A{place}" for place in range(1, 11)],
                "paper": "Wang & Huang 2024",
                "where": "Eq. 2 and Eq. 3",
                "open": "Eq. 2 writes the variance as diag(W_sigma x_e), which may be negative.",
                "choice": "Eq. 3's reparametrisation, whose variance is s_r^2 and never negative.",
                "tried": np.nan,
            }
        ),
        remarks=pd.DataFrame(
            {
                "id": [f"R{place}" for place in range(1, 8)],
                "paper": "Wang & Huang 2024",
                "where": "Theorem 2, Eqs. 12 and 13",
                "printed": "The ridge is beta; the objective in the proof would make it 2 n beta.",
                "found": "Eq. 12's minimiser has the ridge n beta; trained networks approach it.",
                "evidence": "error to ridge n beta at the largest width: 0.04598\n"
                "power of the width that it follows: -0.5287 [-0.5682, -0.4893]",
                "figure": "figures/linear_rate.svg",
            }
        ),
        figures={name: figure.Figure(drawn.svg, drawn.alt) for name, drawn in drawings.items()},
        tables=tables(),
        images={kind: dict.fromkeys(runs, "mnist") for kind, runs in CONFIG["experiments"].items()},
        sources={
            "mnist": Source(
                name="mnist",
                label="embedded subset",
                images=5000,
                pixels=28,
                licence="CC BY-SA 3.0",
                citation="LeCun, Bottou, Bengio and Haffner 1998, doi:10.1109/5.726791",
                checksum="sha256:" + "0123456789abcdef" * 4,
            )
        },
        run_times=run_times,
        sidecars={
            f"train/weight_change/mnist-14x14/{width}.parquet": sidecar
            | {"versions": {"torch": "2.14.1", "numpy": "2.3.1"}}
            for width in (64, 128, 256)
        }
        | {
            f"results/figures/{name}.svg": {
                "inputs": {
                    f"results/measure/{name}/mnist-{side}x{side}/slopes.csv": "sha256:00"
                    for side in (7, 14, 28)[: place + 1]
                }
            }
            for place, name in enumerate(drawings)
        },
        references=[reference()],
        commit="0123456789abcdef0123456789abcdef01234567",
    )
    style, script = ((TEXTS / name).read_text("utf-8") for name in ("style.css", "page.js"))
    templates = {name: (TEXTS / f"{name}.html.j2").read_text("utf-8") for name in PAGES}
    return {name: render(source, style, script, data) for name, source in templates.items()}


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages under test: what VAENTK_REPORT names and its neighbour, or invented results."""
    given = os.environ.get("VAENTK_REPORT")
    if given:
        folder = Path(given).resolve().parent
        assert Path(given).is_file(), f"VAENTK_REPORT names {given}, which is not there"
    else:
        folder = tmp_path_factory.mktemp("report")
        for name, text in fixture_pages().items():
            (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in PAGES}


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium that resolves no host."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield chromium
        chromium.close()
