"""Every import of the packages and their tests, against the arrows that the design allows (CONTRIBUTING.md shows them).

`violations` reads the sources of one root, so that forbidden imports can be planted in a copy.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from read_imports import Import, circles, imports, modules

ROOT = Path(__file__).parents[1]
BENCH, PAPERS = "srnn_bench", "srnn_bench.papers"

SIBLINGS = {"srnn_bench": {"srnn_manifolds", "srnn_masks", "srnn_pruning", "srnn_models", "srnn_tasks"}} | {
    "srnn_pruning": {"srnn_masks"},
    **{leaf: set() for leaf in ("srnn_manifolds", "srnn_masks", "srnn_models", "srnn_tasks")},
}
# Rooms of srnn_bench from the top floor to the ground; a room imports from the floors below its own.
FLOORS = (
    {"__main__"},
    {"cli"},
    {"report", "papers"},
    {"sweep", "tables", "analysis"},
    {"training", "store", "drawing"},
    {"experiment"},
    {"_files"},
    {"_value", "_errors"},
    {"_wording"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
GROUND = FLOORS[-3] | FLOORS[-2] | FLOORS[-1]
ONLY_LEAVES = "analysis"  # the room that imports no other room at all
# Files of `tables`: each imports only those before it.
TABLES = (
    *("_readings", "_curve_readings", "_cell", "_claim", "_column_claim", "_plan", "_filled", "_table", "_override"),
    *("_draw", "_study_claim", "_study", "_summary", "_own"),
    *("_statistics", "_sample", "_power", "_contrast_test", "_claim_tests", "_comparison", "_judgement"),
    *("_study_losses", "_study_statistics", "_forest", "_prediction", "_study_tests", "_study_case", "_column_case"),
    *("_reasons", "_judge", "_sensitivity", "_ledger", "_forecast", "_study_forecast", "_publish"),
)
# What a room must not import from elsewhere, because of what it is for.
FOREIGN = {
    "experiment": (
        *("torch.nn", "sqlite3", "safetensors", "numpy", "scipy", "pandas", "pyarrow"),
        *("matplotlib", "jinja2", "rich", "typer", "ray"),
    ),
    "tables": ("matplotlib", "pandas", "sqlite3", "jinja2", "rich", "typer", "ray"),
}
# Private names that tests, benchmarks and integration tests may import, and why.
EXCEPTIONS = {
    "torch._subclasses.fake_tensor.FakeTensorMode": "builds networks of the papers' sizes without memory",
    "torch.utils._python_dispatch.TorchDispatchMode": "sees every operation of a recorded step",
    "torch.utils._pytree.tree_flatten": "finds the tensors among the results of an operation",
    "torch.utils._pytree.tree_map": "copies the tensors of a state",
}


# --- rules ------------------------------------------------------------------------------------------------------------


def sources(root: Path) -> dict[str, Path]:
    """Return the modules of the six packages."""
    return {name: path for src in sorted(root.glob("packages/*/src")) for name, path in modules(src).items()}


def violations(root: Path) -> list[str]:
    """Return every import of the sources that the design forbids, as file, line and reason."""
    files = sources(root)
    found = [f"{path}: {name} lies in no room" for name, path in files.items() if homeless(name)]
    arrows = imports(files)
    for arrow in arrows:
        found += [f"{arrow}: {reason}" for reason in reasons(arrow)]
    pairs = [(arrow.source, arrow.target) for arrow in arrows if arrow.target in files]
    found += [f"import circle of modules: {', '.join(group)}" for group in circles(pairs)]
    folders = [(folder(a), folder(b)) for a, b in pairs if folder(a) != folder(b)]
    found += [f"import circle of folders: {', '.join(group)}" for group in circles(folders)]
    return [text.replace(f"{root}/", "") for text in found]


def reasons(arrow: Import) -> Iterator[str]:
    """Give the reasons for which an import is forbidden."""
    source, target = arrow.source, arrow.target
    package, other = source.partition(".")[0], target.partition(".")[0]
    if other not in SIBLINGS:
        for name in FOREIGN.get(room(source), ()):
            if inside(target, name) or inside(f"{target}.{arrow.name}", name):
                yield f"{room(source)} must not import {name}"
        return
    if other != package and other not in SIBLINGS[package]:
        yield f"{package} must not import {other}"
    if arrow.private is not None and not inside(source, arrow.private):
        yield f"it is private to {arrow.private}"
    if package == other == BENCH:
        yield from reasons_in_bench(arrow)


def reasons_in_bench(arrow: Import) -> Iterator[str]:
    """Give the reasons for which an import within srnn_bench is forbidden."""
    source, target = arrow.source, arrow.target
    here, there = room(source), room(target)
    paper = paper_of(source)
    if source == BENCH:  # the face of the package
        return
    if there == "" and paper is None:
        yield "a room must not import the package's own face"
    elif here != there:
        if here == ONLY_LEAVES and there not in GROUND:
            yield f"{here} imports leaves only"
        elif there and not FLOOR.get(there, -1) > FLOOR.get(here, -1):
            yield f"{there} is not below {here}"
    if here == there == "tables" and not in_order(source, target):
        yield f"files of tables import only those before them: {', '.join(TABLES)}"
    if paper is None:
        if paper_of(target) is not None:
            yield "papers are discovered, not imported"
        return
    own = f"{PAPERS}.{paper}"
    if not inside(target, own):
        if arrow.private is not None:
            yield "a paper imports public faces only, as a third party's would"
        if paper_of(target) is not None:
            yield "a paper must not import another"
    figures = f"{own}.figures"
    if inside(target, figures) and not inside(source, figures):
        yield "figures are imported only when one is drawn"


def homeless(name: str) -> bool:
    """Return whether a module of srnn_bench belongs to no room, or one of `tables` to no place in the order."""
    parts = name.split(".")
    if parts[:2] == [BENCH, "tables"] and len(parts) > 2:
        return parts[2] not in TABLES
    return parts[0] == BENCH and len(parts) > 1 and parts[1] not in FLOOR


def room(module: str) -> str:
    """Return the room of a module of srnn_bench, empty for its face and for other packages."""
    package, *parts = module.split(".")
    return parts[0] if package == BENCH and parts else ""


def folder(module: str) -> str:
    """Return the folder of a module directly below its package; a file there, and a paper, counts as one."""
    return ".".join(module.split(".")[: 3 if paper_of(module) is not None else 2])


def paper_of(module: str) -> str | None:
    """Return the paper that a module belongs to, None for the ground of `papers` and for all else."""
    parts = module.split(".")
    return parts[2] if inside(module, PAPERS) and len(parts) > 2 and not parts[2].startswith("_") else None


def in_order(source: str, target: str) -> bool:
    """Return whether a file of `tables` may import another; the face may import all, and none the face."""
    one, other = (name.rpartition(".")[2] for name in (source, target))
    if one == "tables":
        return True
    return one in TABLES and other in TABLES and TABLES.index(other) < TABLES.index(one) and other != "_override"


def inside(name: str, package: str) -> bool:
    """Return whether a dotted name is a package or lies in it."""
    return name == package or name.startswith(f"{package}.")


# --- tests, benchmarks, integration tests -----------------------------------------------------------------------------

WRITTEN = re.compile(r"\bsrnn_[a-z]+(?:\.[A-Za-z]\w*)*\._[A-Za-z]\w*")  # a private module named in a text


def private_imports(root: Path) -> dict[str, str]:
    """Return what tests, benchmarks and integration tests import from private modules, or name in texts, with a place.

    This file names what it plants. The packages of third parties, in `plugin`, have private files of their own.
    """
    found = {}
    patterns = ("packages/*/tests/**/*.py", "benchmarks/**/*.py", "integration_tests/*.py", "conftest.py")
    for path in sorted(path for pattern in patterns for path in root.glob(pattern)):
        for arrow in imports({path.stem: path}):
            if arrow.private is not None:
                found[f"{arrow.target}.{arrow.name}".strip(".")] = arrow.place
        if path.name == Path(__file__).name:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= dict.fromkeys(WRITTEN.findall(node.value), f"{path}:{node.lineno}")
    return found


# --- the sources of today ---------------------------------------------------------------------------------------------


def test_no_import_is_forbidden():
    assert violations(ROOT) == []


def test_tests_and_benchmarks_import_public_names():
    found = private_imports(ROOT)
    assert {name: place for name, place in found.items() if name not in EXCEPTIONS} == {}
    assert EXCEPTIONS.keys() <= found.keys(), "an exception that nothing needs any longer"


# --- planted imports --------------------------------------------------------------------------------------------------

SRC = "packages/srnn-bench/src/srnn_bench"
UNDER_TYPE_CHECKING = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {}\n"
IN_A_FUNCTION = "def planted():\n    {}\n"
PLANTED = {  # file, source that is added to it, the reason that must be found
    "upward": (f"{SRC}/experiment/__init__.py", "from ..store import Store", "store is not below experiment"),
    "upward, absolute": (f"{SRC}/store/__init__.py", "import srnn_bench.sweep", "sweep is not below store"),
    "upward, in a function": (
        f"{SRC}/training/__init__.py",
        IN_A_FUNCTION.format("from ..sweep import sweep"),
        "sweep is not below training",
    ),
    "upward, for types": (
        f"{SRC}/tables/__init__.py",
        UNDER_TYPE_CHECKING.format("from ..report import write_html"),
        "report is not below tables",
    ),
    "neighbours": (f"{SRC}/sweep/__init__.py", "from ..tables import Cell", "tables is not below sweep"),
    "from the ground": (f"{SRC}/_value.py", "from .experiment import Experiment", "experiment is not below _value"),
    "analysis": (f"{SRC}/analysis/__init__.py", "from ..store import Store", "analysis imports leaves only"),
    "the package's face": (f"{SRC}/store/__init__.py", "from srnn_bench import Job", "the package's own face"),
    "private, of another room": (
        f"{SRC}/cli/__init__.py",
        IN_A_FUNCTION.format("from ..tables._cell import Cell"),
        "it is private to srnn_bench.tables",
    ),
    "private, a module by name": (f"{SRC}/cli/__init__.py", "from ..tables import _cell", "private to srnn_bench"),
    "private, of another package": (
        f"{SRC}/report/__init__.py",
        "import srnn_tasks.cognitive._timing",
        "it is private to srnn_tasks.cognitive",
    ),
    "private, of a subpackage": (
        "packages/srnn-tasks/src/srnn_tasks/__init__.py",
        "from .cognitive._timing import Timing",
        "it is private to srnn_tasks.cognitive",
    ),
    "leaf to leaf": (
        "packages/srnn-models/src/srnn_models/__init__.py",
        IN_A_FUNCTION.format("import srnn_tasks.testing"),
        "srnn_models must not import srnn_tasks",
    ),
    "leaf to bench": (
        "packages/srnn-pruning/src/srnn_pruning/__init__.py",
        UNDER_TYPE_CHECKING.format("from srnn_bench import Experiment"),
        "srnn_pruning must not import srnn_bench",
    ),
    "order of tables": (f"{SRC}/tables/_cell.py", "from ._ledger import ledger", "only those before them"),
    "a circle": (f"{SRC}/training/_streams.py", IN_A_FUNCTION.format("from ._run import run"), "circle of modules"),
    "torch.nn in experiment": (f"{SRC}/experiment/_key.py", "from torch import nn", "must not import torch.nn"),
    "a paper by name": (f"{SRC}/papers/__init__.py", "from . import moduli", "papers are discovered"),
    "a private file of papers": (f"{SRC}/papers/moduli/__init__.py", "from .. import _paper", "public faces only"),
    "another paper": (f"{SRC}/papers/moduli/_text.py", "from ..modcog import TABLES", "must not import another"),
    "figures": (f"{SRC}/papers/moduli/_text.py", "from .figures import FIGURES", "only when one is drawn"),
    "no room": (f"{SRC}/_planted.py", "", "lies in no room"),
    "no place in tables": (f"{SRC}/tables/_planted.py", "", "lies in no room"),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> tuple[Path, list[str]]:
    """Copy the sources of the packages; return the copy's root and what it already violates."""
    root = tmp_path_factory.mktemp("root")
    for src in ROOT.glob("packages/*/src"):
        shutil.copytree(src, root / src.relative_to(ROOT), ignore=shutil.ignore_patterns("__pycache__"))
    return root, violations(root)


@pytest.mark.parametrize("plant", PLANTED)
def test_a_planted_import_is_found(copy, plant):
    file, text, reason = PLANTED[plant]
    root, before = copy
    path = root / file
    original = path.read_text() if path.exists() else None
    path.write_text(f"{original or ''}\n{text}\n")
    try:
        found = [violation for violation in violations(root) if violation not in before]
    finally:
        path.unlink() if original is None else path.write_text(original)
    assert any(reason in violation for violation in found), found


@pytest.mark.parametrize(
    "text",
    [
        "from srnn_bench.tables._cell import Cell",
        "import srnn_bench._value",
        "from srnn_bench.tables import _cell",
        "from torch import _dynamo",
        IN_A_FUNCTION.format("from srnn_tasks.registry._registry import find"),
        "CODE = 'from srnn_bench.store._store import Store'",
    ],
)
def test_a_private_import_planted_in_a_test_is_found(tmp_path, text):
    path = tmp_path / "packages" / "srnn-bench" / "tests" / "test_planted.py"
    path.parent.mkdir(parents=True)
    path.write_text(text + "\n")
    assert private_imports(tmp_path)
    path.write_text("from srnn_bench import Store\nfrom __future__ import annotations\n")
    assert not private_imports(tmp_path)
