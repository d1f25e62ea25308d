"""CelebA: aligned faces against torchvision, from a zip and a folder, attributes and partition."""

import io
import os
import re
import shutil
import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vaentk.data import celeba
from vaentk.data.at_hand import fingerprint
from vaentk.data.celeba import Crop
from vaentk.errors import UserError

IDS = (2, 17, 162_770, 162_771, 202_599)
crops = pytest.mark.parametrize("crop", ["centre", "whole"])


def official(name: str) -> Path:
    """Find an official file, of which the images may be a part; skip without it."""
    cache = os.environ.get("VAENTK_TEST_CACHE") or os.environ.get("VAENTK_CACHE")
    if not cache or not (path := Path(cache, "celeba", name)).exists():
        pytest.skip(f"needs celeba/{name} in VAENTK_TEST_CACHE or VAENTK_CACHE")
    return path


def jpeg(seed: int, size: tuple[int, int] = (178, 218), mode: str = "RGB") -> bytes:
    """Smooth noise, so that every pixel and every filter matters."""
    noise = np.random.default_rng(seed).integers(0, 256, (28, 23, 3), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(noise).convert(mode).resize(size).save(content, "JPEG", quality=90)
    return content.getvalue()


PHOTOS = {f"{number:06d}.jpg": jpeg(number) for number in IDS}


def write_zip(path: Path, files: dict[str, bytes], under: str = "img_align_celeba/") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(under + name, content)
    return path


def write_folder(path: Path, files: dict[str, bytes]) -> Path:
    path.mkdir()
    for name, content in files.items():
        (path / name).write_bytes(content)
    return path


def read(path: Path, crop: Crop = "centre", threads: int = 1) -> NDArray[np.uint8]:
    with celeba.opened(path) as faces:
        return np.concatenate(list(faces.blocks(crop, threads)))


def torchvisions(photos: Iterable[Image.Image], crop: Crop) -> NDArray[np.uint8]:
    """What torchvision makes of images: its crop, its resizing and its order of axes."""
    transforms = pytest.importorskip("torchvision.transforms")
    steps = [transforms.Resize((64, 64)), transforms.PILToTensor()]
    if crop == "centre":
        steps.insert(0, transforms.CenterCrop(148))
    prepare = transforms.Compose(steps)
    return np.stack([prepare(photo).numpy() for photo in photos])


def failure(path: Path) -> str:
    """Return the one sentence with which reading the images fails."""
    with pytest.raises(UserError) as caught:
        read(path)
    return checked(str(caught.value), path)


def checked(sentence: str, path: Path) -> str:
    assert str(path) in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


# Images


@crops
def test_images_are_those_of_torchvision(tmp_path: Path, crop: Crop) -> None:
    images = read(write_zip(tmp_path / "a.zip", PHOTOS), crop)
    photos = [Image.open(io.BytesIO(content)) for content in PHOTOS.values()]
    np.testing.assert_array_equal(images, torchvisions(photos, crop), strict=True)


def test_the_crop_is_the_middle() -> None:
    """Red from 15 to 163 across and from 35 to 183 down, and only that, is left."""
    pixels = np.zeros((218, 178, 3), np.uint8)
    pixels[35:183, 15:163] = (255, 0, 0)
    pixels[:35] = pixels[183:] = (0, 255, 0)
    small = celeba.prepare(Image.fromarray(pixels), "centre")
    assert small.shape == (3, 64, 64)
    assert (small == np.array([255, 0, 0])[:, None, None]).all()
    assert celeba.prepare(Image.fromarray(pixels), "whole")[1].any()


@crops
def test_a_folder_and_a_zip_are_the_same(tmp_path: Path, crop: Crop) -> None:
    archive = write_zip(tmp_path / "a.zip", PHOTOS)
    folder = write_folder(tmp_path / "photos", PHOTOS)
    np.testing.assert_array_equal(read(archive, crop), read(folder, crop), strict=True)


def test_blocks_and_threads_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "a.zip", PHOTOS)
    expected = read(path)
    monkeypatch.setattr(celeba, "BLOCK", 2)
    for threads in (1, 2):
        with celeba.opened(path) as faces:
            blocks = list(faces.blocks("centre", threads))
        assert [len(block) for block in blocks] == [2, 2, 1]
        np.testing.assert_array_equal(np.concatenate(blocks), expected, strict=True)


def test_a_grey_photo_has_three_equal_channels(tmp_path: Path) -> None:
    images = read(write_zip(tmp_path / "a.zip", {"000001.jpg": jpeg(0, mode="L")}))
    assert images.shape == (1, 3, 64, 64)
    assert (images == images[:, :1]).all()


def test_official_photos_decode(monkeypatch: pytest.MonkeyPatch) -> None:
    path = official("img_align_celeba.zip")
    assert celeba.at_hand(path.parent) == path
    monkeypatch.setattr(celeba, "BLOCK", 50)
    with celeba.opened(path) as faces, zipfile.ZipFile(path) as archive:
        count = sum(name.endswith(".jpg") for name in archive.namelist())
        assert len(faces) == len(set(faces.ids.tolist())) == count
        images = next(faces.blocks("centre", 2))
        photos = [
            Image.open(archive.open(f"img_align_celeba/{number:06d}.jpg"))
            for number in faces.ids[:50]
        ]
        np.testing.assert_array_equal(images, torchvisions(photos, "centre"), strict=True)


