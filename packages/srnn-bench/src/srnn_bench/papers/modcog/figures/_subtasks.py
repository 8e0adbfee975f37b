"""Sub-tasks of the tasks of Mod-Cog, by their names: a base and up to two endings (arXiv 2207.03523, section 2.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from .... import BenchError

GO, ANTI = ("go", "rtgo", "dlygo"), ("anti", "rtanti", "dlyanti")

CTX = ("ctxdm1", "ctxdm2", "ctxdlydm1", "ctxdlydm2")

MULTI = ("multidm", "multidlydm")

DM = ("dm1", "dm2", "dlydm1", "dlydm2", *CTX, *MULTI)

MATCH = ("dms", "dnms", "dmc", "dnmc")

BASES = (*GO, *ANTI, *DM, *MATCH)

BY_BASE = {
    "go": GO,
    "anti": ANTI,
    "rt": ("rtgo", "rtanti"),
    "dly": tuple(base for base in BASES if "dly" in base),
    "dm": DM,
    "ctx": CTX,
    "multi": MULTI,
    "match": MATCH,
    "category": ("dmc", "dnmc"),
}

BY_ENDING = ("intr", "intl", "seqr", "seql")

NAME = re.compile(rf"({'|'.join(BASES)})(?:-(intr|intl))?(?:-(seqr|seql))?")


def subtasks_of(names: Sequence[str]) -> dict[str, Tensor]:
    """Return which tasks contain each sub-task, bool `(tasks,)`; sub-tasks that no task contains are left out.

    A name is a base, then `-intr` or `-intl` or neither, then `-seqr` or `-seql` or neither: "dlygo-intr-seql". Raises
    BenchError for another name.

    >>> {name: mask.tolist() for name, mask in subtasks_of(["go", "rtanti-seqr"]).items()}
    {'go': [True, False], 'anti': [False, True], 'rt': [False, True], 'seqr': [False, True]}
    """
    parts = [_parts(name) for name in names]
    masks = {name: [base in bases for base, *_ in parts] for name, bases in BY_BASE.items()}
    masks |= {name: [name in endings for _, *endings in parts] for name in BY_ENDING}
    return {name: torch.tensor(mask) for name, mask in masks.items() if any(mask)}


def _parts(name: str) -> tuple[str, ...]:
    match = NAME.fullmatch(name)
    if match is None:
        raise BenchError(f"task: expected a name as dlygo-intr-seql, its base one of {', '.join(BASES)}, got {name!r}")
    return tuple(part or "" for part in match.groups())
