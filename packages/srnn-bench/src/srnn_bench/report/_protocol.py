"""How the claims of a table were judged: seeds, plan, family, readings and failures, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..tables import Plan, Study, Summary, Table, largest_hidden_rate, runs_that_exclude

ORDINALS = ("first", "second", "third", "fourth", "fifth")


def protocol(summary: Summary) -> tuple[str, ...]:
    """Return how the claims of a table were judged, one sentence or two per point."""
    if not summary.table.claims:
        return ()
    others = (_family(summary), *family_gaps(summary), _readings(summary), _failure_rate(summary))
    return tuple(text for text in (_judged_seeds(summary), *plan_rules(summary.table), *others) if text)


def shown_only(summary: Summary) -> list[int]:
    """Return the seeds whose runs are shown but not judged."""
    return sorted({result.seed for result in summary.every_result} - set(summary.table.seeds))


def plan_rules(table: Table) -> Iterator[str]:
    """Yield what the plan of a table says besides its seeds."""
    plan, rules = table.plan, []
    if plan.margin is not None:
        margin = f"a factor of {plan.margin:g}" if plan.log else f"{plan.margin:g} {table.unit}"
        rules.append(f"means are equivalent if they are shown to differ by less than {margin}")
    if plan.failure_threshold is not None:
        worse = f"{plan.failure_threshold:g} {table.unit} or {'above' if table.better == 'lower' else 'below'}"
        failed = "is unstable" if isinstance(table, Study) else "failed to learn"
        rules.append(f"a run that diverged, or whose value is {worse}, {failed}")
    if plan.log:
        rules.append("logarithms are compared, i.e. geometric means")
    if plan.paired:
        rules.append("values are paired by seed")
    if rules:
        text = "; ".join(rules)
        yield f"{text[0].upper()}{text[1:]}."
    if plan.note:
        yield f"Note: {plan.note}"


def family_gaps(summary: Summary) -> Iterator[str]:
    """Yield which tables of the family count with p = 1 though they were run, and which may be missing from it."""
    for name, error in summary.unread.items():
        yield f"The results of {name} cannot be read ({error}): its claims count with p = 1."
    if summary.broken:
        tables, belong = ("Table", "it belongs") if len(summary.broken) == 1 else ("Tables", "they belong")
        listed = ", ".join(summary.broken)
        yield f"{tables} {listed} cannot be built: if {belong} to this family, p values are too small."


def seed_text(seeds: Sequence[int]) -> str:
    """Return seeds as a text such as "seeds 0-2, 5" or "seed 7"."""
    ranges: list[list[int]] = []
    for seed in seeds:
        if ranges and seed == ranges[-1][1] + 1:
            ranges[-1][1] = seed
        else:
            ranges.append([seed, seed])
    text = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {text}"


def look_text(plan: Plan) -> str:
    """Return which look at results a plan is for, with the seeds of the earlier looks; an empty text for the first."""
    if not plan.looks:
        return ""
    number = len(plan.looks) + 1
    which = ORDINALS[number - 1] if number <= len(ORDINALS) else f"{number}th"
    return f"{which} look; looked at before: {'; '.join(map(seed_text, plan.looks))}"


def _judged_seeds(summary: Summary) -> str:
    table, others = summary.table, shown_only(summary)
    seeds = seed_text(table.seeds)
    if isinstance(table, Study):
        seeds = f"{len(table.draws)} draws with {seeds}"
    if table.plan.exploratory:
        changed = "; the plan of the table does not hold for changed settings" if table.settings else ""
        text = f"Exploratory: judged over {seeds}, which no plan fixed before the runs{changed}."
    else:
        look = look_text(table.plan)
        text = f"Planned: judged over {seeds}, fixed before the runs{f' ({look})' if look else ''}."
    return text + (f" Shown but not judged: {seed_text(others)}." if others else "")


def _family(summary: Summary) -> str:
    size, table = summary.family_size, summary.table
    if not summary.siblings:
        return f"Corrected over the {size} claims of {table.family}." if size > 1 else ""
    members = [each for each in (summary, *summary.siblings) if each.table.claims]
    numbers = ", ".join(f"{len(each.table.claims)} of {each.table.name}" for each in members)
    read = [each for each in members if each.table.name not in summary.unread]
    lacking = [each.table.name for each in read if len(each.results) < each.wanted]
    untested = f" Runs are missing of {', '.join(lacking)}: what is not tested counts with p = 1." if lacking else ""
    return f"Corrected over the {size} claims of {table.family}: {numbers}.{untested}"


def _readings(summary: Summary) -> str:
    readings = summary.readings
    if len(readings) < 2:
        return ""
    known = [name for name, has_results in readings.items() if has_results]
    have = "has results" if len(known) == 1 else "have results"
    named = f": {', '.join(known)}" if len(known) > 1 else ""
    return f"{len(known)} of {len(readings)} readings of this table {have}{named}. Each is corrected by itself."


def _failure_rate(summary: Summary) -> str:
    """Return what runs without failures say about the rate of failures; the claims of a study use all draws."""
    if isinstance(summary.table, Study):
        return ""
    n = len(summary.table.seeds)
    needed = runs_that_exclude(0.2)
    runs = "1 run of a cell without a failure does" if n == 1 else f"{n} runs of a cell without a failure do"
    more = f"; {needed} would exclude 20 %" if n < needed else ""
    limit = f"{100 * largest_hidden_rate(n):.0f} %"
    return f"Claims are about runs that learned: {runs} not exclude a failure rate up to {limit} (at 95 %){more}."
