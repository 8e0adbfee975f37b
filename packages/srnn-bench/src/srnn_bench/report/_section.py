"""A section of the report: everything that it says about one table, as text and figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ..tables import EXPLORATORY, Judgement, Study, Summary, judge
from ._claim_numbers import judgement_numbers
from ._protocol import protocol
from ._sheets import Sheet, cell_sheet, claim_sheet, density_sheet, failure_sheet, run_sheet, spread_sheet, step_sheet
from ._study_sheets import bin_sheets, prediction_sheets, preset_sheet, study_caption
from ._table_figures import drawings
from ._texts import anchor, caption, commands, counts, engine_remarks, environments, noise, run_problems, verdicts

if TYPE_CHECKING:
    from ..drawing import Drawing


@dataclass(frozen=True)
class Finding:
    """What the results say about one question: a verdict in one or two words, the statement judged, and the reason."""

    verdict: str
    statement: str
    reason: str

    @property
    def kind(self) -> str:
        """The verdict without the mark that it is exploratory."""
        return self.verdict.removesuffix(EXPLORATORY)


@dataclass(frozen=True)
class Section:
    """Everything that the report says about one table.

    The fields are the parts of the section, so that terminal, HTML and Markdown lay out the same text.

    Attributes:
        heading: Title of the table, with its name and scale.
        anchor: Prefix of the names of its figures; no two sections of a report have the same one.
        noise: Why the numbers mean nothing, empty if they mean something.
        findings: What the results say; shown before anything else. None where the numbers are noise.
        counts: Number of runs by how they ended, without those of 0.
        cells: The table.
        caption: What a cell shows.
        remarks: Sentences below the table.
        protocol: How the claims were judged: over which seeds, by which plan, corrected over which claims.
        judgements, numbers, claims: The claims, the numbers behind their verdicts, and both as a sheet.
        shown: Further sheets; empty ones are left out.
        folded: Sheets that the page folds and the terminal leaves out.
        runs: One row per run; only on the page.
        draw: Returns the figures.
    """

    heading: str
    anchor: str
    noise: str
    findings: tuple[Finding, ...]
    counts: dict[str, int]
    cells: Sheet
    caption: str
    remarks: tuple[str, ...]
    protocol: tuple[str, ...]
    judgements: tuple[Judgement, ...]
    numbers: tuple[dict[str, str], ...]
    claims: Sheet
    shown: tuple[Sheet, ...]
    folded: tuple[Sheet, ...]
    runs: Sheet
    environments: tuple[str, ...]
    commands: tuple[str, ...]
    draw: Callable[[], Sequence[Drawing]]

    @property
    def verdicts(self) -> dict[str, int]:
        """Number of findings by verdict."""
        return verdicts(finding.verdict for finding in self.findings)

    @cached_property
    def drawings(self) -> tuple[Drawing, ...]:
        """The figures, drawn when they are first asked for."""
        return tuple(self.draw())

    @cached_property
    def figures(self) -> tuple[tuple[Drawing, str], ...]:
        """The figures with their SVG for a page, made when they are first asked for."""
        from ..drawing import inline_svg

        return tuple((drawing, inline_svg(drawing)) for drawing in self.drawings)


def section(summary: Summary) -> Section:
    """Return the section of a table; its claims are judged here, except where the numbers are noise."""
    meaningless = noise(summary)
    judgements = tuple(judge(summary)) if summary.table.claims and not meaningless else ()
    sheets = _of_study(summary) if isinstance(summary.table, Study) else _of_cells(summary)
    return Section(
        heading=summary.table.heading,
        anchor=anchor(summary),
        noise=meaningless,
        findings=tuple(Finding(each.label, each.claim.statement, each.reason) for each in judgements),
        counts=counts(summary),
        cells=sheets.cells,
        caption=sheets.caption,
        remarks=(*summary.remarks, *run_problems(summary), *engine_remarks(summary.results)),
        protocol=protocol(summary) if judgements else (),
        judgements=judgements,
        numbers=tuple(judgement_numbers(each, summary.table) for each in judgements),
        claims=claim_sheet(judgements, summary.table),
        shown=sheets.shown,
        folded=sheets.folded,
        runs=sheets.runs,
        environments=tuple(environments(summary.results)),
        commands=tuple(commands(summary)),
        draw=lambda: drawings(summary),
    )


@dataclass(frozen=True)
class _Sheets:
    """The sheets of a section, and what the numbers of the first one are."""

    cells: Sheet
    caption: str
    shown: tuple[Sheet, ...]
    folded: tuple[Sheet, ...]
    runs: Sheet


def _of_cells(summary: Summary) -> _Sheets:
    return _Sheets(
        cells=cell_sheet(summary),
        caption=caption(summary),
        shown=(failure_sheet(summary), density_sheet(summary)),
        folded=(step_sheet(summary), spread_sheet(summary)),
        runs=run_sheet(summary),
    )


def _of_study(summary: Summary) -> _Sheets:
    """Return the sheets of a study, which summarise its draws: a row per draw would be too long."""
    predicted = () if noise(summary) else prediction_sheets(summary)
    return _Sheets(
        cells=preset_sheet(summary),
        caption=study_caption(summary),
        shown=(*bin_sheets(summary), *predicted[:1]),
        folded=predicted[1:],
        runs=Sheet("All runs", (), ()),
    )


def total_verdicts(sections: Iterable[Section]) -> dict[str, int]:
    """Return the number of findings by verdict over all sections."""
    return verdicts(finding.verdict for part in sections for finding in part.findings)
