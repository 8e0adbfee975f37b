"""Moduli regularization, arXiv 2406.06290: "Geometric sparsification in recurrent neural networks".

Each table exists in up to four variants: as we read the paper (no suffix, preset `corrected`), with W_hh alone ranked
and pruned (`-hh`), as the published code does it (`-reference`), and as the text says (`-paper`).
docs/findings/moduli.md lists where these differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from ...tables import Scale, Table
from .. import Paper
from . import _adding, _beyond, _navigation, _step_times, _text
from ._benchmark import PUBLISHED, READINGS, RECURRENT_ALONE, Variant
from ._navigation import NAVIGATION as NAVIGATION
from ._presets import CORRECTED as CORRECTED
from ._presets import LITERAL as LITERAL
from ._presets import REFERENCE as REFERENCE
from ._presets import Preset as Preset
from ._text import TEXT as TEXT

Builder = Callable[[str, Scale, Variant], Table]

_MAIN = {
    "table1": _navigation.table1,
    "table2": _navigation.table2,
    "table3": _navigation.table3,
    "table4": _text.table4,
    "table5": _text.table5,
    "adding": _adding.adding,
}

_FURTHER = {
    "table8": _navigation.table8,
    "table9": _text.table9,
    "table10": _navigation.table10,
    "table11": _text.table11,
}

_OURS = {
    "step-times": _step_times.step_times,
    "strength": _navigation.strength,
    "strength-text": _text.strength,
    "l1": _navigation.l1,
    "inhibitors": _beyond.inhibitors,
    "before": _beyond.before,
    "groups": _beyond.groups,
    "matrices": _beyond.matrices,
    "gates": _beyond.gates,
    "layers": _beyond.layers,
}


def _tables(builders: Mapping[str, Builder], variants: Iterable[Variant]) -> dict[str, Callable[[Scale], Table]]:
    return {
        name + variant.suffix: partial(_build, build, f"moduli/{name}{variant.suffix}", variant)
        for variant in variants
        for name, build in builders.items()
    }


def _build(build: Builder, name: str, variant: Variant, scale: Scale) -> Table:
    return build(name, scale, variant)


PAPER = Paper(
    name="moduli",
    title="Geometric sparsification in recurrent neural networks",
    arxiv="2406.06290",
    tables={
        **_tables({**_MAIN, **_FURTHER, **_OURS}, (PUBLISHED,)),
        **_tables(_MAIN, (RECURRENT_ALONE,)),
        **_tables({**_MAIN, **_FURTHER}, READINGS),
    },
    figures="figures:FIGURES",
)

__all__ = ["CORRECTED", "LITERAL", "NAVIGATION", "PAPER", "REFERENCE", "TEXT", "Preset"]
