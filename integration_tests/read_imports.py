"""The import arrows of source files, read from their syntax: also those inside functions and under TYPE_CHECKING."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Import:
    """One imported thing: `source` imports `target`, and from it `name`, if that is no module of its own.

    `target` is the longest dotted name that is a module, if it is one of the modules read, else as written.
    """

    source: str
    target: str
    name: str
    place: str

    @property
    def private(self) -> str | None:
        """The package to which the imported thing is private, or None if it is public.

        That of `a._b.c` is `a`, that of `_b` imported from `a` too.
        """
        segments = [*self.target.split("."), *([self.name] if self.name else [])]
        for number, segment in enumerate(segments):
            if segment.startswith("_") and not segment.startswith("__"):
                return ".".join(segments[:number])
        return None

    def __str__(self) -> str:
        """Return file, line and what is imported."""
        return f"{self.place}: {self.source} imports {self.target}{f' ({self.name})' if self.name else ''}"


def modules(folder: Path) -> dict[str, Path]:
    """Return the file of every module below a folder of packages, by dotted name."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(files: dict[str, Path]) -> list[Import]:
    """Return every import of these modules."""
    known = frozenset(files)
    return [each for module, path in files.items() for each in _of_module(module, path, known)]


def _of_module(module: str, path: Path, known: frozenset[str]) -> Iterator[Import]:
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for line, level, base, names in read(path.read_text(encoding="utf-8")):
        if level:
            above = package.split(".")
            base = ".".join([*above[: len(above) - level + 1], *([base] if base else [])])
        place = f"{path}:{line}"
        for name in names or ("",):
            if name and f"{base}.{name}" in known:
                yield Import(module, f"{base}.{name}", "", place)
            else:
                yield Import(module, base, name, place)


@cache
def read(text: str) -> tuple[tuple[int, int, str, tuple[str, ...]], ...]:
    """Return line, level, module and names of every import statement of a source text."""
    found: list[tuple[int, int, str, tuple[str, ...]]] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, 0, alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.lineno, node.level, node.module or "", tuple(alias.name for alias in node.names)))
    return tuple(found)


def circles(arrows: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the groups of nodes that can all be reached from each other, by Tarjan's algorithm."""
    graph: dict[str, list[str]] = {}
    for source, target in arrows:
        graph.setdefault(source, []).append(target)
        graph.setdefault(target, [])
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in graph[node]:
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[-len(group) :]
            if len(group) > 1 or node in graph[node]:
                found.append(sorted(group))

    for node in graph:
        if node not in index:
            visit(node)
    return found
