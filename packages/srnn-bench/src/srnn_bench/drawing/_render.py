"""Drawings as inline SVG for a page, as SVG files, and as PNG; the same drawing gives the same bytes."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

from ._drawing import INK, Drawing, style

SVG = "{http://www.w3.org/2000/svg}"

LINK = "{http://www.w3.org/1999/xlink}href"


def inline_svg(drawing: Drawing) -> str:
    """Return the drawing as an SVG element that takes the text colour, font and width of its page."""
    root = _tree(drawing)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    for element in root.iter():
        css = element.get("style")
        if css is not None:
            element.set("style", re.sub(r"font-family:[^;]*;?\s*", "", css.replace(INK, "currentColor")))
        if LINK in element.attrib:
            element.set("href", element.attrib.pop(LINK))
        element.tag = element.tag.removeprefix(SVG)
    root.set("xmlns", SVG[1:-1])
    return ElementTree.tostring(root, encoding="unicode")


def file_svg(drawing: Drawing) -> str:
    """Return the drawing as the text of an SVG file, black on white."""
    root = _tree(drawing)
    root.set("style", "background: #ffffff")
    background = ElementTree.Element(f"{SVG}rect", {"width": "100%", "height": "100%", "style": "fill: #ffffff"})
    root.insert(1, background)  # after the title; many viewers ignore the background style
    text = ElementTree.tostring(root, encoding="unicode").replace(INK, "#000000")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def file_png(drawing: Drawing) -> bytes:
    """Return the drawing as the bytes of a PNG file, black on white."""
    file = io.BytesIO()
    with style():
        drawing.figure.savefig(file, format="png", dpi=200, facecolor="white", metadata={"Software": None})
    return file.getvalue()


def _tree(drawing: Drawing) -> ElementTree.Element:
    """Return the SVG of the drawing with a title, without metadata, and with unique identifiers."""
    file = io.StringIO()
    with style():
        drawing.figure.savefig(file, format="svg")
    for prefix, space in (("", SVG[1:-1]), ("xlink", LINK[1:-5])):
        ElementTree.register_namespace(prefix, space)
    root = ElementTree.fromstring(file.getvalue())
    for child in list(root):
        # metadata of matplotlib, and a style that would apply to the whole page
        if child.tag == f"{SVG}metadata" or child.find(f"{SVG}style") is not None:
            root.remove(child)
    used = set(re.findall(r"""(?:href="|url\()#([^")]+)""", file.getvalue()))
    for element in root.iter():
        for attribute in {"d", "x", "y", "transform"} & element.attrib.keys():  # two decimals are enough
            element.set(attribute, re.sub(r"(\.\d\d)\d+", r"\1", element.attrib[attribute]).replace(" \n", " "))
        name = element.attrib.pop("id", None)
        if name in used:
            element.set("id", f"{drawing.name}-{name}")
        for attribute in ("clip-path", LINK):
            if attribute in element.attrib:
                element.set(attribute, element.attrib[attribute].replace("#", f"#{drawing.name}-"))
    root.set("role", "img")
    root.set("aria-label", f"{drawing.title}. {drawing.caption}")
    root.set("stroke-linejoin", "round")
    title = ElementTree.Element(f"{SVG}title")
    title.text = drawing.title
    root.insert(0, title)
    return root
