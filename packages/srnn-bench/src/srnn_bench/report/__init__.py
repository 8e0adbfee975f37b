"""TODO report."""

from ._curve_figures import curves as curves
from ._density_figures import against_density as against_density
from ._dot_figures import cells as cells
from ._dot_figures import step_times as step_times
from ._html import write_figures as write_figures
from ._html import write_html as write_html
from ._markdown import escape as escape
from ._markdown import write_markdown as write_markdown
from ._section import section as section
from ._table_figures import drawings as drawings
from ._terminal import figures as figures
from ._terminal import print_claims as print_claims
from ._terminal import print_report as print_report
from ._words import commands as commands
from ._words import counts as counts
from ._words import evidence as evidence
from ._words import ours as ours
from ._words import theirs as theirs

__all__ = [
    "against_density",
    "cells",
    "commands",
    "counts",
    "curves",
    "drawings",
    "escape",
    "evidence",
    "figures",
    "ours",
    "print_claims",
    "print_report",
    "section",
    "step_times",
    "theirs",
    "write_figures",
    "write_html",
    "write_markdown",
]
