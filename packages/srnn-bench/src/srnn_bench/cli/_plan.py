"""`srnn plan`: what the claims of a table can decide, before its runs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table as Grid

from ..report import family_gaps, look_text, plan_rules, seed_text
from ..store import Store
from ..tables import (
    Forecast,
    Sample,
    Study,
    Summary,
    Table,
    chance_of_no_failure,
    forecast,
    largest_hidden_rate,
    runs_that_exclude,
    seed_correlation,
    study_forecast,
    summarise,
    without_results,
)
from ._app import app, console
from ._arguments import ScaleName, Settings, existing_store, has_store, parse_seeds, scaled_table

Planned = Annotated[list[str], typer.Argument(help="Tables such as moduli/table1.")]

DEFAULT = Path("results")

StoredSpreads = Annotated[
    Path | None, typer.Option(help="Folder of a store or of published runs; default: results, if it has any.")
]

RATE = 0.2  # of failures that a plan may want to exclude

EXPLAINED = (
    "found: if every comparison of the claim lies this far on its better side, the claim is supported with 80 % power, "
    "at the first step of Holm's procedure over the family. equal within: if the means that the claim compares are "
    "equal, they are found to be within this margin with 80 % power. paired: if the plan pairs values by seed."
)

FOUND_IN_STUDIES = (
    "found: if the number that is tested (a probability, a rank correlation or a share) has this distance from its "
    "bound, the test finds it with 80 % power, at the first step of Holm's procedure over the family; empty where that "
    "depends on the results."
)


@app.command("plan")
def plan_(
    tables: Planned,
    scale: ScaleName = "quick",
    seeds: Annotated[str | None, typer.Option(help="Seeds such as 3-10; default: those of the table.")] = None,
    settings: Settings = None,
    results: StoredSpreads = None,
) -> None:
    """Print what the claims of tables can decide with a number of seeds, given the spreads of stored runs."""
    store = existing_store(results or DEFAULT) if results is not None or has_store(DEFAULT) else None
    wanted = None if seeds is None else parse_seeds(seeds)
    printed = False
    for name in tables:
        table = scaled_table(name, scale, settings)
        chosen = table.seeds if wanted is None else wanted
        print_plan(_filled(table, store), chosen, console)
        printed |= not isinstance(table, Study) and _undecidable(table, chosen) is None
    if printed:
        _print(console, EXPLAINED)


def print_plan(summary: Summary, seeds: tuple[int, ...], console: Console) -> None:
    """Print the plan of a table, and one row per claim with what `seeds` can decide, by the spreads in the summary."""
    table, n = summary.table, len(seeds)
    console.print(table.heading, markup=False, highlight=False, style="bold")
    nothing = _undecidable(table, seeds)
    if nothing is not None:
        _print(console, nothing)
        return
    if isinstance(table, Study):
        _print_study_plan(table, summary, console)
        return
    alone, paired = (forecast(summary, n, paired=each) for each in (False, True))
    family = (_family(summary), *family_gaps(summary))
    values = _values(summary, in_sds=any(each.in_sds for each in (*alone, *paired)))
    for sentence in (_seeds(seeds, summary), *plan_rules(table), *family, *values, *_failures(table, n)):
        _print(console, sentence)
    grid = Grid(box=box.SIMPLE_HEAD)
    for column in ("claim", "found", "equal within", "found, paired", "equal within, paired"):
        grid.add_column(column, justify="left" if column == "claim" else "right", overflow="fold")
    for one, other in zip(alone, paired, strict=True):
        numbers = (_number(each, size, table) for each in (one, other) for size in (each.distance, each.equality))
        grid.add_row(one.claim.name, *numbers)
    console.print(grid, markup=False, highlight=False)


def _print_study_plan(study: Study, summary: Summary, console: Console) -> None:
    """Print the plan of a study, and one row per test of its claims with what the draws can decide."""
    counts = ", ".join(f"{sum(draw.preset == preset for draw in study.draws)} {preset}" for preset in study.presets)
    seeds = f"Plan: {len(study.draws)} draws ({counts}), each run with {seed_text(study.seeds)}."
    for sentence in (seeds, *plan_rules(study), _family(summary), *family_gaps(summary)):
        _print(console, sentence)
    grid = Grid(box=box.SIMPLE_HEAD)
    for column in ("claim", "test", "draws", "found"):
        grid.add_column(column, justify="right" if column == "found" else "left", overflow="fold")
    for each in study_forecast(study, summary.family_size):
        sign = "+" if each.test.above else "−"
        found = "" if each.distance is None else f"{each.test.bound:g} {sign} {each.distance:.2g}"
        grid.add_row(each.claim.name, str(each.test), ", ".join(map(str, each.draws)), found)
    console.print(grid, markup=False, highlight=False)
    _print(console, FOUND_IN_STUDIES)


def _filled(table: Table, store: Store | None) -> Summary:
    """Return a table with the results of a store, without results if there is none."""
    if store is not None:
        return summarise(table, store)
    relatives = table.relatives()
    siblings = tuple(map(without_results, relatives.siblings))
    return replace(without_results(table), siblings=siblings, broken=relatives.broken)


def _undecidable(table: Table, seeds: tuple[int, ...]) -> str | None:
    """Return why nothing can be decided with these seeds, whatever the spreads; None if something can."""
    if not table.claims:
        return "This table has no claims."
    if table.scale == "smoke":
        return "Claims are not judged at scale smoke: its runs only test the code."
    if len(seeds) < 2 and not isinstance(table, Study):
        return f"One seed ({seeds[0]}) decides no claim: a t test needs two runs per cell."
    return None


def _seeds(seeds: tuple[int, ...], summary: Summary) -> str:
    plan = summary.table.plan
    if seeds == plan.seeds:
        look = look_text(plan)
        return f"Plan: {seed_text(seeds)}, n = {len(seeds)}{f' ({look})' if look else ''}."
    planned = f"The plan of the table fixes {seed_text(plan.seeds)}" if plan.seeds else "No plan fixes the seeds"
    old = {result.seed for result in summary.every_result}
    seen = sorted(old.union(*plan.looks) & set(seeds))
    fresh = f" A plan needs fresh seeds; there are results of {seed_text(seen)}." if seen else ""
    return f"{planned}; here: {seed_text(seeds)}, n = {len(seeds)}.{fresh}"


def _family(summary: Summary) -> str:
    size, family = summary.family_size, summary.table.family
    if size == 1:
        return f"The claim is alone in its family, {family}."
    return f"Family {family}: {size} claims are corrected together."


def _values(summary: Summary, *, in_sds: bool) -> Iterable[str]:
    """Yield where the spreads come from, how uncertain they are, and what pairing could gain."""
    counts = _learned(summary)
    enough = [count for count in counts if count > 1]
    if in_sds:
        yield (
            "Claims on cells with fewer than two stored runs that learned, or that learned together where they are "
            "compared within runs or seeds, are in standard deviations of a cell (sd)."
        )
    if not enough:
        return
    low, high = _uncertainty(min(enough))
    other = "other " if len(enough) < len(counts) else ""
    yield (
        f"Spreads are those of the stored runs that learned, at least {min(enough)} per {other}cell. From "
        f"{min(enough)} runs, the true standard deviation may be {low:.2g} to {high:.2g} times as large (95 %)."
    )
    correlation = seed_correlation(summary)
    if correlation is not None:
        yield (
            f"Correlation of cells over seeds: {correlation:+.2f}. Pairing gains power if it is clearly above 0; if it "
            "is clearly below, unpaired claims can err more often than in 5 %."
        )


def _learned(summary: Summary) -> list[int]:
    """Return the number of stored runs that learned of each cell that claims use, over all seeds."""
    table = summary.table
    places = dict.fromkeys(place for claim in table.claims for place in table.places_of(claim))
    lower, threshold = table.better == "lower", table.plan.failure_threshold
    return [len(Sample(summary.every_seed[place], threshold, lower).values) for place in places]


def _uncertainty(n: int) -> tuple[float, float]:
    """Return the limits of the 95 % interval of a standard deviation from `n` normal values, as multiples of it."""
    from scipy import stats  # type: ignore[import-untyped]

    low, high = (math.sqrt((n - 1) / float(stats.chi2.ppf(share, n - 1))) for share in (0.975, 0.025))
    return low, high


def _failures(table: Table, n: int) -> Iterable[str]:
    """Yield what failures mean for the distances, and what `n` runs per cell say about their rate."""
    if table.plan.failure_threshold is not None:
        yield "Distances are for seeds all of whose runs learn."
    chance, limit = (f"{100 * share:.0f} %" for share in (chance_of_no_failure(RATE, n), largest_hidden_rate(n)))
    yield (
        f"If {100 * RATE:g} % of the runs of a cell fail to learn, {n} runs show no failure with a chance of {chance}. "
        f"{n} runs without a failure exclude (at 95 %) rates above {limit}; to exclude {100 * RATE:g} %, a plan needs "
        f"n >= {runs_that_exclude(RATE)}."
    )


def _number(forecast: Forecast, size: float | None, table: Table) -> str:
    """Return a distance with its unit, an empty text for None."""
    if size is None:
        return ""
    if forecast.in_sds:
        return f"{size:.2f} sd"
    return f"x {math.exp(size):.3g}" if table.plan.log else f"{size:.3g} {table.unit}"


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False)
