"""A figure as a page shows it."""

import base64
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """The text of an SVG file, and what it says to who does not see it."""

    svg: str
    alt: str

    @property
    def uri(self) -> str:
        """The figure as a data URI, which needs no second file."""
        return f"data:image/svg+xml;base64,{base64.b64encode(self.svg.encode()).decode()}"

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in CSS pixels, where the SVG states them in points."""
        points = [
            re.search(rf'<svg[^>]*\b{name}="([\d.]+)pt"', self.svg) for name in ("width", "height")
        ]
        width, height = (point and round(float(point[1]) * 4 / 3) for point in points)
        return (width, height) if width and height else None

    @property
    def is_tall(self) -> bool:
        """Whether it stands better on an upright sheet of paper than on a lying one."""
        return self.size is not None and self.size[1] > self.size[0]
