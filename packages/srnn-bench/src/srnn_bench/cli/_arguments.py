"""Arguments and options that several commands share: tables, scales, seeds, settings, files and stores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .. import papers
from ..experiment import Experiment
from ..store import Store
from ..tables import SCALES, Summary, Table, override_table, summarise

Results = Annotated[Path, typer.Option(help="Folder of the store and the report, on a local disk.")]

Tables = Annotated[list[str] | None, typer.Argument(help="Tables; default: all.")]

OneScale = Annotated[str | None, typer.Option("--scale", help="smoke, quick or paper; default: all.")]

Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a field, such as model.recurrence.hidden=64; may be given again."),
]
ScaleName = Annotated[str, typer.Option("--scale", help="smoke, quick or paper.")]


def parse_seeds(text: str) -> tuple[int, ...]:
    """Return the seeds that a text such as `0-2` or `0,3,5-7` names."""
    seeds: list[int] = []
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            seeds += range(int(first), int(last or first) + 1)
    except ValueError:
        seeds = []
    if not seeds:
        raise ValueError(f"seeds: expected numbers and ranges such as 0-2 or 0,3,5, got {text!r}")
    return tuple(dict.fromkeys(seeds))


def read_experiment(path: Path) -> Experiment:
    """Return the experiment of a JSON file; a mistake in it is told with the field's name."""
    try:
        text = path.read_text(encoding="utf-8")
        experiment = Experiment.model_validate_json(text)
        json.loads(text, object_pairs_hook=_each_once)
    except OSError as error:
        raise ValueError(f"{path}: expected the JSON file of an experiment, got: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, not JSON, or no experiment
        raise ValueError(f"{path}: {error}") from error
    return experiment


def _each_once(pairs: list[tuple[str, object]]) -> None:
    """Refuse an object in which a field stands twice: JSON readers silently take the last."""
    names = [name for name, _ in pairs]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"expected each field once, but {', '.join(sorted(twice))} stands twice in one object")


def scaled_table(name: str, scale: str, settings: list[str] | None) -> Table:
    table = papers.table(name, scale)
    return override_table(table, settings) if settings else table


def summaries(names: list[str] | None, scale: str | None, settings: list[str] | None, results: Path) -> list[Summary]:
    """Return what the store holds of the tables, at one scale or at all."""
    store = existing_store(results)
    scales = SCALES if scale is None else (scale,)
    return [
        summarise(scaled_table(name, each, settings), store)
        for name in names or papers.table_names()
        for each in scales
    ]


def existing_store(results: Path) -> Store:
    if not results.exists():
        raise ValueError(
            f"{results}: no such folder; make results first, such as `srnn run moduli/table1 --scale smoke`"
        )
    return Store(results)
