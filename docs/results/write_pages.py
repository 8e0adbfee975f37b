"""Rewrite the generated parts of the pages in `docs/results` and `docs/findings` from the runs in `docs/results/runs`.

    python docs/results/write_pages.py            rewrites the pages, and prints which changed
    python docs/results/write_pages.py --check    only prints which are out of date; the exit code is 1 if there are any

A generated part stands between two comments of a page, each on a line of its own:

    <!-- generated: moduli/table1 quick -->
    <!-- end -->

It shows a table at a scale. A third word chooses one part of it: `values`, `densities` or `claims`. The word
`sensitivity` alone stands for the verdicts of all tables under other readings, and `families` for the claims that are
corrected together. Everything else on a page is written by hand and stays. A part whose runs are not in
`docs/results/runs` keeps its text, below a line that says so. Step times are not shown: they differ from machine to
machine.
"""

from __future__ import annotations

import argparse
import math
import os
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from srnn_bench import BenchError, Judgement, Summary, Table, judge, papers, summarise
from srnn_bench.store import Store, open_results
from srnn_bench.tables import VARIANTS, FilledCell, Sensitivity, sensitivity

DOCS = Path(__file__).resolve().parents[1]

NOT_KEPT = "Values by seed not kept."

MARKER = re.compile(
    r"(?P<head><!-- generated: (?P<what>\S+(?: \S+){0,2}) -->\n)"
    r"(?P<text>.*?)(?P<end><!-- end -->)",
    re.DOTALL,
)

PARAGRAPH = "\n\n"

PARTS = ("values", "densities", "claims")


def pages(docs: Path) -> list[Path]:
    """Return the pages that may have generated parts."""
    return sorted(page for folder in ("", "results/", "findings/") for page in docs.glob(f"{folder}*.md"))


def write_pages(docs: Path, *, check: bool = False) -> list[Path]:
    """Rewrite the generated parts of all pages, and return the pages that changed; with `check`, change nothing.

    Raises:
        BenchError: If a comment is not closed or names an unknown table, scale or part. The message names the page.
    """
    runs = docs / "results" / "runs"
    store = open_results(runs) if any(runs.glob("*.jsonl")) else None
    changed = []
    for page in pages(docs):
        text = page.read_text(encoding="utf-8")
        if text.count("<!-- generated:") != len(MARKER.findall(text)):
            raise BenchError(f"{page}: expected `<!-- generated: TABLE SCALE -->`, text, and `<!-- end -->`")
        new = MARKER.sub(partial(_replaced, page=page, runs=runs, store=store), text)
        if new != text:
            changed.append(page)
            if not check:
                page.write_text(new, encoding="utf-8")
    return changed


def _replaced(match: re.Match[str], page: Path, runs: Path, store: Store | None) -> str:
    """Return a generated part anew, with its comments."""
    name, *words = match["what"].split()
    whole = WHOLE.get(name)
    if whole is not None and not words:
        return f"{match['head']}{PARAGRAPH.join(whole(runs, store))}\n{match['end']}"
    if not words:
        raise BenchError(f"{page}: expected a table and a scale, or one of {', '.join(WHOLE)}, got {name!r}")
    return match["head"] + _of_table(name, words, match["text"], page, runs, store) + match["end"]


def _of_table(table: str, words: Sequence[str], old: str, page: Path, runs: Path, store: Store | None) -> str:
    """Return the text of a table at a scale, or of one part of it."""
    scale, part = words[0], words[1] if len(words) > 1 else None
    if part not in (None, *PARTS):
        raise BenchError(f"{page}: part: expected one of {', '.join(PARTS)}, got {part!r}")
    try:
        summary = None if store is None else summarise(papers.table(table, scale), store)
    except BenchError as error:
        raise BenchError(f"{page}: {error}") from error
    if summary is None or not _is_published(summary, runs):
        old = old.removeprefix(f"{NOT_KEPT}\n").strip("\n")
        return f"{NOT_KEPT}\n" + (f"\n{old}\n" if old else "")
    file = _file(summary, runs)
    link = Path(os.path.relpath(file if file.exists() else runs, page.parent)).as_posix()
    return PARAGRAPH.join(block(summary, (part,) if part else PARTS, link)) + "\n"


def _file(summary: Summary, runs: Path) -> Path:
    return runs / f"{summary.table.name.replace('/', '-')}-{summary.table.scale}.jsonl"


def _is_published(summary: Summary, runs: Path) -> bool:
    """Return whether a table has a file of runs, or all its runs are in those of others."""
    return _file(summary, runs).exists() or summary.wanted == len(summary.results)


def block(summary: Summary, parts: Sequence[str], link: str) -> Iterator[str]:
    """Yield the paragraphs of a generated part."""
    if "values" in parts:
        yield from _values(summary, link)
    if "densities" in parts:
        yield from _densities(summary)
    if "claims" in parts and summary.table.claims:
        yield _grid(
            ("claim", "verdict", "estimate", "p, Holm"), [_claim(each, summary) for each in judge(summary)], "llrr"
        )


def _values(summary: Summary, link: str) -> Iterator[str]:
    table, cells = summary.table, summary.cells
    means = [abs(cell.mean) for cell in cells.values() if cell.mean]
    size = math.floor(math.log10(max(means))) if means else 0
    digits = 0 if size > 2 else max(2, 2 - size)
    rows = [(row, *(_cell(cells.get((row, column)), digits) for column in table.columns)) for row in table.rows]
    yield _grid(("", *table.columns), rows)
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
        yield "\n".join(f"- {_escaped(remark)}" for remark in summary.remarks)


