"""Images of CelebA that somebody has put into the cache folder: no table has their checksum."""

import hashlib
from pathlib import Path

from vaentk.errors import UserError


def at_hand(folder: Path) -> Path:
    """Find the aligned images in a folder: the zip, else the folder that it unpacks to."""
    for path in (folder / "img_align_celeba.zip", folder / "img_align_celeba"):
        if path.exists():
            return path
    raise UserError(
        f"{folder} holds neither img_align_celeba.zip nor a folder img_align_celeba: put one "
        "there, or set data.celeba: full to download it, or data.celeba: stand-in."
    )


def fingerprint(folder: Path) -> str:
    """Tell the aligned images in a folder from others: a digest of names, sizes and times.

    Of images that are not there it is empty; whoever reads them says so.
    """
    try:
        where = at_hand(folder)
    except UserError:
        return ""
    found = hashlib.sha256()
    for path in sorted(where.iterdir()) if where.is_dir() else [where]:
        about = path.stat()
        found.update(f"{path.name} {about.st_size} {about.st_mtime_ns}\n".encode())
    return found.hexdigest()
