"""Cars3D: the original archive and the prepared file, one against the other and each by itself."""

import io
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

from vaentk.data import cars3d
from vaentk.data.grid import Grid
from vaentk.errors import UserError

Views = NDArray[np.uint8]
OFFICIAL = cars3d.GRID
LIST = "cars/list.txt"


@pytest.fixture(autouse=True)
def two_cars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cars3d, "GRID", Grid(OFFICIAL.names, (4, 24, 2)))


def flat_views(car: int) -> Views:
    """Views of one colour each, which numbers elevation, azimuth and car."""
    elevation, azimuth = np.meshgrid(np.arange(4), np.arange(24))
    number = (96 * car + 24 * elevation + azimuth).astype(np.uint8)
    colour = np.stack([number, 255 - number, np.full_like(number, 7)])
    return np.broadcast_to(colour, (128, 128, 3, 24, 4)).copy()


def noisy_views() -> Views:
    return np.random.default_rng(0).integers(0, 256, (128, 128, 3, 24, 4), dtype=np.uint8)


def matlab(**arrays: NDArray[Any]) -> bytes:
    content = io.BytesIO()
    savemat(content, arrays)
    return content.getvalue()


CARS = {f"cars/car_{number:03d}_mesh.mat": number for number in (1, 2)}


def files() -> dict[str, bytes]:
    """Two cars, listed not in the order of their names."""
    made = {LIST: b"car_002_mesh\ncar_001_mesh\n"}
    return made | {name: matlab(im=flat_views(number - 1)) for name, number in CARS.items()}


def pack(path: Path, contents: dict[str, bytes], order: Iterable[str] = ()) -> Path:
    """Write an archive like the original, which has other folders too."""
    others = {"data/": None, "data/cars/readme.txt": b"words", "data/sprites/list.txt": b"sprites"}
    named = {f"data/{name}": contents[name] for name in (order or contents)}
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in (others | named).items():
            header = tarfile.TarInfo(name.rstrip("/"))
            header.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            header.size = len(content or b"")
            archive.addfile(header, io.BytesIO(content or b""))
    return path


def checked(sentence: str, where: object) -> str:
    assert str(where) in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def failure(path: Path) -> str:
    """Return the one sentence with which reading an archive fails."""
    with pytest.raises(UserError) as caught:
        cars3d.archive(path)
    return checked(str(caught.value), path)


# The original archive


def test_the_grid_is_the_published_one() -> None:
    assert OFFICIAL.names == ("elevation", "azimuth", "object")
    assert OFFICIAL.sizes == (4, 24, 183)
    assert len(OFFICIAL) == 17_568


@pytest.mark.parametrize("first", ["list", "cars"])
def test_cars_come_by_elevation_azimuth_and_the_list(tmp_path: Path, first: str) -> None:
    contents = files()
    order = sorted(contents, key=lambda name: (name == LIST) != (first == "list"))
    images = cars3d.archive(pack(tmp_path / "a.tar.gz", contents, order))
    assert images.shape == (192, 3, 64, 64)
    assert images.dtype == np.uint8
    grid = Grid(OFFICIAL.names, (4, 24, 2))
    for index, (elevation, azimuth, place) in enumerate(grid.values(np.arange(192)).tolist()):
        number = 96 * (1 - place) + 24 * elevation + azimuth
        expected = np.array([number, 255 - number, 7])[:, None, None]
        assert (images[index] == expected).all()


def test_images_are_halved_by_pillow() -> None:
    views = noisy_views()
    images = cars3d.mesh(matlab(im=views), "a.mat")
    assert images.shape == (4, 24, 3, 64, 64)
    assert images.dtype == np.uint8
    for elevation, azimuth in ((0, 0), (0, 23), (3, 0), (2, 11)):
        view = Image.fromarray(views[..., azimuth, elevation].copy())
        halved = np.asarray(view.resize((64, 64), Image.Resampling.BILINEAR))
        np.testing.assert_array_equal(images[elevation, azimuth], halved.transpose(2, 0, 1))


def test_halving_agrees_with_torch() -> None:
    """torch's bilinear filter with antialiasing, in double precision, to the last rounding."""
    views = noisy_views()
    images = cars3d.mesh(matlab(im=views), "a.mat")[1, 5]
    view = torch.from_numpy(views[..., 5, 1].transpose(2, 0, 1).copy())[None].double()
    theirs = torch.nn.functional.interpolate(view, size=64, mode="bilinear", antialias=True)[0]
    np.testing.assert_allclose(images, theirs.numpy(), atol=1.01)
    assert np.abs(images - theirs.numpy()).mean() < 0.3


def test_missing_car_is_one_sentence(tmp_path: Path) -> None:
    contents = files()
    del contents["cars/car_002_mesh.mat"]
    path = pack(tmp_path / "a.tar.gz", contents)
    assert failure(path) == (
        f"{path} holds 1 cars and a list of 2, where 2 are expected: delete it and run again."
    )


