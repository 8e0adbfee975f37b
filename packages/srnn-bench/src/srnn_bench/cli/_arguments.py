"""Arguments and options that several commands share: tables, scales, seeds, settings, files and stores."""

from __future__ import annotations

import codecs
import difflib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from .. import papers
from .._errors import BenchError, validation_message
from ..experiment import Conditions, Experiment
from ..store import Store, has_results, open_results
from ..tables import SCALES, Summary, Table, override_table, summarise
from ..training import explain, resolve_device

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Results = Annotated[Path, typer.Option(help="Folder of the store and the report, on a local disk.")]

Tables = Annotated[list[str] | None, typer.Argument(help="Tables; default: all.")]


def _known_scale(scale: str | None) -> str | None:
    """Check a scale as soon as the command line is read, whether or not the command needs it."""
    return None if scale is None else papers.known_scale(scale)


ScaleName = Annotated[str, typer.Option("--scale", help="smoke, quick or paper.", callback=_known_scale)]

DemoScale = Annotated[
    str,
    typer.Option("--scale", help="quick: the demonstration; smoke: only tests that it works.", callback=_known_scale),
]

ScaleNames = Annotated[
    str | None, typer.Option("--scale", help="smoke, quick or paper; default: all three.", callback=_known_scale)
]

Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Set a field, such as stages.0.training.learning_rate=3e-4; may be repeated."),
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
    text = _text(path)
    try:
        experiment = Experiment.model_validate_json(text)
    except ValidationError as error:
        raise BenchError(f"{path}: {validation_message(error, _parsed(text), Experiment)}") from error
    try:
        json.loads(text, object_pairs_hook=_reject_duplicates)
    except BenchError as error:
        raise BenchError(f"{path}: {error}") from None
    return experiment


def _text(path: Path) -> str:
    """Return the text of a file in UTF-8, with or without a byte order mark. Raises BenchError that names the file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = f"{error.strerror}{near_files(path)}"
        raise BenchError(f"{path}: expected the JSON file of an experiment, got: {reason}") from error
    if encoding := _wide_encoding(data):
        raise BenchError(
            f"{path}: expected text in UTF-8, got {encoding}, which e.g. `>` of Windows PowerShell writes; "
            "save the file as UTF-8"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BenchError(f"{path}: expected text in UTF-8, got: {error}") from error


def _wide_encoding(data: bytes) -> str | None:
    """Return "UTF-32" or "UTF-16" if a file begins with its byte order mark, or is JSON in it without the mark."""
    for encoding, marks in (("UTF-32", (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)), ("UTF-16", UTF16_MARKS)):
        if data.startswith(marks):
            return encoding
    detected = json.detect_encoding(data)  # JSON begins with two ASCII characters: zeros show the width
    return None if detected.startswith("utf-8") else detected[:6].upper()


def near_files(path: Path) -> str:
    """Return a hint with the JSON files whose names are near that of a file that does not exist, or nothing."""
    near = difflib.get_close_matches(path.name, _json_files(path.parent), n=3)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def _json_files(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir() if is_file_name(path.name) and path.is_file()]
    except OSError:
        return []


def is_file_name(target: str) -> bool:
    """Return whether a target of the command line is a JSON file, not a table: its name ends in .json or .JSON."""
    return target.lower().endswith(".json")


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


def default_workers(executor: str, conditions: Conditions) -> int:
    """Return the number of parallel runs if the user gives none: one per core, one on a GPU."""
    if executor != "processes" or resolve_device(conditions.device).type == "cuda":
        return 1
    return max(1, (os.cpu_count() or 1) // conditions.threads)


def scaled_table(name: str, scale: str, settings: list[str] | None) -> Table:
    """Return a table at a scale, with settings applied."""
    return override_table(papers.table(name, scale), settings or ())


def summaries(
    names: list[str] | None,
    scale: str | None,
    settings: list[str] | None,
    store: Store,
    on_note: Callable[[str], None],
) -> list[Summary]:
    """Return the summaries of tables, by default of all, at one scale or at all.

    Without names, `on_note` is called with a text about each table that cannot be built or read; a table that is named
    raises its error, as settings do that do not fit a table.
    """
    found = []
    scales = SCALES if scale is None else (scale,)
    for name, each in ((name, each) for name in names or papers.table_names() for each in scales):
        try:
            found.append(summarise(scaled_table(name, each, settings), store))
        except Exception as error:  # a table of a third party may raise anything
            if names or settings:
                raise
            reason = error if isinstance(error, BenchError) else explain(error)
            on_note(f"{name} at scale {each} cannot be shown: {reason}")
    return found


def has_store(results: Path) -> bool:
    """Return whether there is a store in a folder, or published runs."""
    return has_results(results)


def existing_store(results: Path) -> Store:
    """Return the store in a folder, or its published runs. Raises BenchError if there is neither."""
    return open_results(results)


def output_folder(results: Path) -> Path:
    """Return the folder to write to by default: that of the store, or the current one beside read-only results."""
    return results if (results / "results.sqlite").exists() and os.access(results, os.W_OK) else Path()
