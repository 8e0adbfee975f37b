"""Reports on tables: terminal text, one HTML page, Markdown, and figures.

`section` turns a filled table into texts and figures, which the terminal, the HTML page and Markdown lay out in their
own ways, the findings first.
matplotlib is imported when figures are drawn, not before.
"""

from ._html import write_figures as write_figures
from ._html import write_html as write_html
from ._markdown import write_markdown as write_markdown
from ._own_section import own_sections as own_sections
from ._protocol import family_gaps as family_gaps
from ._protocol import look_text as look_text
from ._protocol import plan_rules as plan_rules
from ._protocol import protocol as protocol
from ._protocol import seed_text as seed_text
from ._section import Finding as Finding
from ._section import Section as Section
from ._section import section as section
from ._sheets import Sheet as Sheet
from ._study_sheets import bin_sheets as bin_sheets
from ._study_sheets import preset_sheet as preset_sheet
from ._study_sheets import study_caption as study_caption
from ._table_figures import drawings as drawings
from ._terminal import print_claims as print_claims
from ._terminal import print_report as print_report

__all__ = [
    "Finding",
    "Section",
    "Sheet",
    "bin_sheets",
    "drawings",
    "family_gaps",
    "look_text",
    "own_sections",
    "plan_rules",
    "preset_sheet",
    "print_claims",
    "print_report",
    "protocol",
    "section",
    "seed_text",
    "study_caption",
    "write_figures",
    "write_html",
    "write_markdown",
]
