"""Texts about a table, a cell, a run or a claim, the same in terminal, HTML and Markdown."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256
from shlex import quote
from typing import get_args

from ..experiment import Environment, Result, StageResult
from ..tables import EXPLORATORY, FilledCell, Published, Summary, Verdict

LONGEST = 80  # characters of an anchor; names of files have a limit

EMPTY = (
    "Nothing to show. Name a table as in `srnn report moduli/table1`; `srnn run moduli/table1 --scale smoke` runs one."
)

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


def slug(text: str) -> str:
    """Return a text reduced to the characters that are safe in file names and anchors."""
    return re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-.") or "x"


def anchor(summary: Summary) -> str:
    """Return the anchor of the section of a table, which is also the prefix of the names of its figures."""
    table = summary.table
    name = slug("-".join([table.name, table.scale, *table.settings]))
    return name if len(name) <= LONGEST else f"{name[:LONGEST]}-{sha256(name.encode()).hexdigest()[:8]}"


def noise(summary: Summary) -> str:
    """Return why the numbers of a table mean nothing, an empty text if they mean something."""
    table = summary.table
    if table.scale != "smoke":
        return ""
    claims = len(table.claims)
    unjudged = (
        f" None of its {claims} claims is judged." if claims > 1 else " Its claim is not judged." if claims else ""
    )
    return (
        f"These numbers are noise: scale smoke trains for a few steps, only to test the code.{unjudged} "
        f"For numbers that mean something: srnn run {table.name} --scale quick"
    )


def caption(summary: Summary) -> str:
    """Return what a cell shows, and how many runs of the table ended."""
    table = summary.table
    return (
        f"{table.metric} in {table.unit}, {table.better} is better: mean ± sample standard deviation "
        f"(number of runs). {table.source}. {summary.done} of {summary.wanted} runs ended."
    )


def commands(summary: Summary) -> list[str]:
    """Return the commands that reproduce the runs and the report of a table."""
    table = summary.table
    seeds = dict.fromkeys(seed for cell in summary.cells.values() for seed in cell.results)
    settings = "".join(f" --set {quote(setting)}" for setting in table.settings)
    option = "" if tuple(seeds) == table.seeds else f" --seeds {','.join(map(str, seeds))}"
    asked = f"{table.name} --scale {table.scale}{settings}"
    return [f"srnn run {asked}{option}", f"srnn report {asked}"]


def counts(summary: Summary) -> dict[str, int]:
    """Return the number of runs by how they ended, without those of 0; stale runs are also among the others."""
    statuses = Counter(result.status for result in summary.results)
    numbers = {
        "done": statuses["done"],
        "diverged": statuses["diverged"],
        "failed": statuses["failed"],
        "not run": summary.wanted - len(summary.results),
        "stale": len(summary.stale),
    }
    return {name: count for name, count in numbers.items() if count}


def counted(numbers: dict[str, int]) -> str:
    """Return counts in words."""
    return ", ".join(f"{count} {name}" for name, count in numbers.items())


def verdicts(given: Iterable[str]) -> dict[str, int]:
    """Return how often each verdict was given, those of claims first, without those of 0."""
    counter = Counter(given)
    of_claims = (label for verdict in VERDICTS for label in (verdict, f"{verdict}{EXPLORATORY}"))
    return {verdict: counter[verdict] for verdict in dict.fromkeys((*of_claims, *counter)) if counter[verdict]}


def run_problems(summary: Summary) -> list[str]:
    """Return how many runs diverged, failed or are stale, and why; an empty list if there are none."""
    lines = []
    for status in ("diverged", "failed"):
        reasons = Counter(result.reason for result in summary.results if result.status == status)
        lines += [f"{count} {status}: {reason}" for reason, count in reasons.items()]
    lines += [
        f"{count} stale, produced by other package versions ({difference}); re-run with `srnn run --refresh`"
        for difference, count in Counter(summary.stale.values()).items()
    ]
    return lines


def measured_text(cell: FilledCell | None) -> str:
    """Return our mean, standard deviation and number of values, and how many runs have no value."""
    if cell is None:
        return ""
    parts = []
    if cell.mean is not None:
        spread = "" if cell.sd is None else f" ± {cell.sd:.2f}"
        parts.append(f"{cell.mean:.2f}{spread} ({cell.n})")
    return ", ".join(parts + without_value(cell))


def without_value(cell: FilledCell) -> list[str]:
    """Return how many runs of a cell have no value, by the cause."""
    causes = {"diverged": cell.diverged, "failed": cell.failed, "not run": cell.missing}
    return [f"{count} {cause}" for cause, count in causes.items() if count]


def published_text(published: Published | None) -> str:
    """Return the mean, the standard deviation and the number of runs that the paper gives."""
    if published is None:
        return ""
    spread = "" if published.sd is None else f" ± {published.sd:.2f}"
    return f"{published.mean:.2f}{spread}" + ("" if published.n is None else f" ({published.n})")


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with fixed digits, an empty text for None."""
    return "" if value is None else f"{value:.{digits}f}"


def percent(share: float | None) -> str:
    """Return a share as a percentage, an empty text for None."""
    return "" if share is None else f"{100 * share:.2f} %"


def probability(p: float) -> str:
    """Return a p value, below 0.001 as a bound."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def step_time(stages: Collection[StageResult]) -> str:
    """Return the mean time of a training step in milliseconds, and below it the engines that ran, if any was asked for.

    Empty without stages.
    """
    used = dict.fromkeys(engine for stage in stages for engine in stage.engines)
    time = number(statistics.fmean(stage.step_ms for stage in stages) if stages else None, 2)
    return "\n".join([time, *([", ".join(used)] if used else [])])


def engine_remarks(results: Sequence[Result]) -> list[str]:
    """Return a sentence per engine other than `loop` that runs were asked to use, with those that ran."""
    asked = Counter(result.environment.engine for result in results)
    lines = []
    for engine, count in asked.items():
        if engine != "loop":
            stages = [stage for each in results if each.environment.engine == engine for stage in each.stages]
            used = dict.fromkeys(name for stage in stages for name in stage.engines)
            ran = ", ".join(used) or "none, as no stage was finished"
            lines.append(f"{count} {'run' if count == 1 else 'runs'} by the engine {engine}; those that ran: {ran}")
    return lines


def environments(results: Sequence[Result]) -> list[str]:
    """Return a description of each distinct environment, with the number of its runs."""
    distinct = Counter(result.environment.model_dump_json() for result in results)
    return [
        f"{count} {'run' if count == 1 else 'runs'}: {_environment(Environment.model_validate_json(text))}"
        for text, count in distinct.items()
    ]


def _environment(environment: Environment) -> str:
    fields = environment.model_dump(exclude={"packages"}, exclude_none=True)
    facts = [f"{name.replace('_', ' ')} {value}" for name, value in fields.items()]
    return ", ".join(facts + [f"{name} {version}" for name, version in environment.packages.items()])
