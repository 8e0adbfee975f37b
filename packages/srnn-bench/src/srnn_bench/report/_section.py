"""A section of the report: everything that it says about one table, as text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..tables import Judgement, Summary, judge
from ._sheets import Sheet, cell_sheet, claim_sheet, density_sheet, run_sheet, spread_sheet, step_sheet
from ._texts import VERDICTS, anchor, caption, commands, counts, environments, run_problems, verdicts


@dataclass(frozen=True)
class Section:
    """Everything that the report says about one table.

    The fields are the parts of the section, so that terminal, HTML and Markdown lay out the same text.
    """

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
        """Unit of the metric of the table."""
        return self.summary.table.unit


def section(summary: Summary) -> Section:
    """Return the section of a table; its claims are judged here."""
    judgements = tuple(judge(summary)) if summary.table.claims else ()
    return Section(
        summary=summary,
        heading=summary.table.heading,
        anchor=anchor(summary),
        caption=caption(summary),
        counts=counts(summary),
        cells=cell_sheet(summary),
        remarks=(*summary.remarks, *run_problems(summary)),
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
    """Return the number of verdicts over all tables."""
    sections = tuple(sections)
    return {verdict: sum(part.verdicts[verdict] for part in sections) for verdict in VERDICTS}
