"""The report's words: what is said of a table, a cell, a run, a claim. Terminal, HTML and Markdown say the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import get_args

from ..experiment import Environment, Result
from ..tables import FilledCell, Judgement, Published, Summary, Verdict

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


def slug(text: str) -> str:
    """Return a text as it may stand in the name of a file and in an anchor."""
    return re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-.") or "x"


def anchor(summary: Summary) -> str:
    """Return the name of the table's section, with which the names of its figures begin."""
    return slug(f"{summary.table.name}-{summary.table.scale}")


def caption(summary: Summary) -> str:
    """Say what a cell shows, and how much of the table is there."""
    table = summary.table
    warning = "A test of the machinery: numbers at scale smoke mean nothing. " if table.scale == "smoke" else ""
    return (
        f"{warning}{table.metric} in {table.unit}, {table.better} is better: mean ± sample standard deviation "
        f"(number of runs). {table.source}. {summary.done} of {summary.wanted} runs ended."
    )


def commands(summary: Summary) -> list[str]:
    """Return the command lines that make the table's runs and its report again."""
    table = summary.table
    found = dict.fromkeys(seed for cell in summary.cells.values() for seed in cell.results)
    seeds = "" if tuple(found) == table.seeds else f" --seeds {','.join(map(str, found))}"
    return [f"srnn run {table.name} --scale {table.scale}{seeds}", f"srnn report {table.name}"]


def counts(summary: Summary) -> dict[str, int]:
    """Count the runs that the table asks for by how they ended; stale ones are counted among the others too."""
    statuses = Counter(result.status for result in summary.results)
    return {
        "done": statuses["done"],
        "diverged": statuses["diverged"],
        "failed": statuses["failed"],
        "not run": summary.wanted - len(summary.results),
        "stale": len(summary.stale),
    }


def counted(numbers: dict[str, int]) -> str:
    """Say counts, those of nothing too."""
    return ", ".join(f"{count} {name}" for name, count in numbers.items())


def verdicts(judgements: Sequence[Judgement]) -> dict[str, int]:
    """Count the verdicts."""
    held = Counter(judgement.verdict for judgement in judgements)
    return {verdict: held[verdict] for verdict in VERDICTS}


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


def ours(cell: FilledCell | None) -> str:
    """Show our numbers, and the count of runs that gave none."""
    if cell is None:
        return ""
    parts = []
    if cell.mean is not None:
        spread = "" if cell.sd is None else f" ± {cell.sd:.2f}"
        parts.append(f"{cell.mean:.2f}{spread} ({cell.n})")
    return ", ".join(parts + without_value(cell))


def without_value(cell: FilledCell) -> list[str]:
    """Say how many runs of a cell gave no value, by what became of them."""
    gone = {"diverged": cell.diverged, "failed": cell.failed, "not run": cell.missing}
    return [f"{count} {name}" for name, count in gone.items() if count]


def theirs(published: Published | None) -> str:
    """Show the paper's mean, its standard deviation and its number of runs."""
    if published is None:
        return ""
    spread = "" if published.sd is None else f" ± {published.sd:.2f}"
    return f"{published.mean:.2f}{spread}" + ("" if published.n is None else f" ({published.n})")


def number(value: float | None, digits: int = 3) -> str:
    """Show a number, or nothing where there is none."""
    return "" if value is None else f"{value:.{digits}f}"


def percent(share: float | None) -> str:
    """Show a share as a percentage, or nothing where there is none."""
    return "" if share is None else f"{100 * share:.2f} %"


def probability(p: float) -> str:
    """Show a p value; a small one by its bound."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def evidence(judgement: Judgement, unit: str) -> dict[str, str]:
    """Show the numbers behind a verdict by name; those that could not be computed are left out."""
    found: dict[str, str] = {}
    if judgement.deciding is not None:
        found["contrast"] = str(judgement.deciding)
    if judgement.estimate is not None:
        found["estimate"] = f"{judgement.estimate:+.2f} {unit}" + _interval(judgement.interval)
    if judgement.deciding is not None:
        limits = {"bound": judgement.deciding.bound, "margin": judgement.deciding.margin}
        found |= {name: f"{value:g} {unit}" for name, value in limits.items() if value}
    if judgement.bootstrap is not None:
        found["bootstrap"] = _interval(judgement.bootstrap).lstrip(", ")
    if judgement.effect is not None:
        found["effect size"] = f"g = {judgement.effect:+.2f}"
    if judgement.p_holm is not None:
        found["p, Holm"] = probability(judgement.p_holm)
        if judgement.p is not None:
            found["p, Holm"] += f" ({probability(judgement.p)} uncorrected)"
    if judgement.detectable is not None:
        found["smallest detectable"] = f"{judgement.detectable:.2f} {unit} (80 % power)"
    ranks = []
    if judgement.rank_effect is not None:
        ranks.append(f"P(better) = {judgement.rank_effect:.2f}")
    if judgement.rank_p is not None:
        ranks.append(f"p = {probability(judgement.rank_p)}".replace("= <", "<"))
    if ranks:
        found["rank test"] = ", ".join(ranks)
    runs = [f"{row}, {column}: {n}" for (row, column), n in judgement.n.items()]
    if len(runs) > 1 and len(set(judgement.n.values())) == 1:
        runs = [f"{next(iter(judgement.n.values()))} in each cell"]
    gone = {"diverged": judgement.diverged, "missing": judgement.missing}
    found["runs"] = "; ".join([*runs, *(f"{count} {name}" for name, count in gone.items() if count)])
    return found


def _interval(ends: tuple[float, float] | None) -> str:
    return "" if ends is None else f", 95 % {ends[0]:+.2f} to {ends[1]:+.2f}"


def verdict_line(judgement: Judgement) -> str:
    """Say a verdict in one line, with the reason for it."""
    return f"{judgement.verdict}: {judgement.claim.name} ({judgement.reason.rstrip('.')})"


def environments(results: Sequence[Result]) -> list[str]:
    """Describe each distinct environment, with the number of runs made in it."""
    distinct = Counter(result.environment.model_dump_json() for result in results)
    return [
        f"{count} {'run' if count == 1 else 'runs'}: {_environment(Environment.model_validate_json(text))}"
        for text, count in distinct.items()
    ]


def _environment(environment: Environment) -> str:
    fields = environment.model_dump(exclude={"packages"}, exclude_none=True)
    facts = [f"{name.replace('_', ' ')} {value}" for name, value in fields.items()]
    return ", ".join(facts + [f"{name} {version}" for name, version in environment.packages.items()])
