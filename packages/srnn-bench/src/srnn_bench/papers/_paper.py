"""A paper, as its folder declares it: tables by name, and figures that are imported when one is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from .._errors import BenchError
from ..store import Store
from ..tables import Relatives, Scale, Table


@dataclass(frozen=True)
class FigureRequest:
    """What a figure is made from: a store of runs, the scale of these runs, and the folder to write to.

    `store` is None for a figure that needs no runs.
    """

    store: Store | None
    scale: Scale
    folder: Path

    def required_store(self) -> Store:
        """Return the store; raises BenchError if the request has none."""
        if self.store is None:
            raise BenchError("figure: expected a store of runs, got None")
        return self.store


@dataclass(frozen=True)
class Figure:
    """A figure of a paper: a function that writes files and returns their paths, and the tables that it reads.

    needs: names of tables of the same paper, such as "table2", whose runs the figure reads with their weights.
    """

    draw: Callable[[FigureRequest], list[Path]]
    needs: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """First line of the docstring of `draw`."""
        return (self.draw.__doc__ or "").strip().partition("\n")[0]


@dataclass(frozen=True)
class Paper:
    """A paper: its tables and figures by name.

    - `name`: name of the paper's folder or entry point. Table "table1" of paper "moduli" is `moduli/table1`.
    - `tables`: functions that build a table at a scale. The built table has the full name, such as `moduli/table1`.
    - `figures`: `module:attribute` of a `Mapping[str, Figure]`, the module relative to the package that declares the
      paper; it is imported when a figure is asked for. Empty if the paper has no figures.
    """

    name: str
    title: str
    arxiv: str
    tables: Mapping[str, Callable[[Scale], Table]]
    figures: str = ""

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Tables by group: `table1-hh` is in the group of `table1`, if there is a table of that name."""
        groups: dict[str, tuple[str, ...]] = {}
        for name in sorted(self.tables, key=lambda name: name.count("-")):  # heads before their variants
            heads = [head for head in groups if name.startswith(f"{head}-")]
            if heads:
                groups[heads[0]] += (name,)
            else:
                groups[name] = ()
        return {name: groups[name] for name in self.tables if name in groups}

    def full_name(self, name: str) -> str:
        """Return the full name of a table or figure, such as `moduli/table1`."""
        return f"{self.name}/{name}"

    def table(self, name: str, scale: Scale) -> Table:
        """Build a table at a scale; raises BenchError if its name is not the declared one."""
        return replace(self._built(name, scale), relatives=partial(self._relatives, name, scale))

    def _relatives(self, name: str, scale: Scale) -> Relatives:
        """Return the other tables of the family of a table, and the other readings of the same published table.

        A reading is a table of the same group that judges some of the same claims in a family of its own.
        """
        table = self._built(name, scale)
        family, claims = table.family, {claim.name for claim in table.claims}
        tables: dict[str, Table] = {}
        broken = []
        for each in self.tables:
            try:
                tables[each] = self._built(each, scale)
            except Exception as error:  # a table of a third party may raise anything
                broken.append(f"{self.full_name(each)} ({type(error).__name__}: {error})")
        mates = next(({head, *others} for head, others in self.groups.items() if name in (head, *others)), set())
        return Relatives(
            siblings=tuple(each for key, each in tables.items() if key != name and each.family == family),
            readings=tuple(
                each
                for key, each in tables.items()
                if key in mates and each.family != family and not claims.isdisjoint(c.name for c in each.claims)
            ),
            broken=tuple(broken),
        )

    def _built(self, name: str, scale: Scale) -> Table:
        """Return a table, built once; raises BenchError if its name is not the declared one."""
        key = (name, scale)
        if key not in self._tables:
            table = self.tables[name](scale)
            if (table.name, table.scale) != (self.full_name(name), scale):
                raise BenchError(
                    f"paper {self.name!r}: expected table {self.full_name(name)!r} at scale {scale!r}, "
                    f"got {table.name!r} at scale {table.scale!r}"
                )
            self._tables[key] = table
        return self._tables[key]

    @cached_property
    def _tables(self) -> dict[tuple[str, Scale], Table]:
        return {}
