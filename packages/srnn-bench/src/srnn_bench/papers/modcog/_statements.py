"""Builders of the claims of arXiv 2207.03523 over cells; the rows depend on the scale."""

from __future__ import annotations

from collections.abc import Sequence

from ...tables import Claim, Contrast, beats, matches
from ._columns import DECISION, MARGIN, STEPS

HALF = 0.5


def faster(name: str, statement: str, source: str, rows: Sequence[str], over: str) -> Claim:
    """Claim that each network reaches the threshold in fewer steps than another."""
    return Claim(name, statement, source, tuple(beats((row, STEPS), over=(over, STEPS)) for row in rows))


def better(name: str, statement: str, source: str, rows: Sequence[str], over: Sequence[str]) -> Claim:
    """Claim that each network is more accurate than each of the others."""
    return Claim(
        name, statement, source, tuple(beats((row, DECISION), over=(other, DECISION)) for row in rows for other in over)
    )


def as_good(name: str, statement: str, source: str, pairs: Sequence[tuple[str, str]]) -> Claim:
    """Claim that the first network of each pair is at most `MARGIN` less accurate than the second."""
    contrasts = tuple(Contrast(((row, DECISION, 1.0), (other, DECISION, -1.0)), margin=MARGIN) for row, other in pairs)
    return Claim(name, f"{statement}; read as: at most {MARGIN:g} less.", source, contrasts)


def alike(name: str, statement: str, source: str, row: str, other: str) -> Claim:
    """Claim that two networks are within `MARGIN` of each other."""
    contrasts = matches((row, DECISION), (other, DECISION), margin=MARGIN)
    return Claim(name, f"{statement}; read as: within {MARGIN:g}.", source, contrasts)


def below_half(name: str, statement: str, source: str, rows: Sequence[str]) -> Claim:
    """Claim that each network gives less than one half of the answers."""
    return Claim(name, statement, source, tuple(Contrast(((row, DECISION, -1.0),), bound=-HALF) for row in rows))


def above_half(name: str, statement: str, source: str, rows: Sequence[str]) -> Claim:
    """Claim that each network gives more than one half of the answers."""
    return Claim(name, statement, source, tuple(Contrast(((row, DECISION, 1.0),), bound=HALF) for row in rows))