@pytest.mark.parametrize("listed", [None, b"car_001_mesh\n", b"car_001_mesh car_002_mesh " * 2])
def test_other_list_is_one_sentence(tmp_path: Path, listed: bytes | None) -> None:
    contents = files()
    del contents[LIST]
    if listed is not None:
        contents[LIST] = listed
    count = 0 if listed is None else len(listed.split())
    sentence = failure(pack(tmp_path / "a.tar.gz", contents))
    assert f"holds 2 cars and a list of {count}, where 2 are expected: delete it" in sentence


def test_missing_and_damaged_archives(tmp_path: Path) -> None:
    assert "absent.tar.gz is missing" in failure(tmp_path / "absent.tar.gz")
    path = pack(tmp_path / "a.tar.gz", files())
    path.write_bytes(path.read_bytes()[:-20])
    assert "cannot be unpacked" in failure(path)
    path.write_bytes(b"<html>not found</html>")
    assert "delete it and run again" in failure(path)


def test_damaged_car_in_an_archive_is_named(tmp_path: Path) -> None:
    contents = files()
    contents["cars/car_002_mesh.mat"] = b"words"
    path = pack(tmp_path / "a.tar.gz", contents)
    assert failure(path) == (
        f"data/cars/car_002_mesh.mat in {path} is no readable MATLAB file: fetch it again."
    )


WHOLE = matlab(im=flat_views(0))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "is no readable MATLAB file", id="empty"),
        pytest.param(b"<html>not found</html>", "is no readable MATLAB file", id="page"),
        pytest.param(WHOLE[:4000], "is no readable MATLAB file", id="truncated"),
        pytest.param(matlab(other=flat_views(0)), "is no readable MATLAB file", id="no-im"),
        pytest.param(
            matlab(im=np.zeros((128, 128, 3, 24, 3), np.uint8)),
            "holds images of shape (128, 128, 3, 24, 3)",
            id="shape",
        ),
        pytest.param(matlab(im=flat_views(0).astype(np.int16)), "holds images of", id="type"),
    ],
)
def test_other_mesh_is_one_sentence(content: bytes, words: str) -> None:
    with pytest.raises(UserError) as caught:
        cars3d.mesh(content, "car.mat")
    sentence = checked(str(caught.value), "car.mat")
    assert words in sentence
    assert sentence.endswith("fetch it again.")


# The prepared file


def test_prepared_images_are_those_of_numpy(tmp_path: Path) -> None:
    path = tmp_path / "cars.npz"
    saved = np.random.default_rng(0).integers(0, 256, (192, 64, 64, 3), dtype=np.uint8)
    np.savez_compressed(path, images=saved)
    images = cars3d.prepared(path)
    assert images.shape == (192, 3, 64, 64)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, np.load(path)["images"].transpose(0, 3, 1, 2))


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((191, 64, 64, 3), np.uint8),
        np.zeros((192, 3, 64, 64), np.uint8),
        np.zeros((192, 64, 64, 3), np.int8),
    ],
)
def test_other_prepared_file_is_one_sentence(tmp_path: Path, array: NDArray[Any]) -> None:
    path = tmp_path / "cars.npz"
    np.savez_compressed(path, images=array)
    with pytest.raises(UserError) as caught:
        cars3d.prepared(path)
    assert str(caught.value) == (
        f"{path} holds images of shape {array.shape} where (192, 64, 64, 3) is expected: "
        "it is not the prepared file of Cars3D."
    )


def test_missing_and_damaged_prepared_files(tmp_path: Path) -> None:
    path = tmp_path / "cars.npz"
    with pytest.raises(UserError, match=r"cars\.npz is missing: put it there, or download it\."):
        cars3d.prepared(path)
    np.savez(path, imgs=np.zeros(3))
    with pytest.raises(UserError, match=r"cars\.npz lacks the array images"):
        cars3d.prepared(path)
    np.savez_compressed(path, images=np.zeros((192, 64, 64, 3), np.uint8))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match=r"cars\.npz cannot be read as an npz file"):
        cars3d.prepared(path)


# The official files


def test_official_cars_are_those_of_the_prepared_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every original file at hand gives the bytes of the prepared one, at its place in the list."""
    cache = os.environ.get("VAENTK_TEST_CACHE") or os.environ.get("VAENTK_CACHE")
    folder = Path(cache, "cars3d") if cache else Path("absent")
    meshes = sorted(folder.glob("car_*_mesh.mat"))
    if not (meshes and (folder / "list.txt").exists() and (folder / "cars3d_x64.npz").exists()):
        pytest.skip(
            "needs car_*_mesh.mat, list.txt and cars3d_x64.npz of cars3d/ in VAENTK_TEST_CACHE or "
            "VAENTK_CACHE"
        )
    monkeypatch.undo()
    images = cars3d.prepared(folder / "cars3d_x64.npz").reshape(4, 24, 183, 3, 64, 64)
    listed = (folder / "list.txt").read_text().split()
    assert len(listed) == 183
    for path in meshes:
        car = cars3d.mesh(path.read_bytes(), str(path))
        np.testing.assert_array_equal(car, images[:, :, listed.index(path.stem)], strict=True)
