"""Data: drawing dSprites, batches by factors, and the memory that preparing archives takes."""

import io as streams
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy.io import savemat
from timing import Line, line, side_by_side
from torch.utils.data import DataLoader, Dataset

from vaentk.data import cars3d, celeba
from vaentk.data.dsprites import drawing
from vaentk.data.facts import Facts
from vaentk.data.grid import Grid
from vaentk.data.image_set import ImageSet
from vaentk.runtime import io

BATCH = 64
BATCHES = 100  # in one repetition
FACES = 20_000  # images in the archive; memory does not grow with them


class Npz(Dataset[torch.Tensor]):
    """What a user writes: the published file's images in memory, one by one."""

    def __init__(self, path: Path) -> None:
        self.images = np.load(path)["imgs"]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.from_numpy(self.images[index])[None]


def data() -> list[Line]:
    with tempfile.TemporaryDirectory() as folder:
        return [*_drawing(), *_batches(Path(folder)), *_memory(Path(folder))]


def _drawing() -> list[Line]:
    start = time.perf_counter()
    total = sum(len(block) for block in drawing.draw_all())
    spent = time.perf_counter() - start
    return [line(f"drawing dSprites, {total:,} images", "3 minutes", spent, 180.0, "s", 1)]


def _batches(folder: Path) -> list[Line]:
    """A random batch by factors from the packed file, against a DataLoader.

    Both read the first half of the squares: a batch costs the same with all images.
    """
    grid = Grid(drawing.GRID.names[1:], (3, *drawing.GRID.sizes[2:]))
    packed = drawing.draw(np.arange(len(grid)))
    np.savez(folder / "part.npz", imgs=drawing.unpack(packed))
    path = folder / "part.safetensors"
    factors = tuple(zip(grid.names, grid.sizes, strict=True))
    facts = Facts("dsprites", "dsprites", "drawn", "drawn", (1, 64, 64), len(grid), factors)
    io.write_blocks([packed], packed.shape, path, {}, facts.text())
    images = ImageSet.of(io.map_tensors(path), facts.text())
    generator = np.random.default_rng(0)

    wanted = [torch.from_numpy(grid.indices(grid.sample(BATCH, generator))) for _ in range(BATCHES)]

    def read() -> None:
        for numbers in wanted:
            images.images(numbers)

    loader = DataLoader(Npz(folder / "part.npz"), BATCH, shuffle=True, num_workers=2)
    loading = _endless(loader)

    def loaded() -> None:
        for _ in range(BATCHES):
            next(loading)

    ours, theirs = (seconds / BATCHES for seconds in side_by_side(read, loaded))
    against = "DataLoader, npz in memory, 2 workers"
    return [line(f"batch of {BATCH} by factors, from the file", against, ours, theirs, "s", 20)]


def _endless(loader: DataLoader[torch.Tensor]) -> Iterator[torch.Tensor]:
    while True:
        yield from loader


def _memory(folder: Path) -> list[Line]:
    """Peak memory of preparing archives as large as the real ones, each in its own process."""
    _car_archive(folder / "cars.tar.gz")
    _face_archive(folder / "faces.zip")
    lines = []
    for kind, count, name in (
        ("cars", len(cars3d.GRID), "cars.tar.gz"),
        ("faces", FACES, "faces.zip"),
    ):
        command = [sys.executable, __file__, kind, str(folder / name)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        what = f"memory: preparing {count:,} {kind}"
        lines.append(line(what, "2 GB", float(done.stdout), 2.0, "GB", 1))
    return lines


def _car_archive(path: Path) -> None:
    """An archive of 183 cars like the original, of noise, which packs worst."""
    generator = np.random.default_rng(0)
    names = [f"car_{number:03d}_mesh" for number in range(1, 184)]
    noise = generator.integers(256, size=(128, 128, 3, 24, 4), dtype=np.uint8)
    stream = streams.BytesIO()
    savemat(stream, {"im": noise}, do_compression=True)
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in [
            ("list.txt", "\n".join(names).encode()),
            *((f"{name}.mat", stream.getvalue()) for name in names),
        ]:
            header = tarfile.TarInfo(f"data/cars/{name}")
            header.size = len(content)
            archive.addfile(header, streams.BytesIO(content))


def _face_archive(path: Path) -> None:
    picture, stream = Image.effect_noise(celeba.SIZE, 40).convert("RGB"), streams.BytesIO()
    picture.save(stream, "JPEG")
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(1, FACES + 1):
            archive.writestr(f"img_align_celeba/{number:06d}.jpg", stream.getvalue())


def _prepare(kind: str, path: Path) -> None:
    """Prepare an archive as the rule does and print the peak in GB."""
    out = path.with_suffix(".safetensors")
    if kind == "cars":
        images = cars3d.archive(path)
        io.write_blocks([images], images.shape, out, {})
    else:
        with celeba.opened(path) as faces:
            io.write_blocks(faces.blocks("centre"), (len(faces), 3, 64, 64), out, {})
    # Not getrusage: its peak is inherited from the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    print(int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024 / 1e9)


if __name__ == "__main__":
    _prepare(sys.argv[1], Path(sys.argv[2]))
