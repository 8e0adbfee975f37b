"""Figures of arXiv 1912.00120: what the ways of pruning keep, the spectrum of the Jacobian, and training curves.

One file per figure, with the drawings in `_draw_*` files beside them. `FIGURES` names them; the other names are their
parts: measurements, verdicts and drawings. Networks that need no training have 400 units at every scale, as the
paper's.
"""

from ... import Figure
from ._agreement import agreement
from ._agreement_measures import PAIRS as PAIRS
from ._agreement_measures import READINGS as READINGS
from ._chi import chi
from ._correlation import correlation as correlation
from ._curves import training_loss, training_perplexity
from ._initial import SHOWN as SHOWN
from ._initial import Initial as Initial
from ._initial import initial as initial
from ._jacobian import jacobians as jacobians
from ._kept import connections, maps
from ._score_masks import Score as Score
from ._score_masks import Untrained as Untrained
from ._score_masks import between_rows as between_rows
from ._score_masks import kept as kept
from ._score_masks import shared as shared
from ._score_masks import untrained as untrained
from ._sensitivity import noise as noise
from ._sensitivity import sensitivity as sensitivity
from ._spectra import initial_spectra, trained_spectra
from ._verdict import two_samples as two_samples

FIGURES: dict[str, Figure] = {
    "figure1": Figure(connections),
    "figure2": Figure(initial_spectra),
    "figure2-trained": Figure(trained_spectra, needs=("table2",)),
    "figure3": Figure(maps),
    "figure4": Figure(training_loss, needs=("figure4",)),
    "figure5": Figure(training_perplexity, needs=("table4",)),
    "chi": Figure(chi, needs=("chi",)),
    "agreement": Figure(agreement),
}

__all__ = [
    "FIGURES",
    "PAIRS",
    "READINGS",
    "SHOWN",
    "Initial",
    "Score",
    "Untrained",
    "between_rows",
    "correlation",
    "initial",
    "jacobians",
    "kept",
    "noise",
    "sensitivity",
    "shared",
    "two_samples",
    "untrained",
]
