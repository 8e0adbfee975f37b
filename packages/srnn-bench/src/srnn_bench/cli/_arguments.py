"""Arguments and options that several commands share: tables, scales, seeds, settings, files and stores."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from .. import papers
from .._errors import BenchError, validation_message
from ..experiment import Experiment
from ..store import PublishedRuns, Store, has_results, open_results
from ..tables import SCALES, Summary, Table, override_table, summarise

Results = Annotated[Path, typer.Option(help="Folder of the store and the report, on a local disk.")]

Tables = Annotated[list[str] | None, typer.Argument(help="Tables; default: all.")]

ScaleName = Annotated[str, typer.Option("--scale", help="smoke, quick or paper.")]

ScaleNames = Annotated[str | None, typer.Option("--scale", help="smoke, quick or paper; default: all three.")]

Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Set a field, such as model.recurrence.hidden=64; may be repeated."),
]


def parse_seeds(text: str) -> tuple[int, ...]:
    """Return the seeds of a text such as `0-2` or `0,3,5-7`."""
    seeds: list[int] = []
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            seeds += range(int(first), int(last or first) + 1)
    except ValueError:
        seeds = []
    if not seeds:
        raise BenchError(f"seeds: expected numbers and ranges such as 0-2 or 0,3,5, got {text!r}")
    return tuple(dict.fromkeys(seeds))


def read_experiment(path: Path) -> Experiment:
    """Return the experiment of a JSON file. Raises BenchError that names the file and each invalid field."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BenchError(f"{path}: expected the JSON file of an experiment, got: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BenchError(f"{path}: expected text in UTF-8, got: {error}") from error
    try:
        experiment = Experiment.model_validate_json(text)
    except ValidationError as error:
        raise BenchError(f"{path}: {validation_message(error, _parsed(text))}") from error
    try:
        json.loads(text, object_pairs_hook=_reject_duplicates)
    except BenchError as error:
        raise BenchError(f"{path}: {error}") from None
    return experiment


def _parsed(text: str) -> Any:
    """Return the data of a JSON text, or None if it is not valid JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _reject_duplicates(pairs: list[tuple[str, object]]) -> None:
    """Raise BenchError if an object has a field twice, of which JSON readers silently take the last."""
    names = [name for name, _ in pairs]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise BenchError(f"expected each field once per object, got {', '.join(sorted(repeated))} more than once")


def scaled_table(name: str, scale: str, settings: list[str] | None) -> Table:
    """Return a table at a scale, with settings applied."""
    return override_table(papers.table(name, scale), settings or ())


def summaries(names: list[str] | None, scale: str | None, settings: list[str] | None, results: Path) -> list[Summary]:
    """Return the summaries of tables, at one scale or at all; by default of published runs, else of all tables."""
    store = existing_store(results)
    if names or not isinstance(store, PublishedRuns):
        scales = SCALES if scale is None else (scale,)
        pairs = [(name, each) for name in names or papers.table_names() for each in scales]
    else:
        pairs = [(name, each) for name, each in store.tables if scale in (None, each)]
    return [summarise(scaled_table(name, each, settings), store) for name, each in pairs]


def has_store(results: Path) -> bool:
    """Return whether there is a store in a folder, or published runs."""
    return has_results(results)


def existing_store(results: Path) -> Store:
    """Return the store in a folder, or its published runs. Raises BenchError if there is neither."""
    return open_results(results)


def output_folder(results: Path) -> Path:
    """Return the folder to write to by default: that of the store, or the current one beside read-only results."""
    return results if (results / "results.sqlite").exists() and os.access(results, os.W_OK) else Path()
