"""Export of all results as one flat table, for pandas, R or a spreadsheet."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._errors import BenchError
from .._files import write_atomically
from ..experiment import Environment, Epoch, Result

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped]


Row = dict[str, Any]

Places = Mapping[tuple[str, str | None], Sequence[Mapping[str, Any]]]

TYPES = {  # of the columns that every file has
    "key": "string",
    "seed": "Int64",
    "status": "string",
    "reason": "string",
    "stage": "string",
    "table": "string",
    "scale": "string",
    "set": "string",
    "row": "string",
    "column": "string",
    "label": "string",
    "steps": "Int64",
    "step_ms": "Float64",
    "engines": "string",
    "pruning_ms": "Float64",
    "peak_memory_mb": "Float64",
    "seconds": "Float64",
    "experiment": "string",
    "epoch": "Int64",
    "loss": "Float64",
    "penalty": "Float64",
    "density": "Float64",
}

RUN = ("key", "seed", "status", "reason", "stage")

PLACE = ("table", "scale", "set", "row", "column", "label")

MEASURED = ("steps", "step_ms", "engines", "pruning_ms", "peak_memory_mb", "seconds")

ENVIRONMENT = tuple(f"environment.{name}" for name in Environment.model_fields if name != "packages")

HISTORY = ("key", "seed", "stage", "epoch", *(name for name in Epoch.model_fields if name != "metrics"))


def export(results: Iterable[Result], path: Path, *, history: bool = False, places: Places | None = None) -> Path:
    """Write results to `path`, a `.parquet` or a `.csv` file, and return the path. The write is atomic.

    One row per run and stage, in the order of the keys; a run that finished no stage has one row. Columns: the run,
    `metric.*`, `density.*`, `present.*` (numbers of weights that are not zero), `kept.*` (numbers of weights that the
    masks leave, by gate: `kept.recurrence.weight_hh.0`), steps, times, the engines that ran (`engines`) and
    memory, `environment.*`, the experiment as JSON (`experiment`), and each of its fields
    (`experiment.stages.0.training.epochs`), empty if an experiment does not have the field or has null there.
    A column whose values are of several types, such as numbers and strings, holds the JSON of each value.

    With `history`, one row per run, stage and epoch: its loss, penalty and density, and `metric.*` of the validation
    split if it was evaluated; epochs are counted from 1 in each stage.

    `places` says where each stage of a run is shown, by key and name of the stage, None for a run that finished none;
    `srnn_bench.papers.select(store).places()` returns it. It adds the columns `table`, `scale`, `set`, `row`, `column`,
    `label` (of an experiment of one's own) and `grid.*`, to group by. A stage that several cells of tables show then
    has one row per cell.

    Numbers keep all their bits; to read them exactly from a .csv, pandas before 3.1 needs
    `float_precision="round_trip"`.

    Raises:
        BenchError: If the file name has another ending or names a folder or a file in a folder that does not exist.
        DiskError: If the file cannot be written.
    """
    write = {".parquet": _parquet, ".csv": _csv}.get(path.suffix)
    if write is None:
        raise BenchError(f"export: expected a file name that ends in .parquet or .csv, got {path}")
    if path.is_dir():
        raise BenchError(f"export: expected a file, got the folder {path}")
    if not path.parent.is_dir():
        raise BenchError(f"export: expected a file in an existing folder, got {path}")
    ordered = sorted(results, key=lambda result: result.key)
    rows = [row for result in ordered for row in (_epochs(result) if history else _stages(result))]
    columns = [*HISTORY, *_below("metric.", rows)] if history else _columns(rows)
    if places is not None:
        rows = [{**row, **place} for row in rows for place in places.get((row["key"], row.get("stage")), [{}])]
        after = columns.index("stage") + 1
        columns[after:after] = [*PLACE, *_below("grid.", rows)]
    frame = _frame(rows, columns)
    write_atomically(path, write(frame))
    return path


def _stages(result: Result) -> Iterator[Row]:
    """Yield one row per finished stage, or one row without a stage."""
    experiment = result.experiment.model_dump(mode="json")
    run: Row = {
        **result.model_dump(include={"key", "seed", "status", "reason", "seconds"}),
        **dict(_flat("environment", result.environment.model_dump(mode="json"))),
        "experiment": result.experiment.model_dump_json(),
        **dict(_flat("experiment", experiment)),
    }
    for stage in result.stages:
        yield {
            **run,
            "stage": stage.name,
            **{f"metric.{name}": value for name, value in stage.metrics.items()},
            **{f"density.{name}": value for name, value in stage.densities.items()},
            **{f"present.{name}": number for name, number in stage.present.items()},
            **dict(_flat("kept", {name: list(counts) for name, counts in stage.kept.items()})),
            **stage.model_dump(include={"steps", "step_ms", "pruning_ms", "peak_memory_mb"}),
            "engines": ", ".join(stage.engines) or None,
        }
    if not result.stages:
        yield run


def _epochs(result: Result) -> Iterator[Row]:
    for stage in result.stages:
        for number, epoch in enumerate(stage.history, start=1):
            yield {
                "key": result.key,
                "seed": result.seed,
                "stage": stage.name,
                "epoch": number,
                **{name: value for name, value in epoch if name != "metrics"},
                **{f"metric.{name}": value for name, value in epoch.metrics.items()},
            }


def _flat(path: str, data: Any) -> Iterator[tuple[str, Any]]:
    """Yield the path and the value of everything in JSON data that is not a list or an object."""
    if isinstance(data, dict | list):
        for name, part in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _flat(f"{path}.{name}", part)
    else:
        yield path, data


def _columns(rows: Sequence[Row]) -> list[str]:
    """Return the columns of all rows: the same for the same results, in any order."""
    counted = [name for start in ("metric.", "density.", "present.", "kept.") for name in _below(start, rows)]
    environment = dict.fromkeys([*ENVIRONMENT, *_below("environment.", rows)])
    return [*RUN, *counted, *MEASURED, *environment, "experiment", *_below("experiment.", rows)]


def _below(start: str, rows: Sequence[Row]) -> list[str]:
    """Return the columns with this prefix, in order."""
    return sorted({name for row in rows for name in row if name.startswith(start)}, key=_natural)


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort entry 10 of a list after entry 9."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in name.split(".")]


def _frame(rows: list[Row], columns: Iterable[str]) -> DataFrame:
    import pandas  # here: importing it takes longer than most commands run

    def column(name: str) -> Any:
        values, kind = _of_one_type([row.get(name) for row in rows])
        return pandas.array(values, dtype=TYPES.get(name, kind))

    return pandas.DataFrame({name: column(name) for name in columns})


def _of_one_type(values: list[Any]) -> tuple[list[Any], str]:
    """Return the values and the pandas type that holds them all; their JSON if there is none."""
    present = [value for value in values if value is not None]
    types = {type(value) for value in present}
    if not types:
        return values, "object"
    if types == {bool}:
        return values, "boolean"
    if types == {str}:
        return values, "string"
    if types == {int} and all(-(2**63) <= value < 2**63 for value in present):
        return values, "Int64"
    if types <= {int, float} and all(isinstance(value, float) or abs(value) <= 2**53 for value in present):
        return values, "Float64"
    return [None if value is None else json.dumps(value) for value in values], "string"


def _parquet(frame: DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, engine="pyarrow", index=False)
    return buffer.getvalue()


def _csv(frame: DataFrame) -> bytes:
    # csv quotes a lone carriage return within a string only if lines end with one (RFC 4180)
    text: str = frame.to_csv(index=False, lineterminator="\r\n")
    return text.encode()