# What is found


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_ids_are_the_official_numbers_ascending(tmp_path: Path, kind: str) -> None:
    files = {name: PHOTOS[name] for name in sorted(PHOTOS, reverse=True)}
    others = {"000000.jpg", "202600.jpg", "00001.jpg", "0000001.jpg", "000003.png", "readme.txt"}
    files |= dict.fromkeys(others, b"other")
    path = tmp_path / "a"
    path = write_zip(path, files) if kind == "zip" else write_folder(path, files)
    with celeba.opened(path) as faces:
        assert faces.where == path
        assert faces.ids.dtype == np.int64
        assert tuple(faces.ids) == IDS
        assert len(faces) == 5


def test_ids_order_images_across_folders_of_a_zip(tmp_path: Path) -> None:
    files = {"z/000001.jpg": jpeg(1), "a/000002.jpg": jpeg(2), "000003.jpg": jpeg(3)}
    path = write_zip(tmp_path / "a.zip", files, under="")
    with celeba.opened(path) as faces:
        assert faces.ids.tolist() == [1, 2, 3]
    photos = [Image.open(io.BytesIO(content)) for content in files.values()]
    np.testing.assert_array_equal(read(path), torchvisions(photos, "centre"))


def test_at_hand_prefers_the_zip(tmp_path: Path) -> None:
    sentence = (
        f"{tmp_path} holds neither img_align_celeba.zip nor a folder img_align_celeba: put one "
        "there, or set data.celeba: full to download it, or data.celeba: stand-in."
    )
    with pytest.raises(UserError, match=re.escape(sentence)):
        celeba.at_hand(tmp_path)
    folder = write_folder(tmp_path / "img_align_celeba", {})
    assert celeba.at_hand(tmp_path) == folder
    archive = write_zip(tmp_path / "img_align_celeba.zip", {})
    assert celeba.at_hand(tmp_path) == archive


# Images that are refused


@pytest.mark.parametrize("kind", ["zip", "folder"])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(PHOTOS["000017.jpg"][:3000], id="truncated"),
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>", id="page"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(60), id="png"),
    ],
)
def test_damaged_photo_is_one_sentence(tmp_path: Path, kind: str, content: bytes) -> None:
    files = {**PHOTOS, "000017.jpg": content}
    path = tmp_path / "a"
    path = write_zip(path, files) if kind == "zip" else write_folder(path, files)
    sentence = failure(path)
    assert f"000017.jpg in {path} is a damaged image (" in sentence
    assert sentence.endswith("): fetch the archive again.")


def test_other_format_is_a_damaged_photo(tmp_path: Path) -> None:
    content = io.BytesIO()
    Image.new("RGB", (178, 218)).save(content, "PNG")
    path = write_folder(tmp_path / "a", {"000001.jpg": content.getvalue()})
    assert f"000001.jpg in {path} is a damaged image (" in failure(path)


@pytest.mark.parametrize("size", [(178, 178), (218, 178), (64, 64)])
def test_photo_of_another_size(tmp_path: Path, size: tuple[int, int]) -> None:
    path = write_zip(tmp_path / "a.zip", {**PHOTOS, "000017.jpg": jpeg(0, size)})
    assert failure(path) == (
        f"img_align_celeba/000017.jpg in {path} has {size[0]}x{size[1]} pixels where 178x218 are "
        "expected: it is not an aligned CelebA image."
    )


def test_photo_that_announces_a_huge_size(tmp_path: Path) -> None:
    content = bytearray(PHOTOS["000017.jpg"])
    frame = content.index(b"\xff\xc0")  # marker, length, precision, then height and width
    content[frame + 5 : frame + 9] = struct.pack(">HH", 65_535, 65_535)
    path = write_folder(tmp_path / "a", {"000017.jpg": bytes(content)})
    assert f"000017.jpg in {path}" in failure(path)


