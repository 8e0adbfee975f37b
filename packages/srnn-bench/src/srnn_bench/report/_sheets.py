"""Sheets: the rows of text that the report shows for a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..experiment import Experiment
from ..tables import FilledCell, Judgement, Sample, Summary, Table
from ._claim_numbers import judgement_numbers
from ._protocol import shown_only
from ._texts import measured_text, number, percent, published_text, step_time


@dataclass(frozen=True)
class Sheet:
    """Rows of text below column names.

    The first `labels` columns name the row, the last `words` columns contain sentences, the others numbers. A second
    line of a text is shown below the first, less prominently.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int = 1
    words: int = 0


def cell_sheet(summary: Summary) -> Sheet:
    """Return the table itself: in each cell our numbers, and the paper's numbers on a second line."""
    table = summary.table
    rows = ((row, *(_cell_text(summary.cells.get((row, column))) for column in table.columns)) for row in table.rows)
    return Sheet(table.title, ("", *table.columns), tuple(rows))


def _cell_text(cell: FilledCell | None) -> str:
    paper = published_text(cell.cell.published) if cell else ""
    return measured_text(cell) + (f"\npaper {paper}" if paper else "")


def claim_sheet(judgements: Iterable[Judgement], table: Table) -> Sheet:
    """Return one row per claim: its statement and source, the verdict, the numbers behind it, the reason."""
    shown = [(judgement, judgement_numbers(judgement, table)) for judgement in judgements]
    names = tuple(dict.fromkeys(name for _, numbers in shown for name in numbers))
    rows = tuple(
        (
            f"{judgement.claim.statement}\n{judgement.claim.name}; {judgement.claim.source}",
            judgement.label,
            *(numbers.get(name, "") for name in names),
            judgement.reason,
        )
        for judgement, numbers in shown
    )
    return Sheet("Claims", ("claim", "verdict", *names, "reason"), rows, labels=2, words=1)


def failure_sheet(summary: Summary) -> Sheet:
    """Return the number of runs of each cell that failed to learn; without rows if the plan has no threshold for it."""
    table, threshold = summary.table, summary.table.plan.failure_threshold
    samples = {
        place: Sample(cell, threshold, table.better == "lower") for place, cell in summary.judged.items() if cell.n
    }
    counts = {place: f"{sample.failures} of {sample.ended}" for place, sample in samples.items()}
    rows = tuple((row, *(counts.get((row, column), "") for column in table.columns)) for row in table.rows)
    return Sheet("Runs that failed to learn", ("", *table.columns), () if threshold is None else rows)


def density_sheet(summary: Summary) -> Sheet:
    """Return one row per sparse stage of an experiment: the percentage of weights present in each matrix."""
    sparse = [cell for cell in summary.cells.values() if any(share < 1 for share in cell.densities.values())]
    names = tuple(dict.fromkeys(name for cell in sparse for name in cell.densities))
    rows = tuple(
        (label, *(percent(cell.densities.get(name)) for name in names)) for label, cell in _stages(summary, sparse)
    )
    return Sheet("Share of weights present, by matrix (mean over runs)", ("", *names), rows)


def step_sheet(summary: Summary) -> Sheet:
    """Return one row per stage of an experiment: the wall time of a training step, and on which device."""
    rows = []
    for label, cell in _stages(summary, [cell for cell in summary.cells.values() if cell.n]):
        times = [stage.step_ms for stage in cell.stages.values()]
        devices = dict.fromkeys(
            result.environment.device for seed, result in cell.results.items() if result and seed in cell.stages
        )
        ends = (number(value, 2) for value in (min(times), max(times)))
        rows.append((label, str(cell.n), step_time(cell.stages.values()), *ends, "; ".join(devices)))
    return Sheet(
        "Step times (ms per training step, over runs)",
        ("", "n", "mean", "min", "max", "device"),
        tuple(rows),
        words=1,
    )


def _stages(summary: Summary, cells: Sequence[FilledCell]) -> list[tuple[str, FilledCell]]:
    """Return one cell for all cells of a row that read the same stage of the same experiment, with their label."""
    groups: dict[tuple[str, Experiment, str], list[FilledCell]] = {}
    for filled in cells:
        groups.setdefault((filled.cell.row, filled.cell.experiment, filled.cell.stage), []).append(filled)
    in_row = Counter(cell.row for cell in summary.table.cells)
    return [
        (row if 1 < len(group) == in_row[row] else f"{row}, {', '.join(each.cell.column for each in group)}", group[0])
        for (row, _, _), group in groups.items()
    ]


def spread_sheet(summary: Summary) -> Sheet:
    """Return one row per cell that has values: n, mean, both standard deviations, range."""
    rows = []
    for cell in summary.cells.values():
        if cell.n:
            values = cell.values.values()
            numbers = (cell.mean, cell.sd, cell.population_sd, min(values), max(values))
            rows.append((cell.cell.row, cell.cell.column, str(cell.n), *(number(value) for value in numbers)))
    columns = ("row", "column", "n", "mean", "sample sd", "population sd", "min", "max")
    return Sheet(f"Spread ({summary.table.unit})", columns, tuple(rows), labels=2)


def run_sheet(summary: Summary) -> Sheet:
    """Return one row per run and cell: seed, value, status, steps, step time, peak memory, reason.

    The status of a run whose seed is shown only says that it is not judged.
    """
    rows, unjudged = [], set(shown_only(summary)) if summary.table.claims else set[int]()
    for cell in (*summary.cells.values(), *summary.outside.values()):
        for seed, result in cell.results.items():
            if result is None:
                continue
            value = steps = step_ms = peak = ""
            stage = cell.stages.get(seed)
            if stage is not None:
                value, steps, step_ms = number(cell.values[seed]), str(stage.steps), step_time([stage])
                peak = number(stage.peak_memory_mb, 0)
            status = result.status + (", stale" if result.key in summary.stale else "")
            status += ", not judged" if seed in unjudged else ""
            place = (cell.cell.row, cell.cell.column, str(seed))
            rows.append((*place, value, status, steps, step_ms, peak, result.reason or ""))
    columns = ("row", "column", "seed", summary.table.unit, "status", "steps", "ms per step", "peak MiB", "reason")
    return Sheet("All runs", columns, tuple(rows), labels=2, words=1)
