"""A section of the report: all that is said of one table, as texts that terminal, HTML and Markdown lay out."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..experiment import Experiment
from ..tables import FilledCell, Judgement, Summary, judge
from ._words import (
    VERDICTS,
    anchor,
    caption,
    commands,
    counts,
    environments,
    evidence,
    number,
    ours,
    percent,
    theirs,
    troubles,
    verdicts,
)


@dataclass(frozen=True)
class Sheet:
    """Rows of texts under names of columns.

    The first `labels` columns name the row, the last `words` hold running text, the others numbers. A second line
    in a text stands below the first and is quieter.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int = 1
    words: int = 0


@dataclass(frozen=True)
class Section:
    """What the report says of one table."""

    summary: Summary
    heading: str
    anchor: str
    caption: str
    counts: dict[str, int]
    cells: Sheet
    remarks: tuple[str, ...]
    judgements: tuple[Judgement, ...]
    claims: Sheet
    densities: Sheet
    steps: Sheet
    spread: Sheet
    runs: Sheet
    environments: tuple[str, ...]
    commands: tuple[str, ...]

    @property
    def verdicts(self) -> dict[str, int]:
        """Number of claims by verdict."""
        return verdicts(self.judgements)

    @property
    def unit(self) -> str:
        """The unit of the table's metric."""
        return self.summary.table.unit


def section(summary: Summary) -> Section:
    """Put a table's results into words; its claims are judged here, once."""
    judgements = tuple(judge(summary)) if summary.table.claims else ()
    return Section(
        summary=summary,
        heading=summary.table.heading,
        anchor=anchor(summary),
        caption=caption(summary),
        counts=counts(summary),
        cells=cell_sheet(summary),
        remarks=(*summary.remarks, *troubles(summary)),
        judgements=judgements,
        claims=claim_sheet(judgements, summary.table.unit),
        densities=density_sheet(summary),
        steps=step_sheet(summary),
        spread=spread_sheet(summary),
        runs=run_sheet(summary),
        environments=tuple(environments(summary.results)),
        commands=tuple(commands(summary)),
    )


def total_verdicts(sections: Iterable[Section]) -> dict[str, int]:
    """Count the verdicts of all tables."""
    sections = tuple(sections)
    return {verdict: sum(part.verdicts[verdict] for part in sections) for verdict in VERDICTS}


def cell_sheet(summary: Summary) -> Sheet:
    """Show the table itself: in each cell our numbers, and the paper's below them."""
    table = summary.table
    rows = ((row, *(_beside(summary.cells.get((row, column))) for column in table.columns)) for row in table.rows)
    return Sheet(table.title, ("", *table.columns), tuple(rows))


def _beside(cell: FilledCell | None) -> str:
    paper = theirs(cell.cell.published) if cell else ""
    return ours(cell) + (f"\npaper {paper}" if paper else "")


def claim_sheet(judgements: Iterable[Judgement], unit: str) -> Sheet:
    """Show a row a claim: its statement and source, the verdict, the numbers behind it, the reason."""
    shown = [(judgement, evidence(judgement, unit)) for judgement in judgements]
    names = tuple(dict.fromkeys(name for _, numbers in shown for name in numbers))
    rows = tuple(
        (
            f"{judgement.claim.statement}\n{judgement.claim.name}; {judgement.claim.source}",
            judgement.verdict,
            *(numbers.get(name, "") for name in names),
            judgement.reason,
        )
        for judgement, numbers in shown
    )
    return Sheet("Claims", ("claim", "verdict", *names, "reason"), rows, labels=2, words=1)


def density_sheet(summary: Summary) -> Sheet:
    """Show a row for the cells of a sparse stage of a run: the percentage of weights present of each matrix."""
    sparse = [cell for cell in summary.cells.values() if any(share < 1 for share in cell.densities.values())]
    names = tuple(dict.fromkeys(name for cell in sparse for name in cell.densities))
    rows = tuple(
        (label, *(percent(cell.densities.get(name)) for name in names)) for label, cell in _stages(summary, sparse)
    )
    return Sheet("Share of weights present, by matrix (mean over runs)", ("", *names), rows)


def step_sheet(summary: Summary) -> Sheet:
    """Show a row for the cells of a stage of a run: the wall time of a training step, and where it was measured."""
    rows = []
    for label, cell in _stages(summary, [cell for cell in summary.cells.values() if cell.n]):
        times = [stage.step_ms for stage in cell.stages.values()]
        devices = dict.fromkeys(
            result.environment.device for seed, result in cell.results.items() if result and seed in cell.stages
        )
        numbers = (number(value, 2) for value in (statistics.fmean(times), min(times), max(times)))
        rows.append((label, str(cell.n), *numbers, "; ".join(devices)))
    return Sheet(
        "Step times (ms a training step, over runs)",
        ("", "n", "mean", "least", "greatest", "device"),
        tuple(rows),
        words=1,
    )


def _stages(summary: Summary, cells: Sequence[FilledCell]) -> list[tuple[str, FilledCell]]:
    """Return one cell of a row for those that read the same stage of the same runs, with what they are called."""
    alike: dict[tuple[str, Experiment, str], list[FilledCell]] = {}
    for found in cells:
        alike.setdefault((found.cell.row, found.cell.experiment, found.cell.stage), []).append(found)
    in_row = Counter(cell.row for cell in summary.table.cells)
    return [
        (row if 1 < len(same) == in_row[row] else f"{row}, {', '.join(each.cell.column for each in same)}", same[0])
        for (row, _, _), same in alike.items()
    ]


def spread_sheet(summary: Summary) -> Sheet:
    """Show a row a cell that has values: n, mean, both standard deviations, range."""
    rows = []
    for cell in summary.cells.values():
        if cell.n:
            values = cell.values.values()
            numbers = (cell.mean, cell.sd, cell.population_sd, min(values), max(values))
            rows.append((cell.cell.row, cell.cell.column, str(cell.n), *(number(value) for value in numbers)))
    columns = ("row", "column", "n", "mean", "sample sd", "population sd", "least", "greatest")
    return Sheet(f"Spread ({summary.table.unit})", columns, tuple(rows), labels=2)


def run_sheet(summary: Summary) -> Sheet:
    """Show a row a run and cell: seed, value, status, step time, peak memory, reason."""
    rows = []
    for cell in summary.cells.values():
        for seed, result in cell.results.items():
            if result is None:
                continue
            value = steps = step_ms = peak = ""
            stage = cell.stages.get(seed)
            if stage is not None:
                value, steps, step_ms = number(cell.values[seed]), str(stage.steps), number(stage.step_ms, 2)
                peak = number(stage.peak_memory_mb, 0)
            status = result.status + (", stale" if result.key in summary.stale else "")
            place = (cell.cell.row, cell.cell.column, str(seed))
            rows.append((*place, value, status, steps, step_ms, peak, result.reason or ""))
    columns = ("row", "column", "seed", summary.table.unit, "status", "steps", "ms a step", "peak MiB", "reason")
    return Sheet("Every run", columns, tuple(rows), labels=2, words=1)