def test_flipped_byte_of_the_zip_is_one_sentence(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", PHOTOS)
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    assert "cannot be unpacked at 'img_align_celeba/000002.jpg'" in failure(path)


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_other_images_at_hand_are_told_apart_whatever_their_dates(
    tmp_path: Path, kind: str
) -> None:
    write = write_zip if kind == "zip" else write_folder
    path = tmp_path / ("img_align_celeba.zip" if kind == "zip" else "img_align_celeba")
    assert fingerprint(tmp_path) == ""
    write(path, PHOTOS)
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    write(path, {**PHOTOS, "000003.jpg": jpeg(3)})
    for file in [path, *tmp_path.rglob("*.jpg")]:
        os.utime(file, (0, 0))  # an older date than everything made of the images before
    assert fingerprint(tmp_path) not in ("", before)


def test_too_few_images_of_a_part_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    write_zip(tmp_path / "img_align_celeba.zip", {f"{k:06d}.jpg": b"" for k in range(1, 200)})
    listed = tmp_path / "list_attr_celeba.txt"
    rows = "".join(f"{k:06d}.jpg 1\n" for k in range(1, 202_600))
    listed.write_text(f"202599\nSmiling\n{rows}")
    with pytest.raises(UserError, match=r"holds 0 validation images where 50 or more are needed"):
        celeba.images(
            name="celeba", source="partial", fetch=lambda *_: {listed.name: listed}, threads=1
        )


def test_no_images_at_all(tmp_path: Path) -> None:
    others = {"1.jpg": jpeg(0), "readme.txt": b"words"}
    paths = [write_folder(tmp_path / "a", others), write_zip(tmp_path / "b.zip", others)]
    for path in paths:
        assert failure(path) == (f"{path} holds no aligned CelebA images (000001.jpg and so on).")
    assert "absent.zip is missing" in failure(tmp_path / "absent.zip")


def test_other_file_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"<html>not found</html>")
    assert "cannot be unpacked" in failure(tmp_path / "a.zip")


# Attributes

LIST = """3
Bald Smiling Young 
000001.jpg -1  1  1
000002.jpg  1 -1 -1
000003.jpg -1 -1  1
"""  # noqa: W291 (the official file has this space)


def test_attributes_of_a_small_list(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(LIST)
    names, values = celeba.attributes(tmp_path / "list.txt")
    assert names == ("Bald", "Smiling", "Young")
    assert values.dtype == np.uint8
    assert values.tolist() == [[0, 1, 1], [1, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param("<html>not found</html>", id="page"),
        pytest.param("3\n", id="count-alone"),
        pytest.param(LIST[: LIST.index("000001")], id="no-rows"),
        pytest.param(LIST[: LIST.index("000003")], id="fewer-rows"),
        pytest.param(LIST[: LIST.rindex("-1  1")], id="half-a-row"),
        pytest.param(LIST + "000004.jpg -1 -1 -1\n", id="more-rows"),
        pytest.param(LIST.replace("Bald ", ""), id="fewer-names"),
        pytest.param(LIST.replace("Bald", "Bald Blurry"), id="more-names"),
        pytest.param(LIST.replace("000002", "000004"), id="other-image"),
        pytest.param(LIST.replace("000002.jpg  1", "000002.jpg  1  1"), id="more-values"),
        pytest.param(LIST.replace("000002.jpg  1", "000002.jpg  7"), id="other-value"),
        pytest.param(LIST.replace("000002.jpg  1", "000002.jpg  x"), id="word"),
        pytest.param(LIST.replace("Bald", "Bäld"), id="not-ascii"),
    ],
)
def test_damaged_list_is_one_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        celeba.attributes(path)
    assert checked(str(caught.value), path).endswith("fetch it again.")


def test_missing_list_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    with pytest.raises(UserError) as caught:
        celeba.attributes(path)
    assert str(caught.value) == f"{path} is missing: download it, or put it there."


def test_official_attributes() -> None:
    """All 202,599 x 40, as many positive ones as the text has, and the known share of smiles."""
    path = official("list_attr_celeba.txt")
    names, values = celeba.attributes(path)
    assert values.shape == (202_599, 40)
    assert len(set(names)) == 40
    assert (names[0], names[-1]) == ("5_o_Clock_Shadow", "Young")
    assert values.max() == 1
    assert values.sum(dtype=np.int64) == path.read_bytes().count(b" 1")
    assert values[:, names.index("Smiling")].mean() == pytest.approx(0.482, abs=5e-4)
    assert np.flatnonzero(values[0]).tolist() == [
        names.index(name)
        for name in (
            "Arched_Eyebrows",
            "Attractive",
            "Brown_Hair",
            "Heavy_Makeup",
            "High_Cheekbones",
            "Mouth_Slightly_Open",
            "No_Beard",
            "Pointy_Nose",
            "Smiling",
            "Straight_Hair",
            "Wearing_Earrings",
            "Wearing_Lipstick",
            "Young",
        )
    ]


# Partition


def test_parts_are_the_published_ranges() -> None:
    ids = np.array([1, 162_769, 162_770, 162_771, 182_637, 182_638, 202_599])
    parts = celeba.partition(ids)
    assert parts.dtype == np.uint8
    assert parts.tolist() == [0, 0, 0, 1, 1, 2, 2]
    counts = np.bincount(celeba.partition(np.arange(1, 202_600)))
    assert counts.tolist() == [162_770, 19_867, 19_962]
    assert counts.sum() == celeba.IMAGES


def test_parts_are_those_of_the_list() -> None:
    text = official("list_eval_partition.txt").read_text()
    rows = [row.split() for row in text.splitlines()]
    ids = np.array([int(name.removesuffix(".jpg")) for name, _ in rows])
    assert len(ids) == celeba.IMAGES
    np.testing.assert_array_equal(celeba.partition(ids), [int(part) for _, part in rows])
