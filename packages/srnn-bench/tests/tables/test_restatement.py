"""The rules of judgement, written a second time with plain scipy, against `judge` on 200 random tables.

`restate` is written from docs/decisions/0012-claims.md alone and reads results directly. Where the text leaves a
choice, the comment "Choice:" says which one was made.
"""

import math
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from scipy import stats

from srnn_bench import Cell, Conditions, Experiment, Result, Stage, Summary, Table, Training
from srnn_bench.tables import Claim, Contrast, FilledCell, Plan, beats, beyond, judge, matches, within
from srnn_bench.training import describe
from srnn_models import ElmanRNN, SequenceModel
from srnn_tasks import Adding

TABLES = 200

# scipy warns about a constant cell, also if the other cell of the comparison varies
pytestmark = pytest.mark.filterwarnings("ignore:Precision loss occurred in moment calculation:RuntimeWarning")

# --- the rules --------------------------------------------------------------------------------------------------------


@dataclass
class Restated:
    """What the rules say about one claim."""

    n: dict
    failures: dict
    missing: bool
    fisher: dict
    barred: set = field(default_factory=set)  # contrasts of cells combined of which values are left out
    contrasts: list | None = None  # p for, p against of each contrast; None if the claim cannot be tested
    p: float | None = None
    p_holm: float | None = None
    p_equivalent: float | None = None
    p_equivalent_holm: float | None = None
    verdict: str = "undecided"


def restate(summary):
    """Return what the rules say about each claim of the table."""
    own = [numbers_of(summary, claim) for claim in summary.table.claims]
    family = own + [numbers_of(sibling, claim) for sibling in summary.siblings for claim in sibling.table.claims]
    for name in ("p", "p_equivalent"):
        raw = [getattr(each, name) for each in family]
        corrected = step_down([1.0 if p is None else p for p in raw])
        for each, p, p_holm in zip(family, raw, corrected, strict=True):
            setattr(each, f"{name}_holm", None if p is None else p_holm)
    for claim, each in zip(summary.table.claims, own, strict=True):
        each.verdict = "undecided" if summary.table.scale == "smoke" else verdict(claim, each)
    return own


def verdict(claim, one):
    """Return the verdict: the difference if it is significant, else the equivalence, each unless failures forbid it."""
    if one.p_holm is not None and one.p_holm < 0.05:
        if max(p for p, _ in one.contrasts) < 0.05:
            favoured = [(contrast, True) for contrast in claim.contrasts]
            says = "supported"
        else:
            # Choice: if several contrasts are reversed, the one with the smallest p value against counts.
            against = [p for _, p in one.contrasts]
            favoured = [(claim.contrasts[against.index(min(against))], False)]
            says = "contradicted"
        if all(failures_allow(contrast, positive, one) for contrast, positive in favoured):
            return says
    if one.p_equivalent_holm is not None and one.p_equivalent_holm < 0.05:
        both = [(contrast, positive) for contrast in claim.contrasts for positive in (True, False)]
        if all(failures_allow(contrast, positive, one) for contrast, positive in both):
            return "equivalent"
    return "undecided"


def failures_allow(contrast, positive, one):
    """Return whether a verdict may favour the cells with positive (or negative) weights of a contrast.

    Choice: those with positive weights are claimed to be better, whether lower or higher is better: with A - B, A is
    claimed to be lower where lower is better, and higher where higher is better.
    """
    if contrast in one.barred:
        return False
    favoured = [(row, column) for row, column, weight in contrast.terms if (weight > 0) == positive]
    others = [(row, column) for row, column, weight in contrast.terms if (weight > 0) != positive]
    if not any(one.failures[place] for place in favoured):
        return True
    if len(contrast.terms) != 2 or len(others) != 1:
        return False
    (ours,), (theirs,) = favoured, others
    ended = {place: one.n[place] + one.failures[place] for place in (ours, theirs)}
    all_of_ours = stats.fisher_exact([[ended[ours], 0], [0, ended[theirs]]]).pvalue
    return one.failures[ours] / ended[ours] <= one.failures[theirs] / ended[theirs] and all_of_ours < 0.05


