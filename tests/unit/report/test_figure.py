"""A figure as a page holds it: pictures in it are WebP, and look the same."""

import base64
import re
from io import BytesIO
from urllib.parse import unquote

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vaentk.report.figure import Figure

SMOOTH = np.linspace(0, 255, 64 * 96 * 3).reshape(64, 96, 3).astype(np.uint8)
FEW = np.random.default_rng(0).choice(np.uint8([0, 90, 255]), (64, 96, 3))
CLEAR = np.dstack([FEW, np.where(FEW[..., 0] > 0, 255, 0).astype(np.uint8)])


def shown(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """The picture as it comes out of the page, and its bytes over those of the file."""
    written = BytesIO()
    Image.fromarray(picture).save(written, "PNG", optimize=True)
    png = base64.b64encode(written.getvalue()).decode()
    uri = Figure(f'<svg><image href="data:image/png;base64,{png}"/></svg>', "a picture").uri
    found = re.search(r"data:image/webp;base64,([^'\"]+)", unquote(uri))
    assert found
    webp = base64.b64decode(found[1])
    mode = "RGBA" if picture.shape[2] == 4 else "RGB"
    return np.asarray(Image.open(BytesIO(webp)).convert(mode)), len(webp) / len(written.getvalue())


@pytest.mark.parametrize("picture", [FEW, CLEAR])
def test_a_picture_of_few_colours_is_exact(picture: NDArray[np.uint8]) -> None:
    seen, _ = shown(picture)
    opaque = picture[..., -1] > 0 if picture.shape[2] == 4 else np.full(picture.shape[:2], True)
    np.testing.assert_array_equal(seen[opaque], picture[opaque])


def test_a_photograph_is_smaller_and_looks_the_same() -> None:
    noisy = np.clip(SMOOTH + np.random.default_rng(1).normal(0, 2, SMOOTH.shape), 0, 255)
    seen, size = shown(noisy.astype(np.uint8))
    assert np.abs(seen.astype(float) - noisy).mean() < 4, "of 255 levels"
    assert size < 0.3
