"""`srnn list`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from srnn_tasks import entries

from .. import papers
from .._errors import BenchError
from ..experiment import Conditions
from ..store import Store
from ..sweep import EXECUTORS, TRACKERS, Expectation, roughly
from ..tables import SCALES, Table, summarise
from ..training import explain
from ._app import app, print_line
from ._arguments import Results, default_workers, existing_store, has_store
from ._data import data_set_of


@app.command("list")
def list_(
    state: Annotated[
        bool, typer.Option("--state", help="Count the runs of each table at each scale, finished and in total.")
    ] = False,
    results: Results = Path("results"),
) -> None:
    """List the papers with their tables, expected times and data, and the tasks, trackers and executors."""
    store = existing_store(results) if state and has_store(results) else None
    workers = default_workers("processes", Conditions(device="cpu"))
    expectation = Expectation()
    for entry in papers.PAPERS.entries():
        if entry.error is not None:
            print_line(f"Paper {entry.name}, {entry.distribution}: broken: {entry.error}")
            continue
        paper = papers.PAPERS.load(entry.name)
        print_line(f"Paper {paper.name}: {paper.title}, arXiv {paper.arxiv} ({entry.distribution})")
        print_line(_row("table", SCALES, "data", "title"))
        for table, variants in paper.groups.items():
            _print_group(paper, table, variants, expectation, workers)
            for name in (table, *variants) if state else ():
                print_line(f"    {paper.full_name(name):<28} {_state(paper, name, store)}")
    print_line(
        f"Times are estimates for the CPU of this machine with {workers} runs in parallel; `srnn run TABLE --dry-run` "
        "measures them. The tables after `also` are other readings of the one above, "
        "which take roughly as long, or further tables of the same runs."
    )
    if store is not None:
        counts = ", ".join(f"{count} {status}" for status, count in sorted(store.statuses().items()))
        print_line(f"Runs in {store.path}: {counts or 'none'}")
    print_line("Tasks")
    for task in entries():
        _print_extension(task.kind, task.distribution, task.error)
    for heading, extensions in (("Trackers", TRACKERS), ("Executors", EXECUTORS)):
        print_line(heading)
        for entry in extensions.entries():
            _print_extension(entry.name, entry.distribution, entry.error)


def _print_extension(name: str, distribution: str, error: str | None) -> None:
    print_line(f"  {name:<20} {distribution}: {'ok' if error is None else f'broken: {error}'}")


def _row(name: str, times: Sequence[str], data: str, title: str) -> str:
    return f"  {name:<22} {''.join(f'{time:>7}' for time in times)}  {data:<19} {title}".rstrip()


def _print_group(
    paper: papers.Paper, table: str, variants: tuple[str, ...], expectation: Expectation, workers: int
) -> None:
    """Print a table with its expected times, its data and its title at quick, and the names of its other readings."""
    name = paper.full_name(table)
    try:
        built = {scale: paper.table(table, scale) for scale in SCALES}
    except Exception as error:  # a table of a third party may raise anything
        print_line(f"  {name:<22} broken: {explain(error)}")
        return
    times = [roughly(expectation.jobs(each.jobs(), workers)) for each in built.values()]
    print_line(_row(name, times, _data(built["paper"]), built["quick"].title))
    if variants:
        print_line(f"    also {', '.join(variant.removeprefix(table) for variant in variants)}")


def _data(table: Table) -> str:
    """Return the data sets that the tasks of a table read, and whether they were found."""
    tasks = dict.fromkeys(
        stage.task or cell.experiment.task for cell in table.cells for stage in cell.experiment.stages
    )
    found = {data.title: data.place is not None for data in map(data_set_of, tasks) if data is not None}
    return ", ".join(title + ("" if there else " (missing)") for title, there in found.items()) or "none"


def _state(paper: papers.Paper, name: str, store: Store | None) -> str:
    """Return the numbers of finished and requested runs of a table at each scale."""
    states = []
    for scale in SCALES:
        try:
            table = paper.table(name, scale)
            summary = None if store is None else summarise(table, store)
        except Exception as error:  # a table of a third party may raise anything
            states.append(f"{scale} {error if isinstance(error, BenchError) else f'broken: {explain(error)}'}")
            continue
        if summary is None:
            states.append(f"{scale} 0/{len(table.jobs())}")
            continue
        stale = f", {len(summary.stale)} stale" if summary.stale else ""
        states.append(f"{scale} {summary.done}/{summary.wanted}{stale}")
    return "; ".join(states)