def numbers_of(summary, claim):
    """Return counts and uncorrected p values of a claim."""
    table, plan = summary.table, summary.table.plan
    runs = {place: read(summary.cells[place], table) for place in claim.places}
    n = {place: sum(isinstance(value, float) for value in values.values()) for place, values in runs.items()}
    failures = {place: list(values.values()).count("failure") for place, values in runs.items()}
    fisher = {
        contrast: stats.fisher_exact([[failures[place], n[place]] for place in contrast.places]).pvalue
        for contrast in claim.contrasts
        if len(contrast.terms) == 2 and any(failures[place] for place in contrast.places)
    }
    one = Restated(n, failures, any("missing" in values.values() for values in runs.values()), fisher)
    if one.missing:
        return one
    # Choice: a claim of which one contrast cannot be tested cannot be tested, also if another contrast is reversed.
    samples = [sample(contrast, runs, summary) for contrast in claim.contrasts]
    if any(each is None for each in samples):
        return one
    one.barred = {contrast for contrast in claim.contrasts if leaves_out(contrast, runs, summary)}
    one.contrasts = []
    for groups, limit, contrast in samples:
        worse = limit + contrast.margin if table.better == "lower" else limit - contrast.margin
        sides = [p_value(groups, worse, side) for side in ("less", "greater")]
        one.contrasts.append(sides if table.better == "lower" else sides[::-1])
    p_for = max(p for p, _ in one.contrasts)
    p_against = min(1.0, min(p for _, p in one.contrasts) * len(claim.contrasts))
    one.p = min(1.0, 2 * min(p_for, p_against))
    pairs = all(
        sorted(weight for _, _, weight in contrast.terms) == [-1, 1] and contrast.bound == contrast.margin == 0
        for contrast in claim.contrasts
    )
    if plan.margin is not None and pairs:
        margin = math.log(plan.margin) if plan.log else plan.margin
        sides = [(p_value(groups, margin, "less"), p_value(groups, -margin, "greater")) for groups, _, _ in samples]
        one.p_equivalent = max(max(both) for both in sides)
    return one


def read(filled, table):
    """Return for each judged seed the value of a run, "failure" if it did not learn, or "missing"."""
    threshold, cell, values = table.plan.failure_threshold, filled.cell, {}
    for seed in table.seeds:
        result = filled.results.get(seed)
        finished = [stage for stage in result.stages if stage.name == cell.stage] if result else []
        if finished:
            value = cell.factor * finished[0].metrics[cell.metric]
            bad = threshold is not None and (value >= threshold if table.better == "lower" else value <= threshold)
            values[seed] = "failure" if bad else value
        else:
            values[seed] = "failure" if result and result.status == "diverged" else "missing"
    return values


def sample(contrast, runs, summary):
    """Return the independent samples whose means add up to the sum, the bound and the contrast, or None.

    Stages of one run are added up within the run, and cells of a paired plan within the seed; runs or seeds of which a
    part did not learn are left out.
    """
    plan, weights = summary.table.plan, {(row, column): weight for row, column, weight in contrast.terms}
    limit = contrast.bound
    if plan.log:
        # Choice: "opposite weights" are those of opposite signs: A - 1.5 B below 0 is log A - log B below log 1.5.
        signs = [math.copysign(1.0, weight) for weight in weights.values()]
        sizes = [abs(weight) for weight in weights.values()]
        if sorted(signs) == [-1, 1] and contrast.bound == contrast.margin == 0:
            limit = -sum(sign * math.log(size) for sign, size in zip(signs, sizes, strict=True))
        elif len(signs) == 1 and contrast.margin == 0 and contrast.bound * signs[0] > 0:
            limit = signs[0] * math.log(abs(contrast.bound) / sizes[0])
        else:
            return None
        weights = dict(zip(weights, signs, strict=True))
        # Choice: a value without a logarithm leaves the claim untested, also in a seed that pairing leaves out.
        if any(isinstance(value, float) and value <= 0 for place in weights for value in runs[place].values()):
            return None
    units = {}
    for place in weights:
        units.setdefault(unit(place, summary), []).append(place)
    groups = []
    for places in units.values():
        group = []
        for seed in summary.table.seeds:
            parts = {place: runs[place][seed] for place in places}
            if all(isinstance(part, float) for part in parts.values()):
                scaled = {place: math.log(part) if plan.log else part for place, part in parts.items()}
                group.append(sum(weights[place] * part for place, part in scaled.items()))
        groups.append(group)
    if min(map(len, groups)) < 2 or max(max(group) - min(group) for group in groups) < 1e-9:
        return None
    return groups, limit, contrast


def unit(place, summary):
    """Return what a cell is combined over: all seeds if paired, the runs of an experiment if these cannot fail."""
    plan = summary.table.plan
    if plan.paired:
        return None
    return summary.cells[place].cell.experiment if plan.failure_threshold is None else place


def leaves_out(contrast, runs, summary):
    """Return whether cells that are combined within runs or seeds did not all learn for the same seeds."""
    units = {}
    for place in contrast.places:
        learned = {seed for seed, value in runs[place].items() if isinstance(value, float)}
        units.setdefault(unit(place, summary), []).append(learned)
    return any(learned != unit[0] for unit in units.values() for learned in unit)


