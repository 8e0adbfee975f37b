"""Rewrite the generated parts of the pages in `docs/results` and `docs/findings` from the runs in `docs/results/runs`.

    python docs/results/write_pages.py            rewrites the pages, and prints which changed
    python docs/results/write_pages.py --check    only prints which are out of date; the exit code is 1 if there are any

A generated part stands between two comments of a page, each on a line of its own:

    <!-- generated: moduli/table1 quick -->
    <!-- end -->

It shows a table at a scale. A third word chooses one part of it: `values`, `densities` or `claims`. The word
`sensitivity` alone stands for the verdicts of all tables under other readings, `families` for the claims that are
corrected together, `plan` for an example of `srnn plan`, and `processors` for the comparison with
`docs/results/runs/other-processor`. Everything else on a page is written by hand and stays. A part whose runs are not
in `docs/results/runs` keeps its text, below a line that says so. Step times are not shown: they differ from machine to
machine.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from _blocks import PARTS, block
from _overviews import families, file_of, is_published, plan, sensitivities
from _processors import processors

from srnn_bench import BenchError, papers, summarise
from srnn_bench.store import Store, open_results, published_files

DOCS = Path(__file__).resolve().parents[1]

NOT_KEPT = "Values by seed not kept."

MARKER = re.compile(
    r"(?P<head><!-- generated: (?P<what>\S+(?: \S+){0,2}) -->\n)"
    r"(?P<text>.*?)(?P<end><!-- end -->)",
    re.DOTALL,
)

PARAGRAPH = "\n\n"

# parts that are not of one table
WHOLE = {"families": families, "plan": plan, "processors": processors, "sensitivity": sensitivities}


def pages(docs: Path) -> list[Path]:
    """Return the pages that may have generated parts."""
    return sorted(page for folder in ("", "results/", "findings/") for page in docs.glob(f"{folder}*.md"))


def write_pages(docs: Path, *, check: bool = False) -> list[Path]:
    """Rewrite the generated parts of all pages, and return the pages that changed; with `check`, change nothing.

    Raises:
        BenchError: If a comment is not closed or names an unknown table, scale or part. The message names the page.
    """
    runs = docs / "results" / "runs"
    store = open_results(runs) if published_files(runs) else None
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
    if summary is None or not is_published(summary, runs):
        old = old.removeprefix(f"{NOT_KEPT}\n").strip("\n")
        return f"{NOT_KEPT}\n" + (f"\n{old}\n" if old else "")
    file = file_of(summary, runs)
    link = Path(os.path.relpath(file if file.exists() else runs, page.parent)).as_posix()
    return PARAGRAPH.join(block(summary, (part,) if part else PARTS, link)) + "\n"


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
