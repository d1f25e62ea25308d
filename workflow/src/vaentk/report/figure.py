"""A figure as a page shows it."""

import base64
import re
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from markupsafe import Markup
from PIL import Image

RESERVED = str.maketrans({"%": "%25", "#": "%23", "&": "%26", '"': "%22", "\n": " "})
"""What an address, or the attribute of a page that holds it, does not take as it is."""


PICTURE: Final = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")
COLOURS: Final = 256
"""With no more a picture is drawn, not photographed, and kept as it is."""
QUALITY: Final = 90


@dataclass(frozen=True)
class Figure:
    """The text of an SVG file, and what it says to who does not see it."""

    svg: str
    alt: str

    @property
    def uri(self) -> Markup:
        """The figure as a data URI, which needs no second file; a third shorter than base64.

        Pictures in it are WebP, which browsers show and which takes a quarter of PNG's bytes.
        """
        text = PICTURE.sub(_webp, self.svg)
        # Quotation marks of tags become single ones, which need no escape.
        text = re.sub(r"<[^>]*>", lambda tag: tag[0].replace('"', "'"), text)
        return Markup(f"data:image/svg+xml,{text.strip().translate(RESERVED)}")

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in CSS pixels, where the SVG states them in points."""
        points = [
            re.search(rf'<svg[^>]*\b{name}="([\d.]+)pt"', self.svg) for name in ("width", "height")
        ]
        width, height = (point and round(float(point[1]) * 4 / 3) for point in points)
        return (width, height) if width and height else None


def _webp(png: re.Match[str]) -> str:
    """Write a picture as WebP: exactly where it has few colours, else without a visible loss."""
    picture: Image.Image = Image.open(BytesIO(base64.b64decode(png[1])))
    transparent = picture.has_transparency_data
    picture = picture.convert("RGBA" if transparent else "RGB")
    exact = picture.getcolors(COLOURS) is not None
    written = BytesIO()
    picture.save(written, "WEBP", lossless=exact, quality=100 if exact else QUALITY, method=6)
    return f"data:image/webp;base64,{base64.b64encode(written.getvalue()).decode()}"