def _cell(cell: FilledCell | None, digits: int) -> str:
    if cell is None:
        return ""
    values = [f"{cell.mean:.{digits}f}"] if cell.mean is not None else ["none"]
    values += [f"± {cell.sd:.{digits}f}"] if cell.sd is not None else []
    text = f"{' '.join(values)} ({cell.n})"
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
        yield _grid(("weights present, %", *names), rows)


def _claim(judgement: Judgement, summary: Summary) -> tuple[str, ...]:
    estimate = ""
    if judgement.estimate is not None and judgement.interval is not None:
        low, high = judgement.interval
        estimate = f"{judgement.estimate:+.3g} {summary.table.unit} ({low:+.3g} to {high:+.3g})"
    p = "" if judgement.p_holm is None else f"{judgement.p_holm:.2g}"
    return judgement.claim.statement, judgement.verdict, estimate, p


def _families(runs: Path, store: Store | None) -> Iterator[str]:
    """Yield the families of all tables with claims, with the number of claims of each at quick and at paper."""
    listed: set[str] = set()
    rows = []
    for name in _own_tables():
        table = papers.table(name, "quick")
        if not table.claims or table.family in listed:
            continue
        relatives = table.relatives()
        members = [each for each in (table, *relatives.siblings) if each.claims]
        readings = dict.fromkeys(each.family for each in relatives.readings)
        listed |= {table.family, *readings}
        numbers = [_number(table.family, members, scale) for scale in ("quick", "paper")]
        others = (f"{family} ({_number(family, relatives.readings, 'quick')})" for family in readings)
        rows.append((table.family, ", ".join(each.name for each in members), *numbers, ", ".join(others)))
    names = (
        "family",
        "tables",
        "claims at quick",
        "claims at paper",
        "other readings, each a family (claims at quick)",
    )
    yield _grid(names, rows, "llrrl")


def _number(family: str, tables: Sequence[Table], scale: str) -> str:
    """Return the number of claims that the tables of a family have at a scale."""
    scaled = (papers.table(table.name, scale) for table in tables if table.family == family)
    return str(sum(len(table.claims) for table in scaled))


def _sensitivity(runs: Path, store: Store | None) -> Iterator[str]:
    """Yield the verdicts on the claims of all published tables as declared and under other readings."""
    scales = () if store is None else tuple(dict.fromkeys(scale for _, scale in store.tables))
    rows: list[tuple[str, ...]] = []
    others, unread = 0, []
    for name, scale in ((name, scale) for scale in scales for name in _own_tables()):
        try:
            summary = summarise(papers.table(name, scale), store)
        except BenchError:  # the learning curves that it reads were not published
            unread.append(f"{name} at {scale}")
            continue
        if summary.table.claims and _is_published(summary, runs):
            judged = sensitivity(summary)
            rows += [_varied(each, summary.table) for each in judged if each.variants]
            others += sum(not each.variants for each in judged)
    yield _grid(("table", "claim", "as declared", *VARIANTS), rows, "l" * (3 + len(VARIANTS)))
    yield f"{others} other claims of these tables have no such number."
    if unread:
        yield f"The published runs lack the learning curves that {', '.join(unread)} read{'s' * (len(unread) == 1)}."


def _varied(row: Sensitivity, table: Table) -> tuple[str, ...]:
    declared = row.declared.label
    verdicts = {name: judgement.label for name, judgement in row.variants.items()}
    shown = {name: verdict if verdict == declared else f"{verdict} (changed)" for name, verdict in verdicts.items()}
    return (
        f"{table.name} {table.scale}",
        row.declared.claim.name,
        declared,
        *(shown.get(name, "") for name in VARIANTS),
    )


WHOLE = {"families": _families, "sensitivity": _sensitivity}  # parts that are not of one table


def _own_tables() -> list[str]:
    """Return the names of the tables of this repository, without those of installed plug-ins."""
    own = {entry.name for entry in papers.PAPERS.entries() if entry.distribution == "built-in"}
    return [name for name in papers.table_names() if name.partition("/")[0] in own]


def _grid(names: Sequence[str], rows: Sequence[Sequence[str]], align: str = "") -> str:
    """Return a table of Markdown; `align` has a letter per column, by default l for the first and r for the others."""
    align = align or "l" + "r" * (len(names) - 1)
    rule = [":---" if letter == "l" else "---:" for letter in align]
    lines = [[_escaped(name) for name in names], rule, *([_escaped(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(text: str) -> str:
    """Return a text in which Markdown sees no markup, except line breaks."""
    text = re.sub(r"([\\`*\[\]|~$])|((?<!\w)_|_(?!\w))", r"\\\g<0>", text.replace("&", "&amp;"))
    return re.sub(r"<(?!br>)", "&lt;", text)


def main() -> None:
    """Rewrite or check the pages of this repository."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only print which pages are out of date")
    arguments = parser.parse_args()
    changed = write_pages(DOCS, check=arguments.check)
    for page in changed:
        print(f"{page.relative_to(DOCS.parent)}: {'out of date' if arguments.check else 'rewritten'}")
    raise SystemExit(1 if arguments.check and changed else 0)


if __name__ == "__main__":
    main()
