"""Archives: what is read exactly, and what is refused before it can do harm."""

import bz2
import contextlib
import gzip
import io
import os
import re
import stat
import struct
import tarfile
import threading
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vaentk.data.archives import Zip, members, named
from vaentk.errors import UserError

ALL = re.compile(".*")
LARGE = 1 << 20
NOISE = np.random.default_rng(0).bytes(30_000)
FILES = {"data/b.bin": NOISE, "data/a.txt": b"alpha", "data/empty": b"", "c.txt": b"gamma"}

Files = dict[str, bytes]
Writer = Callable[[Path, Files], Path]


def write_zip(path: Path, files: Files, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def add(archive: tarfile.TarFile, name: str, content: bytes = b"", **fields: object) -> None:
    header = tarfile.TarInfo(name)
    header.size = len(content)
    for field, value in fields.items():
        setattr(header, field, value)
    archive.addfile(header, io.BytesIO(content))


def write_tar(path: Path, files: Files) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            add(archive, name, content)
    return path


WRITERS: list[Writer] = [write_zip, write_tar]
writers = pytest.mark.parametrize("write", WRITERS, ids=["zip", "tar.gz"])


def read(
    path: Path, wanted: re.Pattern[str] = ALL, largest: int = LARGE, total: int = LARGE
) -> list[tuple[str, bytes]]:
    if path.is_file() and path.read_bytes().startswith((b"PK\x03\x04", b"PK\x05\x06")):
        with Zip(path, wanted, largest, total) as archive:
            return [(name, archive.read(name)) for name in archive.names]
    return list(members(path, wanted, largest, total))


def failure(path: Path, largest: int = LARGE, total: int = LARGE) -> str:
    """Return the one sentence with which reading fails."""
    with pytest.raises(UserError) as caught:
        read(path, ALL, largest, total)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    assert sentence.endswith("delete it and run again.")
    return sentence


# Reading


@writers
def test_every_byte_comes_back(tmp_path: Path, write: Writer) -> None:
    found = read(write(tmp_path / "archive", FILES))
    expected = list(FILES.items())
    assert found == (sorted(expected) if write is write_zip else expected)


@writers
def test_only_names_that_match_as_a_whole(tmp_path: Path, write: Writer) -> None:
    path = write(tmp_path / "archive", {**FILES, "more/data/a.txt": b"x", "data/a.txt.old": b"y"})
    assert read(path, re.compile(r"data/\w\.txt")) == [("data/a.txt", b"alpha")]
    assert read(path, re.compile("absent")) == []


@writers
def test_unwanted_files_may_be_larger(tmp_path: Path, write: Writer) -> None:
    path = write(tmp_path / "archive", FILES)
    assert read(path, re.compile(r"c\.txt"), 5, 5) == [("c.txt", b"gamma")]


@writers
def test_nothing_reaches_the_disk(tmp_path: Path, write: Writer) -> None:
    path = write(tmp_path / "archive", FILES)
    before = path.read_bytes()
    read(path)
    assert os.listdir(tmp_path) == ["archive"]
    assert path.read_bytes() == before


@writers
def test_files_of_macos_are_passed_over(tmp_path: Path, write: Writer) -> None:
    added = {"._c.txt": b"1", "data/._a.txt": b"2", "__MACOSX/data/._a.txt": b"3"}
    added |= {"__MACOSX/plain": b"4", "data/__MACOSX/plain": b"5"}
    path = write(tmp_path / "archive", {**added, **FILES})
    assert dict(read(path)) == FILES


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tar_formats_long_names_and_folders(tmp_path: Path, kind: int) -> None:
    long = "/".join(["d" * 60] * 3) + "/file"
    with tarfile.open(tmp_path / "a.tar", "w:gz", format=kind) as archive:
        add(archive, "./", type=tarfile.DIRTYPE)
        add(archive, "./folder/", type=tarfile.DIRTYPE)
        add(archive, "./folder/x", b"x")
        add(archive, long, b"long")
    assert read(tmp_path / "a.tar") == [("./folder/x", b"x"), (long, b"long")]


def test_zip_folders_and_unix_modes(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.mkdir("folder")
        for name, mode in [("folder/x", stat.S_IFREG | 0o644), ("y", 0o644)]:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, b"x")
    assert read(tmp_path / "a.zip") == [("folder/x", b"x"), ("y", b"x")]


def test_empty_archives_have_no_members(tmp_path: Path) -> None:
    for index, write in enumerate(WRITERS):
        assert read(write(tmp_path / str(index), {})) == []


def test_tar_gz_is_one_pass_with_little_memory(tmp_path: Path) -> None:
    files = {f"{index}.bin": bytes(LARGE) for index in range(16)}
    path = write_tar(tmp_path / "a.tar.gz", files)
    tracemalloc.start()
    count = sum(len(content) for _, content in members(path, ALL, LARGE, 16 * LARGE))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 16 * LARGE
    assert peak < 6 * LARGE


def test_named_files_come_in_their_order_and_none_is_missing(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", FILES)
    found = named(path, ["c.txt", "data/a.txt"], LARGE, LARGE)
    assert list(found.items()) == [("c.txt", b"gamma"), ("data/a.txt", b"alpha")]
    with pytest.raises(UserError, match=r"has no member 'c_txt': delete it and run again\.$"):
        named(path, ["c.txt", "c_txt"], LARGE, LARGE)


# Random access


def test_zip_gives_sorted_names_and_contents(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", FILES)
    with Zip(path, re.compile(r"data/.*"), LARGE, LARGE) as archive:
        assert archive.names == ["data/a.txt", "data/b.bin", "data/empty"]
        for name in reversed(archive.names):
            assert archive.read(name) == FILES[name]
        with pytest.raises(KeyError):
            archive.read("c.txt")


def test_zip_serves_several_threads(tmp_path: Path) -> None:
    files = {f"{index:02}": NOISE[index:] for index in range(20)}
    wrong: list[str] = []
    with Zip(write_zip(tmp_path / "a.zip", files), ALL, LARGE, LARGE) as archive:

        def work(seed: int) -> None:
            for index in np.random.default_rng(seed).permutation(20):
                name = archive.names[index]
                if archive.read(name) != files[name]:
                    wrong.append(name)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def test_refused_zip_is_closed(tmp_path: Path) -> None:
    """An open handle would be a ResourceWarning, which is an error here."""
    path = write_zip(tmp_path / "a.zip", {"../up": b""})
    with pytest.raises(UserError):
        Zip(path, ALL, LARGE, LARGE)


# What is refused among all members


@writers
@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "..",
        "../up",
        "a/../../up",
        "a/..",
        "C:/up",
        "c:up",
        "a\\b",
        "..\\up",
        "a\nb/..",
    ],
)
def test_names_that_leave_the_folder(tmp_path: Path, write: Writer, name: str) -> None:
    path = write(tmp_path / "archive", {"good": b"", name: b"x"})
    with pytest.raises(UserError) as caught:
        read(path, re.compile("good"))
    assert str(caught.value) == (
        f"{path} holds {name!r}, whose name leads out of its folder: delete it and run again."
    )


@writers
@pytest.mark.parametrize("name", ["a..b", "...", "a/..b", "ab:c", "ä/é", "._x/y", "with space"])
def test_unusual_names_that_stay(tmp_path: Path, write: Writer, name: str) -> None:
    found = read(write(tmp_path / "archive", {name: b"x"}))
    assert found == ([] if name.startswith("._") else [(name, b"x")])


def test_folders_that_leave_the_folder(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w:gz") as tar:
        add(tar, "../up", type=tarfile.DIRTYPE)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../up/", b"")
    for name in ("a.tar", "a.zip"):
        assert "whose name leads out of its folder" in failure(tmp_path / name)


def test_zip_name_with_a_hidden_end(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"good_hidden": b"x"})
    path.write_bytes(path.read_bytes().replace(b"good_hidden", b"good\0hidden"))
    assert r"holds 'good\x00hidden', whose name" in failure(path)


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.GNUTYPE_SPARSE,
        b"Z",
    ],
)
def test_tar_links_and_devices(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "a.tar", "w:gz") as archive:
        add(archive, "good", b"x")
        add(archive, "odd", type=kind, linkname="good")
    with pytest.raises(UserError) as caught:
        read(tmp_path / "a.tar", re.compile("good"))
    assert "holds 'odd', which is neither a plain file nor a folder: delete" in str(caught.value)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO])
