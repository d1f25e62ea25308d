"""What is measured of finite kernels: against dense matrices, and on planted records."""

from math import log

import numpy as np
import pandas as pd
import pytest
import torch

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.experiments.ntk.tangent_kernels import TangentKernels
from vaentk.experiments.ntk.tangent_kernels import measure as tangent_kernels
from vaentk.experiments.ntk.tangent_kernels.observer import Observer
from vaentk.kernels.finite import PARTS, TangentKernel
from vaentk.kernels.limit import limit_kernels
from vaentk.models.snn import StochasticNetwork

N, D, M = 5, 4, 24
ERF = ACTIVATIONS["erf"]
SETTINGS = TangentKernels.from_plain(
    {"inputs": {"samples": N, "resolution": 7}, "widths": [M, 2 * M], "tolerance": 1e-6}
)


@pytest.fixture
def x() -> np.ndarray:
    rows = np.random.default_rng(0).standard_normal((N, D))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_observer_sees_what_the_dense_kernels_hold(x: np.ndarray) -> None:
    """Every norm and eigenvalue of two members, at the start and after a move, to 1e-5."""
    rows = torch.from_numpy(x)
    smoothing = Smoothing(ERF, 1.0)
    weights = StochasticNetwork(rows, M, 0.5, smoothing).initial_weights((0, 1))
    generator = torch.Generator().manual_seed(3)
    moved = {
        name: w + 0.05 * torch.randn(w.shape, generator=generator, dtype=w.dtype)
        for name, w in weights.items()
    }
    limit = limit_kernels(ERF, 0.5, x)
    observer = Observer(SETTINGS, x, weights, last=8)
    start, later = observer(0, weights), observer(8, moved)
    eye = np.eye(D)

    def dense(w: dict[str, torch.Tensor], member: int, part: str | None = None) -> np.ndarray:
        parts = PARTS if part is None else (part,)
        own = {k: v[member] for k, v in w.items()}
        kernel = TangentKernel.of(own, rows, smoothing, parts)
        matrix: np.ndarray = kernel.block().reshape(N * D, N * D).numpy()
        return matrix

    for member in (0, 1):
        first, second = dense(weights, member), dense(moved, member)
        values = np.linalg.eigvalsh(first)
        seen = start[member]
        assert seen["lambda_min"] == pytest.approx(values[0], rel=1e-5)
        assert seen["lambda_max"] == pytest.approx(values[-1], rel=1e-5)
        norm = np.linalg.norm(first - np.kron(limit.total, eye), 2)
        assert seen["norm"] == pytest.approx(norm, rel=1e-5)
        for part in PARTS:
            alone = dense(weights, member, part) - np.kron(getattr(limit, part), eye)
            assert seen[f"norm_{part}"] == pytest.approx(np.linalg.norm(alone, 2), rel=1e-5)
            four = alone.reshape(N, D, N, D)
            scale = np.sqrt(np.mean(getattr(limit, part) ** 2))
            within = np.sqrt(np.mean([four[:, k, :, k] ** 2 for k in range(D)])) / scale
            between = [four[:, k, :, j] ** 2 for k in range(D) for j in range(D) if j != k]
            assert seen[f"within_{part}"] == pytest.approx(within, rel=1e-9)
            assert seen[f"between_{part}"] == pytest.approx(
                np.sqrt(np.mean(between)) / scale, rel=1e-9, abs=1e-12
            )
        drift = np.linalg.norm(second - first, 2)
        assert later[member]["drift"] == pytest.approx(drift, rel=1e-5)
        change = (second - first).reshape(N, D, N, D)
        equal = max(np.linalg.norm(change[:, k, :, k], 2) for k in range(D))
        assert later[member]["drift_equal"] == pytest.approx(equal, rel=1e-10)
        assert later[member]["lambda_min"] == pytest.approx(np.linalg.eigvalsh(second)[0], rel=1e-5)


def test_the_flows_of_both_kernels_are_those_of_the_dense_matrices(x: np.ndarray) -> None:
    """Matrix exponentials from eigenvectors; the flow of Theta is known to 1e-5 of the residual."""
    rows = torch.from_numpy(x)
    smoothing = Smoothing(ERF, 1.0)
    weights = StochasticNetwork(rows, M, 0.5, smoothing).initial_weights((4,))
    [seen] = Observer(SETTINGS, x, weights, last=8)(0, weights)
    own = TangentKernel.of({k: v[0] for k, v in weights.items()}, rows, smoothing)
    limit = limit_kernels(ERF, 0.5, x).total
    dense = own.block().reshape(N * D, N * D).numpy(), np.kron(limit, np.eye(D))
    model = StochasticNetwork(rows, M, 0.5, smoothing)
    start = (model.forward(weights).outputs[0] - rows).numpy().ravel()
    end = N / np.linalg.eigvalsh(limit)[0]
    times = end * np.logspace(-8, 0, 2000, base=2)

    def flow(matrix: np.ndarray, at: np.ndarray) -> np.ndarray:
        values, vectors = np.linalg.eigh(matrix)
        decay = np.exp(-np.outer(at, values) / N)
        found: np.ndarray = (decay * (vectors.T @ start)) @ vectors.T
        return found

    distances = np.linalg.norm(flow(dense[0], times) - flow(dense[1], times), axis=1)
    # Observed times are a fourth of an octave apart, near its maximum a distance is flat.
    assert seen["flow_distance"] == pytest.approx(distances.max() / np.linalg.norm(start), rel=0.02)
    peak = times[distances.argmax()]
    assert peak / 2**0.25 < seen["flow_distance_time"] < peak * 2**0.25
    rates = []
    for matrix in dense:
        late = end * 2 ** np.array([-1, -0.75, -0.5, -0.25, 0])
        losses = np.square(flow(matrix, late)).sum(axis=1)
        rates.append(-np.polyfit(late, np.log(losses), 1)[0])
    assert seen["rate"] == pytest.approx(rates[0], rel=1e-3)
    assert seen["rate_over_limit"] == pytest.approx(rates[0] / rates[1], rel=1e-3)


