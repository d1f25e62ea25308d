"""Signal-to-noise ratios: known ones, their bias, and how they go with B and K."""

from collections.abc import Callable, Sequence
from math import log, sqrt
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vaentk.bounds.bound import PARTS, Bound, Estimator, Part, Weights
from vaentk.bounds.images import ImageSource
from vaentk.bounds.likelihoods import Gaussian
from vaentk.bounds.signal_to_noise import SignalToNoise, repeated_gradients, signal_to_noise
from vaentk.errors import UserError

Draw = Callable[..., Tensor]
P = 20_000  # parameters, so that a mean over them is right to a percent


def of_noise(drawn: Draw, ratios: Tensor, repetitions: int) -> SignalToNoise:
    """Of gradients with known ratios (P,), each parameter on a scale of its own."""
    scales = 10 ** drawn(P, seed=1)
    gradients = scales * (ratios + drawn(repetitions, 1, P, seed=2))
    return signal_to_noise([{"mean": gradients, "dec": gradients[..., :1]}])["phi"]


def test_known_ratios_are_found(drawn: Draw) -> None:
    """Ratios from 0 to 1, whose root mean square is sqrt(1/3), at M = 12: to 2%."""
    found = of_noise(drawn, torch.linspace(0, 1, P, dtype=torch.float64), 12)
    assert found.rms.item() == pytest.approx(sqrt(1 / 3), rel=0.02)
    assert found.mean.item() > 0.55  # the true mean is 0.5
    assert found.still.item() == 0


@pytest.mark.parametrize("repetitions", [4, 5, 20, 100])
def test_noise_alone_comes_to_the_floor(drawn: Draw, repetitions: int) -> None:
    """The plain mean does, to 2%; the corrected square is 0 to the floor's hundredths."""
    found = of_noise(drawn, torch.zeros(P, dtype=torch.float64), repetitions)
    assert found.mean.item() == pytest.approx(found.floor, rel=0.02)
    if repetitions >= 20:
        assert found.floor == pytest.approx(sqrt(2 / (np.pi * repetitions)), rel=0.05)
        assert not found.rms.item() > 0.3 * found.floor  # it may be NaN


def test_large_ratios_have_the_bias_that_is_stated(drawn: Draw) -> None:
    """Ratio 3, M = 20: the plain mean is 3/80 too large; the corrected one right to 1%."""
    found = of_noise(drawn, torch.full((P,), 3.0, dtype=torch.float64), 20)
    assert found.mean.item() == pytest.approx(3 * (1 + 3 / 80), rel=0.01)
    assert found.rms.item() == pytest.approx(3, rel=0.01)


