"""The part of a page that compares the published runs with runs of the same seeds on another kind of processor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from _blocks import grid

from srnn_bench import Judgement, Summary, judge, papers, summarise
from srnn_bench.store import PublishedRuns, Store

OTHER = "other-processor"  # folder below that of the published runs


def processors(runs: Path, store: Store | None) -> Iterator[str]:
    """Yield, per table, the cells and the verdicts on both kinds of processors."""
    if store is None or not any((runs / OTHER).glob("*.jsonl")):
        return
    other = PublishedRuns(runs / OTHER)
    for name, scale in other.tables:
        table = papers.table(name, scale)
        pair = (summarise(table, store), summarise(table, other))
        names = tuple(_processor(summary) for summary in pair)
        yield f"### {name} at {scale}"
        yield _bits(*pair)
        places = [place for place in pair[0].cells if any(place in table.places_of(claim) for claim in table.claims)]
        yield grid(
            ("row", "column", *(f"{table.unit}, {each}" for each in names)),
            [(*place, *(_values(summary, place) for summary in pair)) for place in places],
            "llrr",
        )
        verdicts = [(claim, *each) for claim, *each in zip(table.claims, judge(pair[0]), judge(pair[1]), strict=True)]
        yield grid(
            ("claim", *(f"verdict, {each}" for each in names), *(f"p uncorrected, {each}" for each in names)),
            [(claim.name, *(each.label for each in both), *map(_p, both)) for claim, *both in verdicts],
            "lllrr",
        )
        changed = sum(first.verdict != second.verdict for _, first, second in verdicts)
        yield f"Verdicts that differ: {changed} of {len(verdicts)}."


def _processor(summary: Summary) -> str:
    found = dict.fromkeys(result.environment.processor or "unknown" for result in summary.results)
    return "; ".join(found)


def _bits(first: Summary, second: Summary) -> str:
    """Return how many runs of the same seeds gave the same numbers."""
    by_key = {result.key: result for result in second.results}
    pairs = [(result, by_key[result.key]) for result in first.results if result.key in by_key]
    same = sum(
        [stage.metrics for stage in one.stages] == [stage.metrics for stage in other.stages] for one, other in pairs
    )
    return f"{len(pairs)} runs with the same seeds; {same} of them have the same numbers on both."


def _values(summary: Summary, place: tuple[str, str]) -> str:
    return ", ".join(f"{value:.3g}" for value in summary.judged[place].values.values())


def _p(judgement: Judgement) -> str:
    return "" if judgement.p is None else f"{judgement.p:.2g}"
