"""Drawings: matplotlib figures with title and caption, as SVG and PNG in one style; heat maps; Markdown tables.

Reports and the figures of papers share this room, so that all drawings look alike and are readable on a phone. It
imports matplotlib, and is therefore imported only by what draws.
"""

from . import _backend as _backend  # first: it imports matplotlib
from ._drawing import COLOURS as COLOURS
from ._drawing import DASHES as DASHES
from ._drawing import FILLS as FILLS
from ._drawing import INK as INK
from ._drawing import MARKERS as MARKERS
from ._drawing import Drawing as Drawing
from ._drawing import Fill as Fill
from ._drawing import PlainNumbers as PlainNumbers
from ._drawing import canvas as canvas
from ._drawing import legend as legend
from ._drawing import legend_height as legend_height
from ._drawing import logarithmic as logarithmic
from ._drawing import panels as panels
from ._drawing import series as series
from ._drawing import style as style
from ._files import markdown_table as markdown_table
from ._files import significant as significant
from ._files import write_drawing as write_drawing
from ._files import write_text as write_text
from ._files import write_values as write_values
from ._heat import FEW as FEW
from ._heat import colour_scale as colour_scale
from ._heat import heat as heat
from ._render import file_png as file_png
from ._render import file_svg as file_svg
from ._render import inline_svg as inline_svg
from ._scatter import Points as Points
from ._scatter import predictions as predictions
from ._scatter import scatter as scatter

__all__ = [
    "COLOURS",
    "DASHES",
    "FEW",
    "FILLS",
    "INK",
    "MARKERS",
    "Drawing",
    "Fill",
    "PlainNumbers",
    "Points",
    "canvas",
    "colour_scale",
    "file_png",
    "file_svg",
    "heat",
    "inline_svg",
    "legend",
    "legend_height",
    "logarithmic",
    "markdown_table",
    "panels",
    "predictions",
    "scatter",
    "series",
    "significant",
    "style",
    "write_drawing",
    "write_text",
    "write_values",
]
