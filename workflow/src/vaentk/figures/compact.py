"""The SVG that matplotlib writes in about half as many bytes; it looks the same."""

import base64
import re
import xml.etree.ElementTree as ET
from collections import Counter
from io import BytesIO
from typing import Final

from PIL import Image

DECIMALS: Final = 2
"""Of a position, in points: a hundredth is a tenth of what a screen shows."""

PLACED: Final = ("d", "x", "y", "transform")
"""Attributes that hold positions."""

CURVE: Final = "curve-"
STRIPS: Final = "strips-"
"""What the names of curves, and of pictures of strips, begin with: the page finds them by these."""

SVG: Final = "http://www.w3.org/2000/svg"
HREF: Final = "{http://www.w3.org/1999/xlink}href"
SPACES: Final = {
    "": SVG,
    "xlink": "http://www.w3.org/1999/xlink",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "cc": "http://creativecommons.org/ns#",
}

PNG: Final = "data:image/png;base64,"
COLOURS: Final = 256
"""As many a palette has at most."""

LONG: Final = re.compile(rf"-?\d+\.\d{{{DECIMALS + 1},}}")
MOVED: Final = re.compile(r"translate\([^)]*\)")
SHIFTED: Final = re.compile(r"translate\((\S+) (\S+)\)")
NAMED: Final = re.compile(r"(?<=url\(#)[^)]+|(?<=^#).+")


def compact(svg: str) -> str:
    """Round positions, name what is used again briefly, leave out what says nothing.

    Parameters
    ----------
    svg
        A drawing of matplotlib's, whose curves are groups with a name that begins with `CURVE`.

    Returns
    -------
    str
        The same drawing; equal input gives equal bytes.
    """
    for prefix, space in SPACES.items():
        ET.register_namespace(prefix, space)
    root = ET.fromstring(svg)
    for element in root.iter():
        for key in PLACED:
            if key in element.attrib:
                element.set(key, _placed(key, element.attrib[key]))
        if HREF in element.attrib:
            _refer(element)
        element.text, element.tail = _without_indent(element.text), None
    _name_briefly(root)
    _unwrap(root)
    _style_once(root)
    return f"{ET.tostring(root, encoding='unicode').replace(' />', '/>')}\n"


def _without_indent(text: str | None) -> str | None:
    return text if text and text.strip() else None


def _placed(key: str, value: str) -> str:
    if key == "transform":
        return MOVED.sub(lambda found: LONG.sub(_rounded, found[0]), value)
    return LONG.sub(_rounded, " ".join(value.split()))


def _refer(element: ET.Element) -> None:
    """Write a reference as SVG 2 does; where it shifts a glyph, by two numbers; a picture small."""
    target = element.attrib.pop(HREF)
    element.set("href", _smaller(target) if target.startswith(PNG) else target)
    moved = SHIFTED.fullmatch(element.get("transform", ""))
    if moved and not {"x", "y"} & set(element.attrib):
        del element.attrib["transform"]
        for key, value in zip("xy", moved.groups(), strict=True):
            if float(value):
                element.set(key, value)


def _smaller(png: str) -> str:
    """Write an opaque picture without its fourth channel, of few colours with a palette."""
    picture: Image.Image = Image.open(BytesIO(base64.b64decode(png.removeprefix(PNG))))
    if picture.mode != "RGBA" or picture.getchannel("A").getextrema() != (255, 255):
        return png
    picture = picture.convert("RGB")
    colours = picture.getcolors(COLOURS)
    if colours:
        picture = picture.quantize(len(colours), dither=Image.Dither.NONE)
    written = BytesIO()
    picture.save(written, "PNG", optimize=True)
    return f"{PNG}{base64.b64encode(written.getvalue()).decode()}"


def _rounded(found: re.Match[str]) -> str:
    return f"{float(found[0]):.{DECIMALS}f}".rstrip("0").rstrip(".")


def _name_briefly(root: ET.Element) -> None:
    """Rename what others refer to; take other names away, but those of curves and of strips."""
    uses = {
        name
        for element in root.iter()
        for value in element.attrib.values()
        for name in NAMED.findall(value)
    }
    brief = {name: f"n{place}" for place, name in enumerate(sorted(uses))}
    for element in root.iter():
        name = element.get("id")
        if name in brief:
            element.set("id", brief[name])
        elif name and not name.startswith((CURVE, STRIPS)):
            del element.attrib["id"]
        for key, value in element.attrib.items():
            element.set(key, NAMED.sub(lambda found: brief[found[0]], value))


def _unwrap(parent: ET.Element) -> None:
    """Put the children of groups that say nothing in the groups' place."""
    for child in list(parent):
        _unwrap(child)
        if child.tag == f"{{{SVG}}}g" and not child.attrib:
            place = list(parent).index(child)
            parent[place : place + 1] = list(child)


def _style_once(root: ET.Element) -> None:
    """Move styles that occur again into one sheet."""
    counted = Counter(e.attrib["style"] for e in root.iter() if "style" in e.attrib)
    names = {style: f"s{place}" for place, (style, n) in enumerate(counted.items()) if n > 1}
    for element in root.iter():
        if name := names.get(element.get("style", "")):
            del element.attrib["style"]
            element.set("class", name)
    for group in root.iter(f"{{{SVG}}}g"):
        _style_together(group)
    sheet = ET.Element(f"{{{SVG}}}style")
    sheet.text = "".join(f".{name}{{{style}}}" for style, name in names.items())
    root.insert(0, sheet)


def _style_together(group: ET.Element) -> None:
    """Give a group the style that all its marks have: matplotlib's are fill and stroke alone."""
    marks = [child for child in group if child.tag == f"{{{SVG}}}use"]
    names = {mark.get("class") for mark in marks}
    if len(marks) < 2 or len(names) > 1 or None in names or "class" in group.attrib:
        return
    if len(marks) + len(group.findall(f"{{{SVG}}}defs")) == len(group):
        group.set("class", names.pop() or "")
        for mark in marks:
            del mark.attrib["class"]
