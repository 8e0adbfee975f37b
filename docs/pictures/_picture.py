"""Write a picture as one SVG file for light and dark pages.

The file has its own background, because a page may have another theme than the browser that shows it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from srnn_bench.drawing import Drawing, inline_svg, style

HERE = Path(__file__).parent

WIDTH = 4.6  # inches; text of 9.5 points is readable on a phone

STYLE = (
    "svg{color:#1f2328;background:#fff;font-family:'DejaVu Sans',Verdana,Arial,sans-serif}"
    ".page{fill:#fff;stroke:none}image{image-rendering:pixelated}"
    "@media(prefers-color-scheme:dark){svg{color:#e6edf3;background:#0d1117}.page{fill:#0d1117}}"
)


def write(name: str, title: str, caption: str, figure: Figure, folder: Path) -> Path:
    """Write a figure, whose colours are those of `srnn_bench.drawing`, and return the path.

    `title` and `caption` are the text of the picture for readers who do not see it.
    """
    text = inline_svg(Drawing(name, title, caption, figure))
    width, height = (float(size) for size in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text).groups())
    size = f'width="{width * 4 / 3:.0f}" height="{height * 4 / 3:.0f}"'  # points to pixels
    text = text.replace("<svg ", f"<svg {size} ", 1)
    text = text.replace("</title>", f'</title><style>{STYLE}</style><rect class="page" width="100%" height="100%"/>', 1)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.svg"
    path.write_text(re.sub(r"\s*\n\s*", "\n", text) + "\n", encoding="utf-8")
    return path


def main(*pictures: Callable[[Path], Path]) -> None:
    """Write pictures to the folder that the command line names, or to this one."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    with style():
        for picture in pictures:
            print(picture(folder))
