"""A figure as a page shows it."""

import re
from dataclasses import dataclass

from markupsafe import Markup

RESERVED = str.maketrans({"%": "%25", "#": "%23", "&": "%26", '"': "%22", "\n": " "})
"""What an address, or the attribute of a page that holds it, does not take as it is."""


@dataclass(frozen=True)
class Figure:
    """The text of an SVG file, and what it says to who does not see it."""

    svg: str
    alt: str

    @property
    def uri(self) -> Markup:
        """The figure as a data URI, which needs no second file; a third shorter than base64."""
        # Quotation marks of tags become single ones, which need no escape.
        text = re.sub(r"<[^>]*>", lambda tag: tag[0].replace('"', "'"), self.svg)
        return Markup(f"data:image/svg+xml,{text.strip().translate(RESERVED)}")

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in CSS pixels, where the SVG states them in points."""
        points = [
            re.search(rf'<svg[^>]*\b{name}="([\d.]+)pt"', self.svg) for name in ("width", "height")
        ]
        width, height = (point and round(float(point[1]) * 4 / 3) for point in points)
        return (width, height) if width and height else None
