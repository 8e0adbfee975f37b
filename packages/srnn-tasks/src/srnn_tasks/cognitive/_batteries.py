"""Batteries: named lists of tasks, in the order of their rule inputs."""

from __future__ import annotations

from typing import Literal

from ._rule import COMPOSED, INTERVALS, PLAIN, SEQUENCES, Rule

Battery = Literal["yang20", "distinct82", "paper84", "all126", "paper132"]


def _names(*groups: tuple[Rule, ...]) -> tuple[str, ...]:
    return tuple(rule.name for group in groups for rule in group)


_TWICE = _names(tuple(rule for rule in INTERVALS if rule.base == "dlyanti"))  # counted twice by the paper
_TWICE_COMPOSED = _names(tuple(rule for rule in COMPOSED if rule.base == "dlyanti"))
_DISTINCT = _names(PLAIN, INTERVALS, SEQUENCES)
_SECOND = _DISTINCT.index(_TWICE[-1]) + 1  # where the pair is repeated
_PAPER84 = (*_DISTINCT[:_SECOND], *_TWICE, *_DISTINCT[_SECOND:])

BATTERIES: dict[Battery, tuple[str, ...]] = {
    "yang20": _names(PLAIN),
    "distinct82": _DISTINCT,
    "paper84": _PAPER84,
    "all126": (*_DISTINCT, *_names(COMPOSED)),
    "paper132": (*_PAPER84, *_names(COMPOSED), *_TWICE_COMPOSED),
}
