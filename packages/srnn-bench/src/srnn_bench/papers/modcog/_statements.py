"""What arXiv 2207.03523 says, as claims over cells; which rows there are depends on the scale."""

from __future__ import annotations

from collections.abc import Sequence

from ...tables import Claim, Contrast, beats, matches
from ._columns import DECISION, STEPS

MARGIN = 0.02  # of the decision accuracy: what "as good", "about as" and "similar" are read as; ours

HALF = 0.5


def faster(name: str, statement: str, source: str, rows: Sequence[str], over: str) -> Claim:
    """Say that networks reach the threshold in fewer steps than another."""
    return Claim(name, statement, source, tuple(beats((row, STEPS), over=(over, STEPS)) for row in rows))


def better(name: str, statement: str, source: str, rows: Sequence[str], over: Sequence[str]) -> Claim:
    """Say that each of the networks is more accurate than each of the others."""
    return Claim(
        name, statement, source, tuple(beats((row, DECISION), over=(other, DECISION)) for row in rows for other in over)
    )


def as_good(name: str, statement: str, source: str, pairs: Sequence[tuple[str, str]]) -> Claim:
    """Say that the first network of each pair is at most `MARGIN` less accurate than the second."""
    contrasts = tuple(Contrast(((row, DECISION, 1.0), (other, DECISION, -1.0)), margin=MARGIN) for row, other in pairs)
    return Claim(name, f"{statement}; read as: at most {MARGIN:g} less.", source, contrasts)


def alike(name: str, statement: str, source: str, row: str, other: str) -> Claim:
    """Say that two networks are within `MARGIN` of each other."""
    contrasts = matches((row, DECISION), (other, DECISION), margin=MARGIN)
    return Claim(name, f"{statement}; read as: within {MARGIN:g}.", source, contrasts)


def below_half(name: str, statement: str, source: str, rows: Sequence[str]) -> Claim:
    """Say that each of the networks stays below one half of the answers."""
    return Claim(name, statement, source, tuple(Contrast(((row, DECISION, -1.0),), bound=-HALF) for row in rows))


def above_half(name: str, statement: str, source: str, rows: Sequence[str]) -> Claim:
    """Say that each of the networks gives more than one half of the answers."""
    return Claim(name, statement, source, tuple(Contrast(((row, DECISION, 1.0),), bound=HALF) for row in rows))