def p_value(groups, limit, alternative):
    """Return the one-sided p value of a sum of means against a limit: t, and the degrees of freedom of the smallest."""
    if len(groups) == 1:
        return stats.ttest_1samp(groups[0], limit, alternative=alternative).pvalue
    df = min(map(len, groups)) - 1
    if len(groups) == 2:
        t = stats.ttest_ind(np.array(groups[0]) - limit, -np.array(groups[1]), equal_var=False).statistic
    else:
        error = math.sqrt(sum(np.var(group, ddof=1) / len(group) for group in groups))
        t = (sum(np.mean(group) for group in groups) - limit) / error
    return stats.t.cdf(t, df) if alternative == "less" else stats.t.sf(t, df)


def step_down(p_values):
    """Return Holm's corrected p values."""
    corrected, so_far = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        so_far = max(so_far, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = so_far
    return corrected


# --- random tables ----------------------------------------------------------------------------------------------------

STAGES = (
    Stage(name="first", training=Training(epochs=1, batches=1, batch_size=2, learning_rate=0.1)),
    Stage(name="second", training=Training(epochs=1, batches=1, batch_size=2, learning_rate=0.1), start="continue"),
)
EXPERIMENTS = {
    name: Experiment(
        task=Adding(steps=5 + index, held_out=50), model=SequenceModel(recurrence=ElmanRNN(hidden=6)), stages=STAGES
    )
    for index, name in enumerate("ABCDE")
}
ENVIRONMENT = describe("adding", Conditions("cpu"))
PLACES = [(row, name) for row in ("first", "second") for name in EXPERIMENTS]
LEVELS = (5.0, 5.0, 5.2, 7.0, 12.0)
SPREADS = (0.02, 0.1, 0.4, 1.0, 3.0)
THRESHOLD, BEYOND = 20.0, 25.0


def random_summary(random, name="some/table", better=None, n=None):
    """Return a table with made-up results and random claims and plan."""
    better = better or str(random.choice(["lower", "higher"]))
    n = n or int(random.integers(2, 9))
    log = random.random() < 0.15
    threshold = THRESHOLD if random.random() < 0.6 else None
    plan = Plan(
        seeds=tuple(range(n)) if random.random() < 0.7 else (),
        margin=(1.3 if log else float(random.choice([0.5, 2.0]))) if random.random() < 0.6 else None,
        failure_threshold=threshold if better == "lower" or threshold is None else mirrored(threshold),
        paired=random.random() < 0.25,
        log=log,
    )
    claims = [Claim(f"claim {index}", "s", "s", contrasts) for index, contrasts in enumerate(some_claims(random))]
    table = Table(
        name=name,
        scale="smoke" if random.random() < 0.03 else "quick",
        title="Some table",
        source="nowhere",
        metric="Error",
        unit="cm",
        better=better,
        seeds=tuple(range(n)),
        cells=tuple(
            Cell(row, column, EXPERIMENTS[column], row, "mse", factor=10.0 if row == "second" else 1.0)
            for row, column in PLACES
        ),
        claims=tuple(claims),
        family="some figure",
        plan=plan,
    )
    # without a plan, further seeds are in the store and must not count
    runs = made_up_runs(random, n + (0 if plan.seeds else int(random.integers(0, 3))), better)
    return Summary(table, {cell.place: FilledCell(cell, runs[cell.column]) for cell in table.cells})


def mirrored(value):
    """Return the value for tables in which higher is better."""
    return 30.0 - value


def made_up_runs(random, n, better):
    """Return a result for each network and seed: values of both stages, some diverged, failed, missing or very bad."""
    shared = random.normal(0, 1, n) * random.choice([0.0, 0.5])
    gaps = random.random() < 0.3
    runs = {}
    for name in EXPERIMENTS:
        level, spread = random.choice(LEVELS), random.choice(SPREADS)
        constant = random.random() < 0.08
        failing = random.choice([0.0, 0.0, 0.0, 0.2, 0.7])
        runs[name] = {}
        for seed in range(n):
            drawn = level + (0.0 if constant else shared[seed] + random.normal(0, spread, 2)) + np.array([0.0, 0.3])
            status = "done"
            if random.random() < failing:
                drawn = drawn + np.array([BEYOND, BEYOND]) * random.choice([0, 1], 2)
                status = str(random.choice(["diverged", "done"]))
            if gaps and random.random() < 0.05:
                status = str(random.choice(["failed", "missing"]))
            values = [float(value if better == "lower" else mirrored(value)) for value in drawn]
            finished = 2 if status == "done" else int(random.integers(0, 2))
            runs[name][seed] = None if status == "missing" else result(name, seed, status, values[:finished])
    return runs


def result(name, seed, status, values):
    """Return a result with these values of its finished stages; the second stage stores a tenth of its value."""
    fields = {"densities": {}, "history": (), "steps": 1, "step_ms": 1.0, "peak_memory_mb": None}
    metrics = [{"mse": value / (1.0, 10.0)[index]} for index, value in enumerate(values)]
    stages = [
        {"name": stage.name, "metrics": each, **fields}
        for stage, each in zip(STAGES[: len(values)], metrics, strict=True)
    ]
    key = f"{name}{seed}"
    identity = {"key": key, "experiment": EXPERIMENTS[name], "seed": seed, "status": status}
    return Result.model_validate({**identity, "stages": stages, "environment": ENVIRONMENT, "seconds": 1.0})


def some_claims(random):
    """Return the contrasts of one to six claims of all kinds."""

    def places(number):
        rows = PLACES if random.random() < 0.3 else PLACES[: len(EXPERIMENTS)]
        return [rows[index] for index in random.permutation(len(rows))[:number]]

    def better():
        a, b = places(2)
        return (beats(a, over=b),)

    def at_most():
        a, b = places(2)
        return (replace(beats(a, over=b), margin=float(random.choice([0.5, 2.0]))),)

    def by_factor(kind):
        a, b = places(2)
        return (kind(a, float(random.choice([0.8, 1.25, 1.5])), of=b),)

    def same():
        return matches(*places(2), margin=float(random.choice([0.5, 2.0])))

    def bound():
        (a,) = places(1)
        return (
            Contrast(((*a, float(random.choice([1.0, 1.0, -1.0]))),), bound=float(random.choice([6.0, 20.0, -6.0]))),
        )

    def more_than_two():
        weights = (1.0, -1.0, -1.0, 1.0) if random.random() < 0.6 else (1.0, -0.5, -0.5)
        terms = zip(places(len(weights)), weights, strict=True)
        return (Contrast(tuple((*place, weight) for place, weight in terms)),)

    def several():
        a, *others = places(int(random.integers(3, 5)))
        return tuple(beats(a, over=other) for other in others)

    def stages():
        name = str(random.choice(list(EXPERIMENTS)))
        return (beats(("second", name), over=("first", name)),)

    kinds = [
        *[better] * 4,
        *(at_most, lambda: by_factor(within), lambda: by_factor(beyond), same, bound, more_than_two, several, stages),
    ]
    return [kinds[int(random.integers(len(kinds)))]() for _ in range(int(random.integers(1, 7)))]


def with_sibling(random, summary):
    """Return the summary with another table of its family in half of the cases, which now and then was not run."""
    if random.random() < 0.5:
        return summary
    sibling = random_summary(random, "some/table-speed")
    if random.random() < 0.3:
        empty = {place: FilledCell(each.cell, dict.fromkeys(each.results)) for place, each in sibling.cells.items()}
        sibling = replace(sibling, cells=empty)
    sibling = replace(sibling, table=replace(sibling.table, scale=summary.table.scale))
    return replace(summary, siblings=(sibling,))


# --- the comparison ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(TABLES))
def test_judge_agrees_with_the_rules_written_again(number):
    random = np.random.default_rng(number)
    summary = with_sibling(random, random_summary(random))
    judged = judge(summary)
    family = len(summary.table.claims) + sum(len(sibling.table.claims) for sibling in summary.siblings)
    for claim, ours, rules in zip(summary.table.claims, judged, restate(summary), strict=True):
        assert ours.claim is claim and ours.family == family
        assert ours.exploratory == (not summary.table.plan.seeds)
        assert ours.verdict == rules.verdict, ours.reason
        assert (ours.n, ours.failures, ours.missing > 0) == (rules.n, rules.failures, rules.missing)
        if summary.table.scale == "smoke":
            continue
        for name in ("p", "p_holm", "p_equivalent", "p_equivalent_holm"):
            assert getattr(ours, name) == approximately(getattr(rules, name)), (name, ours.reason)
        if not rules.missing:
            assert set(ours.fisher) == set(rules.fisher)
            for contrast, p in rules.fisher.items():
                assert ours.fisher[contrast] == approximately(p)


def test_the_random_tables_contain_every_kind_of_verdict():
    seen: Counter = Counter()
    for number in range(TABLES):
        random = np.random.default_rng(number)
        summary = with_sibling(random, random_summary(random))
        for claim, rules in zip(summary.table.claims, restate(summary), strict=True):
            seen[rules.verdict] += 1
            seen["failures"] += any(rules.failures.values()) and rules.verdict != "undecided"
            significant = rules.p_holm is not None and rules.p_holm < 0.05
            seen["barred"] += significant and rules.verdict == "undecided"
            seen["both"] += significant and rules.p_equivalent_holm is not None and rules.p_equivalent_holm < 0.05
            seen["not tested"] += rules.p is None
            seen["many"] += significant and max(len(contrast.terms) for contrast in claim.contrasts) > 2
    print(dict(seen))
    kinds = ("supported", "contradicted", "equivalent", "undecided", "failures", "barred", "both", "not tested", "many")
    assert min(seen[kind] for kind in kinds) >= 5


def approximately(value):
    return None if value is None else pytest.approx(value, rel=1e-6, abs=1e-15)
