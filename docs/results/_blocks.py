"""The parts of a page that show one table: its values, the densities of its sparse stages, and its claims."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from srnn_bench import Judgement, Summary, Table, judge
from srnn_bench.report import bin_sheets, preset_sheet, protocol, study_caption
from srnn_bench.tables import FilledCell, Sample, Study

PARTS = ("values", "densities", "claims")


def block(summary: Summary, parts: Sequence[str], link: str) -> Iterator[str]:
    """Yield the paragraphs of a generated part."""
    is_study = isinstance(summary.table, Study)
    if "values" in parts:
        yield from _draws(summary, link) if is_study else _values(summary, link)
    if "densities" in parts and not is_study:
        yield from _densities(summary)
    if "claims" in parts and summary.table.claims:
        yield from _claims(judge(summary), summary)


def _values(summary: Summary, link: str) -> Iterator[str]:
    table, cells = summary.table, summary.cells
    means = [abs(cell.mean) for cell in cells.values() if cell.mean]
    size = math.floor(math.log10(max(means))) if means else 0
    digits = 0 if size > 2 else max(2, 2 - size)
    rows = [(row, *(_cell(cells.get((row, column)), digits, table) for column in table.columns)) for row in table.rows]
    yield grid(("", *table.columns), rows)
    problems = [
        f"{count} {status}"
        for status in ("diverged", "failed")
        if (count := sum(result.status == status for result in summary.results))
    ]
    ended = f"{len(summary.results)} of {summary.wanted} runs" + (
        f", of which {', '.join(problems)}" if problems else ""
    )
    yield (
        f"{table.metric} in {table.unit}, {table.better} is better: mean ± sample standard deviation (number of runs). "
        f"{table.source}. [Values by seed]({link}): {ended}."
    )
    if summary.remarks:
        yield "\n".join(f"- {escaped(remark)}" for remark in summary.remarks)


def _draws(summary: Summary, link: str) -> Iterator[str]:
    """Yield the draws of a study by preset and by the ranges of its features."""
    for sheet in (preset_sheet(summary), *bin_sheets(summary)):
        align = "l" * sheet.labels + "r" * (len(sheet.columns) - sheet.labels)
        yield grid(sheet.columns, sheet.rows, align)
    yield f"{escaped(study_caption(summary))} [Runs]({link})."


def _cell(cell: FilledCell | None, digits: int, table: Table) -> str:
    if cell is None:
        return ""
    values = [f"{cell.mean:.{digits}f}"] if cell.mean is not None else ["none"]
    values += [f"± {cell.sd:.{digits}f}"] if cell.sd is not None else []
    text = f"{' '.join(values)} ({cell.n})"
    threshold = table.plan.failure_threshold
    failures = 0 if threshold is None else Sample(cell, threshold, table.better == "lower").failures
    text += f"<br>{failures} failed to learn" if failures else ""
    published = cell.cell.published
    if published is not None:
        spread = "" if published.sd is None else f" ± {published.sd:.2f}"
        text += f"<br>paper {published.mean:.2f}{spread}" + ("" if published.n is None else f" ({published.n})")
    return text


def _densities(summary: Summary) -> Iterator[str]:
    """Yield the densities of sparse stages, one row per experiment and stage."""
    sparse: dict[object, FilledCell] = {}
    for cell in summary.cells.values():
        if any(share < 1 for share in cell.densities.values()):
            sparse.setdefault((cell.cell.experiment, cell.cell.stage), cell)
    names = list(dict.fromkeys(name for cell in sparse.values() for name in cell.densities))
    if sparse:
        columns = len(summary.table.columns) > 1 and len({cell.cell.row for cell in sparse.values()}) < len(sparse)
        rows = [
            (
                cell.cell.name if columns else cell.cell.row,
                *(f"{100 * cell.densities.get(name, 1):.2f}" for name in names),
            )
            for cell in sparse.values()
        ]
        yield grid(("weights present, %", *names), rows)


def _claims(judgements: Sequence[Judgement], summary: Summary) -> Iterator[str]:
    """Yield the claims with their verdicts and numbers, and how they were judged."""
    margins = [_margin(each, summary.table) for each in judgements]
    within = next(filter(None, margins), "")
    rows = []
    for judgement, margin in zip(judgements, margins, strict=True):
        p_values = [judgement.p_holm, *([judgement.p_equivalent_holm if margin else None] if within else [])]
        shown = ("" if p is None else f"{p:.2g}" for p in p_values)
        rows.append((judgement.claim.statement, judgement.label, _estimate(judgement, summary.table), *shown))
    names = ("claim", "verdict", "estimate", "p, Holm", *([f"p, within {within}"] if within else []))
    yield grid(names, rows, "ll" + "r" * (len(names) - 2))
    yield "\n".join(f"- {escaped(sentence)}" for sentence in protocol(summary))


def _estimate(judgement: Judgement, table: Table) -> str:
    """Return the estimate of a claim with its interval, or why there is none."""
    if judgement.estimate is None or judgement.interval is None:
        return judgement.reason
    if table.plan.log:
        value, low, high = (f"{math.exp(each):.3g}" for each in (judgement.estimate, *judgement.interval))
        return f"{value} ({low} to {high})"
    low, high = judgement.interval
    if judgement.measure is not None:
        return f"{judgement.measure} {judgement.estimate:.3g} ({low:.3g} to {high:.3g})"
    return f"{judgement.estimate:+.3g} {table.unit} ({low:+.3g} to {high:+.3g})"


def _margin(judgement: Judgement, table: Table) -> str:
    """Return the margin of the equivalence test of a claim, an empty text if there is none."""
    if judgement.margin is None:
        return ""
    return f"a factor of {math.exp(judgement.margin):.3g}" if table.plan.log else f"{judgement.margin:g} {table.unit}"


def grid(names: Sequence[str], rows: Sequence[Sequence[str]], align: str = "") -> str:
    """Return a table of Markdown; `align` has a letter per column, by default l for the first and r for the others."""
    align = align or "l" + "r" * (len(names) - 1)
    rule = [":---" if letter == "l" else "---:" for letter in align]
    lines = [[escaped(name) for name in names], rule, *([escaped(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escaped(text: str) -> str:
    """Return a text in which Markdown sees no markup, except line breaks."""
    text = re.sub(r"([\\`*\[\]|~$])|((?<!\w)_|_(?!\w))", r"\\\g<0>", text.replace("&", "&amp;"))
    return re.sub(r"<(?!br>)", "&lt;", text)
