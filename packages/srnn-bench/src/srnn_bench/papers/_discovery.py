"""Find papers, and their tables and figures by full name such as `moduli/table1`.

The papers of this package are the folders beside this file; those of other packages are declared by the entry point
group `srnn.papers`. Nothing is imported before it is asked for.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import cast

from srnn_tasks import Extensions

from .._errors import BenchError
from ..tables import SCALES, Scale, Table
from ._paper import Figure, Paper

GROUP = "srnn.papers"

BUILT_IN = {
    module.name: f"{__package__}.{module.name}:PAPER"
    for module in pkgutil.iter_modules([str(Path(__file__).parent)])
    if module.ispkg
}


def _check(name: str, loaded: object) -> Paper:
    if not isinstance(loaded, Paper):
        raise TypeError(f"expected a srnn_bench.Paper, got {loaded!r}")
    if ":" not in name and loaded.name != name:
        raise TypeError(f"expected a paper named {name!r}, as its folder or entry point, got {loaded.name!r}")
    return loaded


PAPERS: Extensions[Paper] = Extensions(
    GROUP, noun="paper", field="paper", check=_check, error=BenchError, builtins=BUILT_IN
)


def find(name: str) -> Paper:
    """Return the paper of a table or figure such as `moduli/table1`. Only this paper is imported."""
    return PAPERS.load(name.partition("/")[0])


def table(name: str, scale: str) -> Table:
    """Return a table of a paper at a scale. An unknown name or scale raises BenchError with the known ones."""
    known = known_scale(scale)
    paper = _paper_of(name)
    key = name.partition("/")[2]
    if paper is None or key not in paper.tables:
        raise BenchError(_unknown("table", name, table_names()))
    return paper.table(key, known)


def table_names() -> tuple[str, ...]:
    """Return the full names of all tables. All papers are imported; those that are broken are left out."""
    return tuple(paper.full_name(name) for paper in _usable() for name in paper.tables)


def figure(name: str) -> Figure:
    """Return a figure of a paper. An unknown name raises BenchError with the known ones."""
    paper, _, key = name.partition("/")
    declared = {} if _paper_of(name) is None else _figures_of(paper)
    if key not in declared:
        raise BenchError(_unknown("figure", name, figures()))
    return declared[key]


def figures() -> dict[str, Figure]:
    """Return the figures of all papers by full name. Papers and figures are imported; broken ones are left out."""
    return listed_figures()[0]


def listed_figures() -> tuple[dict[str, Figure], dict[str, str]]:
    """Return the figures of all papers by full name, and the errors of those that cannot be imported, by paper."""
    usable: dict[str, Figure] = {}
    broken: dict[str, str] = {}
    for paper in _usable():
        try:
            usable |= {paper.full_name(key): each for key, each in _figures_of(paper.name).items()}
        except BenchError as error:
            broken[paper.name] = str(error)
    return usable, broken


def _figures_of(name: str) -> Mapping[str, Figure]:
    """Import and return the figures that a paper declares, by name. Raises BenchError if they are broken."""
    paper = PAPERS.load(name)
    if not paper.figures:
        return {}
    module, _, attribute = paper.figures.partition(":")
    package = sys.modules[_module_of(name)].__package__
    try:
        declared = getattr(importlib.import_module(f".{module}" if package else module, package or None), attribute)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise BenchError(f"paper {name!r}: figures {paper.figures!r} are broken: {reason}") from error
    for key, each in declared.items():
        unknown = [table for table in each.needs if table not in paper.tables]
        if unknown:
            raise BenchError(f"figure {paper.full_name(key)!r}: expected tables of its paper, got {', '.join(unknown)}")
    return cast(Mapping[str, Figure], declared)


def _module_of(name: str) -> str:
    """Return the name of the module that declares a paper."""
    if ":" in name:
        return name.partition(":")[0]
    if name in BUILT_IN:
        return BUILT_IN[name].partition(":")[0]
    (point, *_) = entry_points(group=GROUP, name=name)
    return point.module


def _usable() -> Iterator[Paper]:
    for entry in PAPERS.entries():
        if entry.error is None:
            yield PAPERS.load(entry.name)


def _paper_of(name: str) -> Paper | None:
    """Return the paper of a full name, or None if there is no such paper; a broken paper is an error."""
    paper, slash, _ = name.partition("/")
    return find(name) if slash and (paper in PAPERS.names() or ":" in paper) else None


def known_scale(scale: str) -> Scale:
    """Return the scale of this name. Raises BenchError if there is none."""
    for known in SCALES:
        if scale == known:
            return known
    raise BenchError(f"scale: expected one of {', '.join(SCALES)}, got {scale!r}")


def _unknown(noun: str, name: str, names: Iterable[str]) -> str:
    """Return the error of an unknown table or figure: near matches, or all names of the paper or of all papers."""
    known = list(names)
    of_paper = [other for other in known if other.startswith(f"{name.rstrip('/')}/")]
    papers = PAPERS.names() if "/" not in name else ()  # a mistyped paper, or a name without its paper
    near = difflib.get_close_matches(name, [*papers, *(other.partition("/")[2] for other in known)], n=1)
    near = [other for other in known if other.partition("/")[2] in near] or near if papers else []
    near = near or difflib.get_close_matches(name, known, n=3)
    if of_paper:
        return f"{noun}: expected a {noun} of the paper {name!r}, one of {', '.join(of_paper)}, got the paper"
    command = "list" if noun == "table" else "figure"
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    return f"{noun}: no {noun} {name!r}; {hint}`srnn {command}` shows all"
