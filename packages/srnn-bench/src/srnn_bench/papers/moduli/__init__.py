"""Moduli regularization, arXiv 2406.06290: "Geometric sparsification in recurrent neural networks".

Each table is there as we take it (`corrected`), with W_hh ranked alone (`-hh`), as the published code does it
(`-reference`) and as the text says (`-paper`); docs/findings/moduli.md says where these differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from ...tables import Scale, Table
from . import _adding, _beyond, _navigation, _text
from ._benchmark import PUBLISHED, READINGS, RECURRENT_ALONE, Variant
from ._navigation import NAVIGATION as NAVIGATION
from ._presets import CORRECTED as CORRECTED
from ._presets import PAPER as PAPER
from ._presets import REFERENCE as REFERENCE
from ._presets import Preset as Preset

Builder = Callable[[str, Scale, Variant], Table]

_MAIN = {
    "moduli/table1": _navigation.table1,
    "moduli/table2": _navigation.table2,
    "moduli/table3": _navigation.table3,
    "moduli/table4": _text.table4,
    "moduli/table5": _text.table5,
    "moduli/adding": _adding.adding,
}

_FURTHER = {
    "moduli/table8": _navigation.table8,
    "moduli/table9": _text.table9,
    "moduli/table10": _navigation.table10,
    "moduli/table11": _text.table11,
}

_OURS = {
    "moduli/strength": _navigation.strength,
    "moduli/strength-text": _text.strength,
    "moduli/l1": _navigation.l1,
    "moduli/inhibitors": _beyond.inhibitors,
    "moduli/before": _beyond.before,
    "moduli/groups": _beyond.groups,
    "moduli/matrices": _beyond.matrices,
    "moduli/gates": _beyond.gates,
    "moduli/layers": _beyond.layers,
}


def _tables(builders: Mapping[str, Builder], variants: Iterable[Variant]) -> dict[str, Callable[[Scale], Table]]:
    return {
        name + variant.suffix: partial(_build, build, name + variant.suffix, variant)
        for variant in variants
        for name, build in builders.items()
    }


def _build(build: Builder, name: str, variant: Variant, scale: Scale) -> Table:
    return build(name, scale, variant)


TABLES: dict[str, Callable[[Scale], Table]] = {
    **_tables({**_MAIN, **_FURTHER, **_OURS}, (PUBLISHED,)),
    **_tables(_MAIN, (RECURRENT_ALONE,)),
    **_tables({**_MAIN, **_FURTHER}, READINGS),
}