@pytest.mark.parametrize("system", [0, 3])
def test_zip_links_and_devices(tmp_path: Path, kind: int, system: int) -> None:
    info = zipfile.ZipInfo("odd")
    info.create_system = system
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("good", b"x")
        archive.writestr(info, b"/etc/passwd")
    with pytest.raises(UserError) as caught:
        read(tmp_path / "a.zip", re.compile("good"))
    assert "holds 'odd', which is neither a plain file nor a folder: delete" in str(caught.value)


def central(path: Path, offset: int, form: str, value: int) -> Path:
    """Change a field of the first entry in a zip archive's directory, and of no other place."""
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, content.index(b"PK\x01\x02") + offset, value)
    path.write_bytes(content)
    return path


def test_encrypted_member(tmp_path: Path) -> None:
    path = central(write_zip(tmp_path / "a.zip", {"secret": b"x"}), 8, "<H", 1)
    assert "holds 'secret', which is encrypted: delete it" in failure(path)


def test_method_without_a_bound_on_memory(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"x": NOISE}, zipfile.ZIP_BZIP2)
    assert "holds 'x', which is neither stored nor deflated: delete it" in failure(path)


# Sizes


@writers
def test_sizes_up_to_the_limits_are_read(tmp_path: Path, write: Writer) -> None:
    path = write(tmp_path / "archive", {"a": bytes(100), "b": bytes(50)})
    assert len(read(path, ALL, 100, 150)) == 2
    assert failure(path, 99, 150) == (
        f"{path} holds 'a', which has 100 bytes where at most 99 are expected: "
        "delete it and run again."
    )
    assert failure(path, 100, 149) == (
        f"{path} holds 'b', with which its files have more than 149 bytes: delete it and run again."
    )


