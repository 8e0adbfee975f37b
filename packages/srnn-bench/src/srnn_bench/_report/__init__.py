"""The report: the paper's numbers beside ours, claims and figures; in the terminal, as HTML, Markdown and files.

`Summary -> section() -> Section` puts results into words once; `_terminal`, `_html` and `_markdown` lay them out.
`_figures` draws, `_drawing` makes the drawings SVG and PNG.
"""

from ._html import write_figures as write_figures
from ._html import write_html as write_html
from ._markdown import write_markdown as write_markdown
from ._terminal import print_report as print_report

__all__ = ["print_report", "write_figures", "write_html", "write_markdown"]
