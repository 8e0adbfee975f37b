"""The report: the paper's numbers beside ours, in the terminal and as one HTML file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined
from rich import box
from rich.console import Console
from rich.table import Table as Grid

from ._result import Environment, Result
from ._summary import CellSummary, Summary
from ._table import Published

DENSITIES = "Share of weights present, by matrix (mean over runs)"


def print_report(summaries: Iterable[Summary], console: Console) -> None:
    """Print each table: a cell shows our mean ± sample sd (number of runs), and the paper's numbers below."""
    for summary in summaries:
        table = summary.table
        grid = _grid(table.columns)
        for row in table.rows:
            cells = [summary.cells.get((row, column)) for column in table.columns]
            grid.add_row(row, *(ours(cell) for cell in cells))
            if any(cell is not None and cell.cell.published for cell in cells):
                grid.add_row("  paper", *(theirs(cell.cell.published if cell else None) for cell in cells), style="dim")
        _say(console, heading(summary), style="bold")
        console.print(grid)
        _say(console, caption(summary))
        for remark in (*summary.remarks, *troubles(summary)):
            _say(console, f"- {remark}")
        names, rows = density_rows(summary)
        if rows:
            densities = _grid(names)
            for label, shares in rows:
                densities.add_row(label, *shares)
            console.print()
            _say(console, DENSITIES, style="bold")
            console.print(densities)
        console.print()


def _grid(columns: Iterable[str]) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD)
    grid.add_column("")
    for column in columns:
        grid.add_column(column, justify="right", overflow="fold")
    return grid


def _say(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, markup=False, highlight=False, style=style)


def write_html(summaries: Sequence[Summary], path: str | Path) -> Path:
    """Write the report as one file that needs nothing beside it."""
    templates = Templates(
        loader=PackageLoader("srnn_bench"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [
        {
            "summary": summary,
            "heading": heading(summary),
            "caption": caption(summary),
            "densities": density_rows(summary),
            "remarks": [*summary.remarks, *troubles(summary)],
            "spread": spread_rows(summary),
            "runs": run_rows(summary),
            "environments": environments(summary.results),
        }
        for summary in summaries
    ]
    page = templates.get_template("report.html.jinja").render(
        sections=sections, ours=ours, theirs=theirs, densities=DENSITIES
    )
    target = Path(path)
    target.write_text(page, encoding="utf-8")
    return target


def heading(summary: Summary) -> str:
    """Name the table and its scale."""
    return f"{summary.table.title} [{summary.table.name}, scale {summary.table.scale}]"


def caption(summary: Summary) -> str:
    """Say what a cell shows, and how much of the table is there."""
    table = summary.table
    warning = "A test of the machinery: numbers at scale smoke mean nothing. " if table.scale == "smoke" else ""
    return (
        f"{warning}{table.metric} in {table.unit}, {table.better} is better: mean ± sample standard deviation "
        f"(number of runs). {table.source}. {summary.done} of {summary.wanted} runs ended."
    )


def ours(cell: CellSummary | None) -> str:
    """Show our numbers, and the count of runs that gave none."""
    if cell is None:
        return ""
    parts = []
    if cell.mean is not None:
        spread = "" if cell.sd is None else f" ± {cell.sd:.2f}"
        parts.append(f"{cell.mean:.2f}{spread} ({cell.n})")
    for status in ("diverged", "failed"):
        count = len(cell.without_value(status))
        if count:
            parts.append(f"{count} {status}")
    if cell.missing:
        parts.append(f"{cell.missing} not run")
    return ", ".join(parts)


def theirs(published: Published | None) -> str:
    """Show the paper's mean, its standard deviation and its number of runs."""
    if published is None:
        return ""
    spread = "" if published.sd is None else f" ± {published.sd:.2f}"
    return f"{published.mean:.2f}{spread}" + ("" if published.n is None else f" ({published.n})")


def spread_rows(summary: Summary) -> list[tuple[str, ...]]:
    """Return a row a cell that has values: row, column, n, mean, both standard deviations, range, step time in ms."""
    rows: list[tuple[str, ...]] = []
    for cell in summary.cells.values():
        if cell.n:
            values = cell.values.values()
            numbers = (cell.mean, cell.sd, cell.population_sd, min(values), max(values), cell.step_ms)
            shown = ("" if number is None else f"{number:.3f}" for number in numbers)
            rows.append((cell.cell.row, cell.cell.column, str(cell.n), *shown))
    return rows


def density_rows(summary: Summary) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Return matrix names, and a row a sparse cell: its label and the percentage of weights present of each matrix."""
    sparse = [cell for cell in summary.cells.values() if any(share < 1 for share in cell.densities.values())]
    names = list(dict.fromkeys(name for cell in sparse for name in cell.densities))
    rows = [
        (f"{cell.cell.row}, {cell.cell.column}", [_percent(cell.densities.get(name)) for name in names])
        for cell in sparse
    ]
    return names, rows


def _percent(density: float | None) -> str:
    return "" if density is None else f"{100 * density:.2f} %"


def run_rows(summary: Summary) -> list[tuple[str, ...]]:
    """Return a row a run and stage: cell, seed, value, status, step time, peak memory, reason."""
    rows: list[tuple[str, ...]] = []
    for cell in summary.cells.values():
        for seed, result in cell.results.items():
            if result is None:
                continue
            value = steps = step_ms = peak = ""
            stage = cell.stages.get(seed)
            if stage is not None:
                value, steps, step_ms = f"{cell.values[seed]:.3f}", str(stage.steps), f"{stage.step_ms:.2f}"
                peak = "" if stage.peak_memory_mb is None else f"{stage.peak_memory_mb:.0f}"
            status = result.status + (", stale" if result.key in summary.stale else "")
            place = (cell.cell.row, cell.cell.column, str(seed))
            rows.append((*place, value, status, steps, step_ms, peak, result.reason or ""))
    return rows


def troubles(summary: Summary) -> list[str]:
    """Say how many runs diverged, failed or are stale, and why; an empty list when all is well."""
    lines = []
    for status in ("diverged", "failed"):
        reasons = Counter(result.reason for result in summary.results if result.status == status)
        lines += [f"{count} {status}: {reason}" for reason, count in reasons.items()]
    lines += [
        f"{count} stale, made by other packages ({difference}); `srnn run --refresh` makes them again"
        for difference, count in Counter(summary.stale.values()).items()
    ]
    return lines


def environments(results: Sequence[Result]) -> list[tuple[Environment, int]]:
    """Return the distinct environments with the number of runs made in each."""
    distinct = {result.environment.model_dump_json(): result.environment for result in results}
    counts = Counter(result.environment.model_dump_json() for result in results)
    return [(environment, counts[text]) for text, environment in distinct.items()]
