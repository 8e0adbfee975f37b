"""`srnn new`: an experiment of one's own to start from, with notes that explain each field beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from .._errors import BenchError
from ..experiment import Experiment
from ._app import app, print_line
from ._notes import notes

TEMPLATE: dict[str, Any] = {
    "task": {"kind": "adding", "steps": 10},
    "model": {
        "kind": "sequence",
        "recurrence": {"kind": "elman", "hidden": 64, "nonlinearity": "relu"},
    },
    "masks": [
        {"parameter": "recurrence.weight_hh", "pattern": {"kind": "locality", "sheet": [8, 8], "radius": 2}},
    ],
    "penalties": [],
    "stages": [
        {
            "name": "trained",
            "training": {"epochs": 5, "batches": 200, "batch_size": 32, "learning_rate": 3e-3, "clip_norm": 1.0},
        },
    ],
}


@app.command("new")
def new_(
    file: Annotated[Path, typer.Argument(help="File to write; its notes are written beside it, as .md.")] = Path(
        "experiment.json"
    ),
) -> None:
    """Write an experiment of your own that runs at once, and notes that explain each field and its alternatives."""
    if file.suffix.lower() != ".json":
        raise BenchError(f"new: expected a file that ends in .json, such as experiment.json, got {str(file)!r}")
    explained = file.with_suffix(".md")
    for path in (file, explained):
        if path.exists():
            raise BenchError(f"new: {path} exists and is not overwritten; give another name, such as other.json")
    experiment = Experiment.model_validate_json(json.dumps(TEMPLATE))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        for path, text in ((file, _json(TEMPLATE)), (explained, notes(experiment, TEMPLATE, file))):
            with path.open("x", encoding="utf-8") as stream:
                stream.write(text + "\n")
    except OSError as error:
        raise BenchError(f"new: {error.filename}: cannot be written: {error.strerror}") from error
    print_line(f"Written: {file}, and {explained}, which explains its fields.")
    print_line(f"Run it, in seconds: srnn run {file} --seeds 0-2")
    print_line("Then: srnn report")


def _json(document: dict[str, Any]) -> str:
    """Return indented JSON with lists of numbers on one line."""
    text = json.dumps(document, indent=2)
    return re.sub(r"\[\s+([-\d.,\s]+?)\s+\]", lambda match: f"[{' '.join(match[1].split())}]", text)