@writers
def test_a_bomb_is_not_unpacked(tmp_path: Path, write: Writer) -> None:
    path = write(tmp_path / "archive", {"bomb": bytes(64 * LARGE)})
    tracemalloc.start()
    assert "holds 'bomb', which has 67108864 bytes" in failure(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < LARGE


@pytest.mark.parametrize("announced", [0, 10, 999, 1001])
def test_zip_that_announces_another_size(tmp_path: Path, announced: int) -> None:
    path = write_zip(tmp_path / "a.zip", {"x": bytes(1000)})
    assert "cannot be unpacked at 'x' (" in failure(central(path, 24, "<I", announced))


def test_zip_bomb_that_announces_little_stays_small(tmp_path: Path) -> None:
    path = central(write_zip(tmp_path / "a.zip", {"x": bytes(64 * LARGE)}), 24, "<I", 10)
    tracemalloc.start()
    assert "cannot be unpacked at 'x' (" in failure(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < LARGE


def test_many_files_are_summed(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", {f"{index:03}": bytes(1000) for index in range(200)})
    assert "holds '150', with which its files have more than 150000 bytes" in failure(
        path, 1000, 150_000
    )


def test_tar_comment_that_is_a_bomb(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        add(archive, "x", b"x", pax_headers={"comment": "a" * 32 * LARGE})
    tracemalloc.start()
    assert "a header announces 335" in failure(tmp_path / "a.tar.gz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < LARGE


def test_tar_extension_without_length_is_not_the_end(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        add(archive, "x", b"x")
        add(archive, "y", b"y", pax_headers={"comment": "a"})
    content = gzip.decompress((tmp_path / "a.tar").read_bytes())
    content = content.replace(b"13 comment=", b"00 comment=")
    (tmp_path / "a.tar").write_bytes(gzip.compress(content))
    assert "cannot be unpacked (bad header of a member: " in failure(tmp_path / "a.tar")


def test_tar_extension_of_sparse_files_without_content(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
        add(archive, "x", b"no line", pax_headers=sparse)
    failure(tmp_path / "a.tar")


@pytest.mark.parametrize("size", [-512, 1 << 62])
@pytest.mark.parametrize("wanted", ["x", "other"])
def test_tar_that_announces_an_impossible_size(tmp_path: Path, size: int, wanted: str) -> None:
    """Passing over 2^62 bytes must end with the file."""
    header = tarfile.TarInfo("x")
    header.size = size
    content = header.tobuf(tarfile.GNU_FORMAT) + bytes(10240)
    (tmp_path / "a.tar").write_bytes(gzip.compress(content))
    with pytest.raises(UserError, match="delete it and run again"):
        read(tmp_path / "a.tar", re.compile(wanted))


# Damage


@writers
def test_truncation_is_never_a_shorter_archive(tmp_path: Path, write: Writer) -> None:
    whole = write(tmp_path / "whole", FILES).read_bytes()
    path = tmp_path / "part"
    for length in {*range(0, len(whole), 311), len(whole) - 1}:
        path.write_bytes(whole[:length])
        failure(path)
    path.write_bytes(whole)
    assert dict(read(path)) == FILES


def test_tar_without_its_end_is_never_a_shorter_archive(tmp_path: Path) -> None:
    """Though the file around it is whole; padding after the end mark may be lost."""
    whole = gzip.decompress(write_tar(tmp_path / "whole", FILES).read_bytes())
    needed = 512 * (4 + 59 + 1 + 1 + 1)
    path = tmp_path / "part"
    for length in {*range(0, needed, 311), *range(512, needed, 512), needed - 1}:
        path.write_bytes(gzip.compress(whole[:length]))
        failure(path)
    path.write_bytes(gzip.compress(whole[:needed]))
    assert dict(read(path)) == FILES


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]


def test_changed_content_fails_its_checksum(tmp_path: Path) -> None:
    stored = write_zip(tmp_path / "stored.zip", {"x": NOISE}, zipfile.ZIP_STORED)
    deflated = write_zip(tmp_path / "deflated.zip", {"x": b"word " * 5000})
    packed = write_tar(tmp_path / "a.tar.gz", {"x": NOISE})
    for path in (stored, deflated, packed):
        content = path.read_bytes()
        path.write_bytes(flipped(content, len(content) // 3))
        assert "cannot be unpacked" in failure(path)


def test_gzip_checksum_at_the_end_is_compared(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", FILES)
    content = path.read_bytes()
    path.write_bytes(flipped(content, len(content) - 6))
    assert "cannot be unpacked (CRC check failed" in failure(path)


def test_bad_header_in_the_middle_is_not_the_end(tmp_path: Path) -> None:
    content = gzip.decompress(write_tar(tmp_path / "a", {"a": b"1", "b": b"2"}).read_bytes())
    (tmp_path / "a.tar").write_bytes(gzip.compress(flipped(content, 1024 + 3)))
    assert "cannot be unpacked (bad header of a member: bad checksum)" in failure(
        tmp_path / "a.tar"
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        b"<!DOCTYPE html><html></html>",
        NOISE,
        gzip.compress(NOISE),
        gzip.compress(b""),
        bz2.compress(NOISE),
    ],
    ids=["empty", "two-bytes", "page", "noise", "gzip", "gzip-empty", "bzip2"],
)
def test_file_that_is_neither(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "archive.zip"
    path.write_bytes(content)
    assert failure(path).startswith(f"{path} cannot be unpacked (")


def test_zip_start_alone_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK\x03\x04" + NOISE)
    assert "cannot be unpacked (" in failure(path)


def test_missing_archive_and_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.zip is missing: download it and run again\.$"):
        read(tmp_path / "absent.zip")
    with pytest.raises(UserError, match="cannot be unpacked"):
        read(tmp_path)


@writers
@pytest.mark.parametrize("places", [1, 20])
def test_random_damage_is_always_one_sentence(tmp_path: Path, write: Writer, places: int) -> None:
    """What is not refused is unharmed, but for the contents of tar, which has no checksum."""
    whole = write(tmp_path / "whole", {"data/a.txt": b"alpha" * 50, "b": b"beta"}).read_bytes()
    path = tmp_path / "damaged"
    generator = np.random.default_rng(1)
    for _ in range(80):
        content = bytearray(whole)
        for place in generator.integers(0, len(whole), places):
            content[place] = generator.integers(256)
        path.write_bytes(content)
        with contextlib.suppress(UserError):
            found = read(path)
            if write is write_zip:
                assert set(dict(found).values()) <= {b"alpha" * 50, b"beta"}
