"""dSprites: all 737,280 images drawn from their geometry, or read from the published file.

``python -m vaentk.data.dsprites compare FILE.npz`` compares the two.
"""

from vaentk.data.dsprites.drawing import GRID, draw, draw_all, pack, unpack
from vaentk.data.dsprites.published import PUBLISHED_ON, Comparison, agreement, compare, read

__all__ = [
    "GRID",
    "PUBLISHED_ON",
    "Comparison",
    "agreement",
    "compare",
    "draw",
    "draw_all",
    "pack",
    "read",
    "unpack",
]