def test_the_loss_falls_with_one_over_n_squared(x: np.ndarray) -> None:
    """Central differences of Eq. 7 give r^T Theta r / n^2, n times less than is printed."""
    weights = StochasticNetwork(torch.from_numpy(x), M, 0.5, Smoothing(ERF, 1.0)).initial_weights(
        (4,)
    )
    (seen,) = Observer(SETTINGS, x, weights, last=8)(0, weights)
    assert seen["slope_measured"] == pytest.approx(seen["slope_derived"], rel=1e-7)
    assert seen["slope_printed"] == pytest.approx(N * seen["slope_derived"], rel=1e-12)


def records(widths: tuple[int, ...], horizon: float) -> pd.DataFrame:
    """Plant norms that fall as m^(-1/2), a drift that falls as 1/m, and eigenvalues."""
    rows = []
    for width in widths:
        for seed in (0, 1):
            for step in (0, 1, 2, 8):
                row = {"width": width, "seed": seed, "step": step, "time": horizon * step / 8}
                row |= {"loss": 0.5 / (1 + step)}
                if step in (0, 2, 8):
                    row |= {"lambda_min": 0.5 + step / 100, "norm": 8 * width**-0.5}
                if step in (2, 8):
                    row |= {"drift": step / width}
                if step == 8:
                    row |= {"drift_equal": step / width / 4}
                if step == 0:
                    row |= {"lambda_max": 9.0, "lambda_min_error": 0.0, "norm_error": 0.0}
                    row |= {f"norm_{part}": 2 * width**-0.5 for part in PARTS}
                    row |= {f"{n}_{p}": width**-0.5 for n in ("between", "within") for p in PARTS}
                    row |= {"products": 9, "initial_error": 3.0, "initial_output": 2.0}
                    row |= {f"slope_{n}": 1.0 for n in ("measured", "derived", "printed")}
                    row |= {"flow_distance": width**-0.5, "flow_distance_time": 1.0}
                    row |= {"rate": 0.1, "rate_over_limit": 0.9}
                rows.append(row)
    return pd.DataFrame(rows)


def test_planted_powers_are_found(x: np.ndarray) -> None:
    planted = records((64, 256, 1024), horizon=4.0)
    limit = limit_kernels(ERF, 0.5, x)
    lambda_0 = float(np.linalg.eigvalsh(limit.total)[0])
    expected = tangent_kernels.random_matrices(SETTINGS, x, limit, (64, 256, 1024))
    start = tangent_kernels.initial(planted, limit, expected, D)
    training = tangent_kernels.along_training(planted, lambda_0)
    slopes = tangent_kernels.slopes(start, training, 3).set_index("quantity")["slope"]
    assert slopes["drift"] == pytest.approx(-1)
    assert slopes.drop("drift").to_numpy() == pytest.approx(-0.5)
    assert sorted(training["fraction"].unique()) == [0.0, 0.25, 1.0]
    assert (training[training["fraction"] == 0]["drift"] == 0).all()
    assert training["lambda_min_over"].max() == pytest.approx(0.58 / lambda_0)
    end = training[training["fraction"] == 1]
    assert end["drift_share"].to_numpy() == pytest.approx(0.25)
    assert end["loss_over_zero"].to_numpy() == pytest.approx(1 / 9)
    row = start.query("width == 256 and seed == 1").iloc[0]
    assert row["norm_over"] == pytest.approx(0.5 / lambda_0)
    assert row["norm_over_wishart"] == pytest.approx(0.5 / expected["wishart_norm"][256])
    top = np.linalg.eigvalsh(limit.mu)[-1]
    equal = top * (2 * np.sqrt(D / 256) + D / 256)
    assert equal < row["wishart_norm"] < 1.5 * equal, "unequal weights widen it"
    assert row["wishart_least"] < row["lambda_0"]
    wide = tangent_kernels.lemma2_width(start, N).iloc[0]
    assert wide["width_measured"] == pytest.approx(1024 * (4 * 0.25 / lambda_0) ** 2)
    entries = (N * D) ** 2 * log(N * D / 0.1)
    assert wide["width_printed"] == pytest.approx(entries / lambda_0)
    assert wide["derived_over_printed"] == pytest.approx(16 / lambda_0)
    shrunk = 0.25 / lambda_0 * np.sqrt(1024 / wide["width_printed"])
    assert wide["norm_over_at_printed"] == pytest.approx(shrunk)


def test_a_run_of_the_start_alone_has_no_training(x: np.ndarray) -> None:
    planted = records((64, 256), horizon=0.0)
    planted = planted[planted["step"] == 0]
    limit = limit_kernels(ERF, 0.5, x)
    training = tangent_kernels.along_training(planted, 0.1)
    assert training.empty
    expected = tangent_kernels.random_matrices(SETTINGS, x, limit, (64, 256))
    start = tangent_kernels.initial(planted, limit, expected, D)
    slopes = tangent_kernels.slopes(start, training, 2)
    assert "drift" not in set(slopes["quantity"])