def test_the_whole_vectors_ratio_weighs_parameters_by_their_size(drawn: Draw) -> None:
    """|E g|^2 = 1 + 400 and E|g - E g|^2 = 4 + 100 over pairs of parameters: sqrt(401 / 104)."""
    means = torch.tensor([1.0, 20.0], dtype=torch.float64).repeat(P // 2)
    scales = torch.tensor([2.0, 10.0], dtype=torch.float64).repeat(P // 2)
    gradients = means + scales * drawn(6, 1, P, seed=1)
    found = signal_to_noise([{"mean": gradients, "dec": gradients}])["phi"]
    assert found.whole.item() == pytest.approx(sqrt(401 / 104), rel=0.02)
    assert found.rms.item() == pytest.approx(sqrt((1 / 4 + 4) / 2), rel=0.04)


def test_parts_and_members_are_apart_and_uneven_portions_are_one(drawn: Draw) -> None:
    """As NumPy finds mean and deviation of all 9 at once, two members, two layers of phi."""
    gradients = {
        "mean": 5 + drawn(9, 2, 3, 4, seed=1),
        "logvar": 1 + drawn(9, 2, 4, seed=2),
        "dec": 3 + drawn(9, 2, 6, seed=3),
    }
    portions = [{n: g[a:b] for n, g in gradients.items()} for a, b in ((0, 1), (1, 5), (5, 9))]
    found = signal_to_noise(portions)
    for part, names in (("phi", ["mean", "logvar"]), ("theta", ["dec"])):
        flat = np.concatenate([gradients[name].numpy().reshape(9, 2, -1) for name in names], axis=2)
        expected = (abs(flat.mean(0)) / flat.std(0, ddof=1)).mean(1)
        assert found[part].mean.tolist() == pytest.approx(expected.tolist(), rel=1e-12)


@pytest.mark.parametrize("constant", [0.0, 7.0])
def test_parameters_without_noise_are_left_out(drawn: Draw, constant: float) -> None:
    """A quarter of them, to rounding: the ratios are those of the rest, and the share is told."""
    gradients = 2 + drawn(10, 1, 40, seed=1)
    rest = signal_to_noise([{"mean": gradients[..., 10:], "dec": gradients}])["phi"]
    gradients[..., :10] = constant * (1 + 1e-15 * drawn(10, 1, 10, seed=2))
    found = signal_to_noise([{"mean": gradients, "dec": gradients}])["phi"]
    assert found.still.item() == 0.25
    for field in ("mean", "rms", "whole"):
        assert getattr(found, field).item() == pytest.approx(getattr(rest, field).item())


def test_three_gradients_are_refused_in_one_sentence() -> None:
    gradients = [{"mean": torch.zeros(3, 1, 1), "dec": torch.zeros(3, 1, 1)}]
    with pytest.raises(UserError, match=r"^signal-to-noise ratios need 4 gradients, and there are"):
        signal_to_noise(gradients)


# On a network


def repeated(
    linear: Any,
    images: Tensor,
    weights: Weights,
    repetitions: int,
    batch: int,
    codes: int,
    redraw: bool = False,
    at_once: int = 1000,
    estimator: Estimator = "iwae",
) -> list[Weights]:
    members = len(weights["dec"])
    generators = [torch.Generator().manual_seed(seed) for seed in range(members)]
    pool = ImageSource(images.__getitem__, torch.arange(len(images)))
    bound = Bound(linear, Gaussian(linear.scale), estimator)
    beta = torch.ones(members, dtype=torch.float64)
    fixed = torch.stack([pool.draw(batch, generator) for generator in generators])
    shared = None if redraw else fixed
    return list(
        repeated_gradients(
            bound, weights, pool, beta, generators, repetitions, batch, codes, shared, at_once
        )
    )


@pytest.mark.parametrize("redraw", [False, True])
def test_repetitions_side_by_side_are_those_one_after_another(
    linear: Any, drawn: Draw, redraw: bool
) -> None:
    weights, images = linear.weights(2, 1), drawn(30, 3, seed=2)
    found = {
        at_once: repeated(linear, images, weights, 5, 4, 3, redraw, at_once) for at_once in (1, 3)
    }
    assert [len(portion["dec"]) for portion in found[3]] == [3, 2]
    for name in weights:
        one, three = (torch.cat([portion[name] for portion in found[n]]) for n in (1, 3))
        torch.testing.assert_close(one, three, rtol=1e-10, atol=1e-12)


def test_what_counts_as_noise_is_asked_for(linear: Any, drawn: Draw) -> None:
    """Codes without noise: gradients on fixed images are equal, and on others not."""
    weights, images = linear.weights(2, 1), drawn(30, 3, seed=2)
    weights["logvar"].fill_(-60)
    fixed, anew = (
        repeated(linear, images, weights, 6, 4, 3, redraw)[0]["dec"] for redraw in (False, True)
    )
    assert float(fixed.std(0).max()) < 1e-10
    assert float(anew.std(0).min()) > 1e-3
    assert float((fixed[0, 0] - fixed[0, 1]).abs().max()) > 1e-3  # members have images of their own


def slopes(found: Sequence[dict[Part, SignalToNoise]], sizes: Sequence[int]) -> dict[Part, float]:
    """Exponents of the corrected ratio, fitted to its logarithm."""
    return {
        part: float(np.polyfit([log(n) for n in sizes], [log(f[part].rms) for f in found], 1)[0])
        for part in PARTS
    }


def test_ratio_grows_as_the_root_of_the_batch(linear: Any, drawn: Draw) -> None:
    """One image over and over, K = 1, so that nothing else changes: to 0.06 with M = 4000."""
    sizes, image = (1, 4, 16), drawn(1, 3, seed=2)
    found = [
        signal_to_noise(repeated(linear, image, linear.close(), 4000, size, 1)) for size in sizes
    ]
    assert slopes(found, sizes) == pytest.approx({"phi": 0.5, "theta": 0.5}, abs=0.06)


@pytest.mark.parametrize(("estimator", "phi"), [("iwae", -0.5), ("iwae-dreg", 0.5)])
def test_ratio_of_phi_falls_with_codes_where_that_of_theta_grows(
    linear: Any, drawn: Draw, estimator: Estimator, phi: float
) -> None:
    """Rainforth et al. 2018: K^(-1/2) and K^(1/2), to 0.1; Tucker et al. 2019: K^(1/2) for both.

    One image, K = 4 to 32, M = 16,000.
    """
    sizes, image = (4, 8, 16, 32), drawn(1, 3, seed=2)
    found = [
        signal_to_noise(
            repeated(linear, image, linear.close(), 16_000, 1, size, estimator=estimator)
        )
        for size in sizes
    ]
    assert slopes(found, sizes) == pytest.approx({"phi": phi, "theta": 0.5}, abs=0.1)


@pytest.mark.parametrize(("batch", "codes"), [(1, 1), (4, 1), (2, 6)])
def test_ratio_of_the_decoders_bias_is_its_closed_form(
    linear: Any, drawn: Draw, batch: int, codes: int
) -> None:
    """ELBO, one image x over and over: ``|b + W m - x| sqrt(B K / tr(W S W^T))``, to 4%, M = 4000.

    The bias's gradient is the mean over B K codes of ``(b + W z - x) / c^2`` with z ~ N(m, S).
    """
    image, weights = drawn(1, 3, seed=2), linear.weights(1, 3)
    mean, logvar = linear.encode(weights, image[None])
    offset = linear.decode(weights, mean)[0, 0] - image[0]
    spread = (weights["dec"][0].square() * logvar[0, 0].exp()).sum()
    expected = float(offset.norm() * sqrt(batch * codes) / spread.sqrt())
    gradients = repeated(linear, image, weights, 4000, batch, codes, estimator="elbo")
    bias = [{"mean": portion["mean"], "dec_bias": portion["dec_bias"]} for portion in gradients]
    assert signal_to_noise(bias)["theta"].whole.item() == pytest.approx(expected, rel=0.04)
