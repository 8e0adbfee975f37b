"""Rates of false verdicts by the rules of `docs/decisions/0012-claims.md`, over simulated tables, and their power.

    python benchmarks/false_verdicts.py [--tables 2000] [--checked 2] [--only SECTION]

All tables of a setting are judged at once with numpy; the first `--checked` of them are judged by `judge` as well, and
any other verdict is an error. Spreads and distances are in standard deviations of a cell unless the text says
otherwise. A rate in bold is above 5 % by more than three standard errors.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from srnn_bench import Cell, Conditions, Experiment, Result, Stage, Summary, Table, Training
from srnn_bench.experiment import StageResult
from srnn_bench.tables import LEVEL, Claim, Contrast, FilledCell, Plan, judge
from srnn_bench.training import describe
from srnn_models import ElmanRNN, SequenceModel
from srnn_tasks import Adding

Numbers = NDArray[np.float64]
Comparison = tuple[tuple[int, float], ...]  # cells and weights
Claims = tuple[tuple[Comparison, ...], ...]
Draw = Callable[[np.random.Generator, int, int], Numbers]  # tables and seeds to values (tables, cells, seeds)

UNDECIDED, SUPPORTED, CONTRADICTED, EQUIVALENT = range(4)
VERDICTS = ("undecided", "supported", "contradicted", "equivalent")
SIZES = (3, 5, 8, 10)
COLLAPSED, THRESHOLD = 60.0, 50.0


def pair(first: int, second: int) -> Comparison:
    """Return the comparison that the first cell is below the second."""
    return (first, 1.0), (second, -1.0)


ONE: Claims = ((pair(0, 1),),)
# Seven claims over four cells, like those of the papers: pairs that share cells, and conjunctions
SEVEN: Claims = (
    (pair(0, 1),),
    (pair(0, 2),),
    (pair(1, 2), pair(1, 3)),
    (pair(2, 3),),
    (pair(0, 1), pair(0, 2), pair(0, 3)),
    (pair(0, 3),),
    (pair(3, 1),),
)
# Eleven claims over two cells each, as many as those of moduli/table1: claims without shared cells err independently
ELEVEN: Claims = tuple((pair(2 * claim, 2 * claim + 1),) for claim in range(11))
FOUR_CELLS: Claims = ((((0, 1.0), (1, -1.0), (2, -1.0), (3, 1.0)),),)
FAMILIES = {
    "one claim": ONE,
    "any of seven claims on four cells": SEVEN,
    "any of eleven claims on two cells each": ELEVEN,
    "one claim on four cells": FOUR_CELLS,
}
PAIRS = {name: FAMILIES[name] for name in list(FAMILIES)[:3]}
CELLS = 22

# --- verdicts on many tables ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sums:
    """The sum of a comparison in each table, its standard error, degrees of freedom, and whether it can be tested."""

    estimate: Numbers
    error: Numbers
    df: Numbers
    testable: NDArray[np.bool_]

    def below(self, limit: float) -> Numbers:
        """Return the p values for a sum below the limit."""
        return np.where(self.testable, special.stdtr(self.df, (self.estimate - limit) / self.error), 1.0)

    def above(self, limit: float) -> Numbers:
        """Return the p values for a sum above the limit."""
        return np.where(self.testable, special.stdtr(self.df, (limit - self.estimate) / self.error), 1.0)


@dataclass(frozen=True)
class Decisions:
    """The verdicts (tables, claims), and whether the means are within the margin, as an equivalence or a difference."""

    verdicts: NDArray[np.int64]
    within: NDArray[np.bool_]


def sums(learned: Numbers, comparison: Comparison, paired: bool) -> Sums:
    """Return the sums of a comparison, or of values paired by seed; NaN is a run that did not learn."""
    groups = [weight * learned[:, cell] for cell, weight in comparison]
    if paired:
        groups = [np.sum(groups, axis=0)]
    tables = len(learned)
    estimate, variance, least = np.zeros(tables), np.zeros(tables), np.full(tables, np.inf)
    for group in groups:
        number = np.sum(~np.isnan(group), axis=1)
        mean = np.nansum(group, axis=1) / number
        share = np.nansum((group - mean[:, None]) ** 2, axis=1) / (number - 1) / number
        estimate, variance, least = estimate + mean, variance + share, np.minimum(least, number)
    return Sums(estimate, np.sqrt(variance), least - 1, (least > 1) & (variance > 0))


def decide(values: Numbers, claims: Claims, plan: Plan) -> Decisions:
    """Return the decisions on values (tables, cells, seeds), of which lower ones are better."""
    failed = values >= (math.inf if plan.failure_threshold is None else plan.failure_threshold)
    learned = np.where(failed, np.nan, np.log(values) if plan.log else values)
    failures = failed.sum(axis=2)
    tables = len(values)
    p_values, allowed, sides, equivalents, clean = [], [], [], [], []
    for claim in claims:
        tests = [sums(learned, comparison, plan.paired) for comparison in claim]
        p_for = np.stack([test.below(0) for test in tests], axis=1)
        p_against = np.stack([test.above(0) for test in tests], axis=1)
        testable = np.all([test.testable for test in tests], axis=0)
        supports, contradicts = p_for.max(axis=1), p_against.min(axis=1) * len(claim)
        p_values.append(np.where(testable, np.minimum(1, 2 * np.minimum(supports, contradicts)), 1))
        sides.append(np.where(supports < contradicts, SUPPORTED, CONTRADICTED))
        whole = [~leaves_out(failed, each) if plan.paired else np.ones(tables, bool) for each in claim]
        pairs = list(zip(claim, whole, strict=True))
        may_support = np.all([may_favour(failures, each, 1, values.shape[2]) & full for each, full in pairs], axis=0)
        each_against = np.stack(
            [may_favour(failures, each, -1, values.shape[2]) & full for each, full in pairs], axis=1
        )
        may_contradict = each_against[np.arange(tables), p_against.argmin(axis=1)]
        allowed.append(np.where(supports < contradicts, may_support, may_contradict))
        clean.append(may_support & np.all(each_against, axis=1))
        equivalents.append(np.ones(tables))
        if plan.margin is not None and all(len(comparison) == 2 for comparison in claim):
            margin = math.log(plan.margin) if plan.log else plan.margin
            each_side = [p for test in tests for p in (test.below(margin), test.above(-margin))]
            equivalents[-1] = np.where(testable, np.max(each_side, axis=0), 1)
    differs = holm(np.stack(p_values, axis=1)) < LEVEL
    within = (holm(np.stack(equivalents, axis=1)) < LEVEL) & np.stack(clean, axis=1)
    different = np.where(np.stack(allowed, axis=1), np.stack(sides, axis=1), UNDECIDED)
    return Decisions(np.where(differs, different, np.where(within, EQUIVALENT, UNDECIDED)), within)


def leaves_out(failed: NDArray[np.bool_], comparison: Comparison) -> NDArray[np.bool_]:
    """Return for each table whether a seed failed in some of the cells of a comparison, and not in all."""
    of_cells = failed[:, [cell for cell, _ in comparison]]
    result: NDArray[np.bool_] = np.any(of_cells.any(axis=1) & ~of_cells.all(axis=1), axis=1)
    return result


def may_favour(failures: NDArray[np.int64], comparison: Comparison, sign: int, n: int) -> NDArray[np.bool_]:
    """Return for each table whether failures let a verdict favour the cells with weights of this sign."""
    favoured = [cell for cell, weight in comparison if weight * sign > 0]
    clean: NDArray[np.bool_] = np.all([failures[:, cell] == 0 for cell in favoured], axis=0)
    if len(comparison) != 2:
        return clean
    (other,) = (cell for cell, weight in comparison if weight * sign < 0)
    no_more: NDArray[np.bool_] = failures[:, favoured[0]] <= failures[:, other]
    return clean | (no_more & (stats.fisher_exact([[n, 0], [0, n]]).pvalue < LEVEL))


def holm(p_values: Numbers) -> Numbers:
    """Return p values (tables, claims) corrected over the claims."""
    order = np.argsort(p_values, axis=1)
    steps = np.arange(p_values.shape[1], 0, -1)
    ascending = np.minimum(1, np.maximum.accumulate(np.take_along_axis(p_values, order, axis=1) * steps, axis=1))
    corrected = np.empty_like(p_values)
    np.put_along_axis(corrected, order, ascending, axis=1)
    return corrected


# --- the same by `judge` ----------------------------------------------------------------------------------------------

STAGE = Stage(name="only", training=Training(epochs=1, batches=1, batch_size=2, learning_rate=0.1))
EXPERIMENTS = tuple(
    Experiment(
        task=Adding(steps=5 + index, held_out=50),
        model=SequenceModel(recurrence=ElmanRNN(hidden=6)),
        stages=(STAGE,),
    )
    for index in range(CELLS)
)
ENVIRONMENT = describe("adding", Conditions("cpu"))


def summary_of(values: Numbers, claims: Claims, plan: Plan) -> Summary:
    """Return the summary of one table with values (cells, seeds)."""
    seeds = tuple(range(values.shape[1]))
    cells = tuple(Cell("row", str(index), EXPERIMENTS[index], "only", "error") for index in range(len(values)))
    named = tuple(
        Claim(
            f"claim {number}",
            "A simulated claim.",
            "nowhere",
            tuple(
                Contrast(tuple(("row", str(cell), weight) for cell, weight in comparison)) for comparison in comparisons
            ),
        )
        for number, comparisons in enumerate(claims)
    )
    table = Table(
        name="simulated/table",
        scale="quick",
        title="A simulated table",
        source="nowhere",
        metric="Error",
        unit="sd",
        better="lower",
        seeds=seeds,
        cells=cells,
        claims=named,
        plan=replace(plan, seeds=seeds),
    )
    filled = {
        cell.place: FilledCell(cell, {seed: result_of(index, seed, float(values[index, seed])) for seed in seeds})
        for index, cell in enumerate(cells)
    }
    return Summary(table, filled)


def result_of(index: int, seed: int, value: float) -> Result:
    """Return a run that ended with this value."""
    stage = StageResult.model_construct(
        name="only", metrics={"error": value}, densities={}, history=(), steps=1, step_ms=1.0, peak_memory_mb=None
    )
    return Result.model_construct(
        key=f"{index}-{seed}",
        experiment=EXPERIMENTS[index],
        seed=seed,
        status="done",
        reason=None,
        stages=(stage,),
        environment=ENVIRONMENT,
        seconds=1.0,
    )


def sums_of_means(claim: tuple[Comparison, ...], means: Sequence[float]) -> list[float]:
    """Return the true sum of each comparison of a claim."""
    return [sum(weight * means[cell] for cell, weight in comparison) for comparison in claim]


@dataclass(frozen=True)
class Simulation:
    """The size of the simulation: tables per setting, and those of them that `judge` judges as well."""

    tables: int
    checked: int

    def decide(self, draw: Draw, n: int, claims: Claims, plan: Plan) -> Decisions:
        """Return the decisions on simulated tables; raise an error where `judge` decides otherwise."""
        cells = 1 + max(cell for claim in claims for comparison in claim for cell, _ in comparison)
        values = draw(np.random.default_rng(n), self.tables, n)[:, :cells]
        found = decide(values, claims, plan)
        for number, table in enumerate(values[: self.checked]):
            judged = judge(summary_of(table, claims, plan))
            expected = [VERDICTS[verdict] for verdict in found.verdicts[number]]
            within = [each.verdict == "equivalent" or "; the difference is within" in each.reason for each in judged]
            if [each.verdict for each in judged] != expected or within != found.within[number].tolist():
                raise AssertionError(f"judge: {judged}, here: {expected}, for {claims}, {plan} and {table.tolist()}")
        return found

    def supported(self, draw: Draw, n: int, claims: Claims, plan: Plan) -> str:
        """Return the share of tables in which the first claim is supported, as text."""
        return self.text(self.decide(draw, n, claims, plan).verdicts[:, 0] == SUPPORTED)

    def false(self, draw: Draw, n: int, claims: Claims, plan: Plan, means: Sequence[float]) -> str:
        """Return the share of tables with a false verdict of a difference, as text."""
        found = self.decide(draw, n, claims, plan).verdicts
        sums_of = [sums_of_means(claim, means) for claim in claims]
        no_support = np.array([max(each) >= 0 for each in sums_of])
        no_contradiction = np.array([max(each) <= 0 for each in sums_of])
        wrong = ((found == SUPPORTED) & no_support) | ((found == CONTRADICTED) & no_contradiction)
        return self.text(wrong.any(axis=1), bounded=True)

    def falsely_within(self, draw: Draw, n: int, claims: Claims, plan: Plan, means: Sequence[float]) -> str:
        """Return the share of tables with a claim found within the margin although its means are not, as text."""
        assert plan.margin is not None
        margin = math.log(plan.margin) if plan.log else plan.margin
        not_within = [max(map(abs, sums_of_means(claim, means))) >= margin for claim in claims]
        within = self.decide(draw, n, claims, plan).within
        return self.text((within & np.array(not_within)).any(axis=1), bounded=True)

    def text(self, found: NDArray[np.bool_], bounded: bool = False) -> str:
        """Return a rate in %, in bold if it is bounded by 5 % and exceeds that by more than three standard errors."""
        rate = float(found.mean())
        noise = 3 * math.sqrt(LEVEL * (1 - LEVEL) / self.tables)
        return f"**{100 * rate:.1f} %**" if bounded and rate > LEVEL + noise else f"{100 * rate:.1f} %"


# --- values -----------------------------------------------------------------------------------------------------------

MEAN = 20.0  # of all cells, so that values are positive


def normal(sds: Sequence[float], means: Sequence[float] | None = None) -> Draw:
    """Return a sampler of normal cells."""
    centres = np.zeros(len(sds)) if means is None else np.array(means)

    def draw(generator: np.random.Generator, tables: int, n: int) -> Numbers:
        return generator.normal(MEAN + centres[None, :, None], np.array(sds)[None, :, None], (tables, len(sds), n))

    return draw


def lognormal(sigmas: Sequence[float], equal: str) -> Draw:
    """Return a sampler of lognormal cells with equal `means` or equal `medians`."""
    sigma = np.array(sigmas)[None, :, None]

    def draw(generator: np.random.Generator, tables: int, n: int) -> Numbers:
        values = np.exp(sigma * generator.standard_normal((tables, len(sigmas), n)))
        return values / np.exp(sigma**2 / 2) if equal == "means" else values

    return draw


def moved(draw: Draw, by: Sequence[float], log: bool = False) -> Draw:
    """Return a sampler with cells shifted, or on a log scale multiplied by the exponential."""
    shifts = np.array(by)[None, :, None]

    def shifted(generator: np.random.Generator, tables: int, n: int) -> Numbers:
        values = draw(generator, tables, n)
        result: Numbers = values * np.exp(shifts) if log else values + shifts
        return result

    return shifted


def failing(draw: Draw, rates: Sequence[float]) -> Draw:
    """Return a sampler in which runs of each cell collapse at these rates."""

    def with_failures(generator: np.random.Generator, tables: int, n: int) -> Numbers:
        values = draw(generator, tables, n)
        collapsed = generator.random(values.shape) < np.array(rates)[None, :, None]
        return np.where(collapsed, COLLAPSED, values)

    return with_failures


def correlated(rho: float, means: Sequence[float]) -> Draw:
    """Return a sampler of normal cells that share a part of each seed; if rho < 0, every second one its negative."""

    def draw(generator: np.random.Generator, tables: int, n: int) -> Numbers:
        shared = generator.standard_normal((tables, 1, n))
        own = generator.standard_normal((tables, len(means), n))
        signs = np.where(np.arange(len(means)) % 2, math.copysign(1.0, rho), 1.0)[None, :, None]
        centres = MEAN + np.array(means)[None, :, None]
        return centres + math.sqrt(abs(rho)) * signs * shared + math.sqrt(1 - abs(rho)) * own

    return draw


def linked(generator: np.random.Generator, tables: int, n: int) -> Numbers:
    """Draw pairs of cells that share a part of each seed, of which the first fails where this part is large.

    The means of the runs that learned are equal.
    """
    shared = generator.standard_normal((tables, CELLS // 2, n))
    first = np.where(shared > 1, COLLAPSED, MEAN + shared + 0.3 * generator.standard_normal(shared.shape))
    learned = -math.exp(-0.5) / math.sqrt(2 * math.pi) / float(special.ndtr(1.0))  # mean of the shared part below 1
    second = MEAN + learned + shared + 0.3 * generator.standard_normal(shared.shape)
    return np.stack([first, second], axis=2).reshape(tables, CELLS, n)


def repeated(*pattern: float) -> tuple[float, ...]:
    """Return a number per cell that repeat a pattern."""
    return tuple(pattern[index % len(pattern)] for index in range(CELLS))


# --- sections ---------------------------------------------------------------------------------------------------------

NO_PLAN, NULL = Plan(), (0.0,) * CELLS
LEARNED = Plan(failure_threshold=THRESHOLD)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table row by row."""
    print("| " + " | ".join(head) + " |\n|" + "---|" + "---:|" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
    print()


Rate = Callable[[Claims, int], str]  # of a family and a number of seeds


def by_family(label: str, families: Mapping[str, Claims], rows: Mapping[str, Rate]) -> None:
    """Print a table of rates for each family, with a column per number of seeds."""
    for family, claims in families.items():
        print(f"{label[0].upper()}{label[1:]}; {family}:\n")
        table(
            ["", *(f"n = {n}" for n in SIZES)],
            ([name, *(rate(claims, n) for n in SIZES)] for name, rate in rows.items()),
        )


def equal_means(simulation: Simulation) -> None:
    """Print the rates of false differences between cells with equal means."""
    settings: dict[str, tuple[Draw, Plan]] = {
        "equal spreads": (normal(repeated(1.0)), NO_PLAN),
        "spreads 1 to 2": (normal(repeated(1.0, 2.0)), NO_PLAN),
        "spreads 1 to 4": (normal(repeated(1.0, 4.0)), NO_PLAN),
        "spreads 1 to 10": (normal(repeated(1.0, 10.0)), NO_PLAN),
        "spreads 1 to 100": (normal(repeated(0.01, 1.0)), NO_PLAN),
        "skewed: lognormal, sigma 0.5": (lognormal(repeated(0.5), "means"), NO_PLAN),
        "skewed: lognormal, sigma 1": (lognormal(repeated(1.0), "means"), NO_PLAN),
        "skewed, sigma 0.5, against nearly constant": (lognormal(repeated(0.5, 0.01), "means"), NO_PLAN),
        "skewed, sigma 1, against nearly constant": (lognormal(repeated(1.0, 0.01), "means"), NO_PLAN),
        "log scale: lognormal, sigma 1": (lognormal(repeated(1.0), "medians"), Plan(log=True)),
        "log scale: sigma 0.25 to 1": (lognormal(repeated(0.25, 1.0), "medians"), Plan(log=True)),
        "log scale: sigma 1 against nearly constant": (lognormal(repeated(1.0, 0.01), "medians"), Plan(log=True)),
    }

    def rate(draw: Draw, plan: Plan) -> Rate:
        return lambda claims, n: simulation.false(draw, n, claims, plan, NULL)

    by_family("false verdicts", PAIRS, {name: rate(*setting) for name, setting in settings.items()})


def degrees(simulation: Simulation) -> None:
    """Print what Satterthwaite's degrees of freedom would give: for eleven claims, and as the distance found."""
    settings = {
        "spreads 1 to 4": normal(repeated(1.0, 4.0)),
        "spreads 1 to 10": normal(repeated(1.0, 10.0)),
        "spreads 1 to 3, 0 and 80 % fail": failing(normal(repeated(1.0, 3.0)), repeated(0.0, 0.8)),
    }

    def any_false(draw: Draw, n: int, satterthwaite: bool) -> str:
        values = draw(np.random.default_rng(n), simulation.tables, n)
        learned = np.where(values >= THRESHOLD, np.nan, values)
        p_values = []
        for (comparison,) in ELEVEN:
            test = sums(learned, comparison, paired=False)
            df = satterthwaites(learned, comparison) if satterthwaite else test.df
            t = -np.abs(test.estimate) / test.error
            p_values.append(np.where(test.testable, 2 * special.stdtr(df, t), 1.0))
        return simulation.text(np.min(p_values, axis=0) * len(ELEVEN) < LEVEL, bounded=True)

    names = {True: "Satterthwaite", False: "smallest sample"}
    table(
        ["degrees of freedom; eleven claims", *(f"n = {n}" for n in SIZES)],
        (
            [f"{names[choice]}; {name}", *(any_false(draw, n, choice) for n in SIZES)]
            for name, draw in settings.items()
            for choice in (True, False)
        ),
    )

    def distance(n: int, family: int, satterthwaite: bool) -> float:
        values = normal((1.0, 1.0))(np.random.default_rng(n), simulation.tables, n)
        test = sums(values, pair(0, 1), paired=False)
        df = satterthwaites(values, pair(0, 1)) if satterthwaite else test.df
        needed = special.stdtrit(df, 1 - LEVEL / 2 / family) * test.error + test.estimate
        return float(np.quantile(needed, 0.8))

    table(
        ["distance found with 80 % power, in sd", *(f"n = {n}" for n in SIZES)],
        (
            [f"{names[choice]}; family of {family}", *(f"{distance(n, family, choice):.2f}" for n in SIZES)]
            for family in (1, 11)
            for choice in (True, False)
        ),
    )


def satterthwaites(learned: Numbers, comparison: Comparison) -> Numbers:
    """Return the approximate degrees of freedom of Welch and Satterthwaite in each table."""
    total, squares = 0.0, 0.0
    for cell, weight in comparison:
        number = np.sum(~np.isnan(learned[:, cell]), axis=1)
        share = weight**2 * np.nanvar(learned[:, cell], axis=1, ddof=1) / number
        total, squares = total + share, squares + share**2 / (number - 1)
    result: Numbers = np.square(total) / squares
    return result


def failures(simulation: Simulation) -> None:
    """Print the rates of false differences between cells whose means are equal among the runs that learned."""
    rates = {
        "10 %": repeated(0.1),
        "20 %": repeated(0.2),
        "30 %": repeated(0.3),
        "0 and 30 %": repeated(0.0, 0.3),
        "30 and 0 %": repeated(0.3, 0.0),
        "10 and 30 %": repeated(0.1, 0.3),
        "30 and 10 %": repeated(0.3, 0.1),
        "0 and 60 %": repeated(0.0, 0.6),
        "0 and 80 %": repeated(0.0, 0.8),
        "10 and 80 %": repeated(0.1, 0.8),
    }
    spreads = {"equal": repeated(1.0), "1 to 4": repeated(1.0, 4.0)}

    def rate(shares: Sequence[float], sds: Sequence[float]) -> Rate:
        return lambda claims, n: simulation.false(failing(normal(sds), shares), n, claims, LEARNED, NULL)

    rows = {
        f"{share} fail, spreads {spread}": rate(shares, sds)
        for share, shares in rates.items()
        for spread, sds in spreads.items()
    }
    by_family("false verdicts", FAMILIES, rows)

    def linked_rate(plan: Plan) -> Rate:
        return lambda claims, n: simulation.false(linked, n, claims, plan, NULL)

    linked_rows = {
        "16 % fail in every second cell, where a seed is bad in both; not paired": linked_rate(LEARNED),
        "the same; paired": linked_rate(replace(LEARNED, paired=True)),
    }
    apart = {name: FAMILIES[name] for name in ("one claim", "any of eleven claims on two cells each")}
    by_family("false verdicts where failures depend on the level of a run", apart, linked_rows)


def equivalences(simulation: Simulation) -> None:
    """Print the rates of false equivalences, and of false differences while equivalences are tested too."""

    def within(plan: Plan, means: Sequence[float], draw: Draw) -> Rate:
        apart = moved(draw, means, plan.log)
        return lambda claims, n: simulation.falsely_within(apart, n, claims, plan, means)

    def different(plan: Plan, means: Sequence[float]) -> Rate:
        return lambda claims, n: simulation.false(normal(repeated(1.0), means), n, claims, plan, means)

    rows = {}
    for margin in (2.0, 5.0):
        for spread, sds in {"equal": repeated(1.0), "1 to 4": repeated(0.5, 2.0)}.items():
            for shape, means in {"0, 1, 0, 1": repeated(0.0, 1.0), "0, 1, 2, 3": repeated(0.0, 1.0, 2.0, 3.0)}.items():
                apart = tuple(margin * mean for mean in means)
                rows[f"means {shape} margins of {margin:g}, spreads {spread}"] = within(
                    Plan(margin=margin), apart, normal(sds)
                )
    for sigma in (0.5, 1.0):
        for name, other in {"another such cell": sigma, "nearly constant": 0.01}.items():
            for way, means in {"above": repeated(2.0, 0.0), "below": repeated(0.0, 2.0)}.items():
                draw = lognormal(repeated(sigma, other), "means")
                rows[f"skewed, sigma {sigma:g}, a margin of 2 {way} {name}"] = within(Plan(margin=2.0), means, draw)
    ratio = math.log(10.0)
    for name, sigmas in {"another such cell": repeated(1.0), "nearly constant": repeated(1.0, 0.01)}.items():
        rows[f"log scale: sigma 1, 10 times {name}, margin 10 times"] = within(
            Plan(margin=10.0, log=True), repeated(ratio, 0.0), lognormal(sigmas, "medians")
        )
    by_family("found within the margin, but a margin or more apart", PAIRS, rows)
    one_apart = (0.0, 0.0, 0.0, 20.0, *NULL[4:])
    by_family(
        "false differences",
        PAIRS,
        {
            "all means equal, margin 5": different(Plan(margin=5.0), NULL),
            "one mean 20 apart, margin 5": different(Plan(margin=5.0), one_apart),
            "one mean 20 apart, no margin": different(NO_PLAN, one_apart),
        },
    )


def power(simulation: Simulation) -> None:
    """Print how often a claim of a family of one or seven is decided."""
    families = {"one claim": ONE, "one of seven claims": with_null_claims(ONE[0], 7)}
    settings: dict[str, tuple[float, Plan, tuple[float, float], int]] = {
        **{f"supported, {d:g} apart": (d, NO_PLAN, (0.0, 0.0), SUPPORTED) for d in (1.0, 2.0, 3.0, 4.0, 6.0)},
        "supported, 4 apart, 30 % of the other cell fail": (4.0, LEARNED, (0.0, 0.3), SUPPORTED),
        "supported, 4 apart, 10 % of both fail": (4.0, LEARNED, (0.1, 0.1), SUPPORTED),
        "supported, 4 apart, 30 % of both fail": (4.0, LEARNED, (0.3, 0.3), SUPPORTED),
        **{f"equivalent, margin {m:g}": (0.0, Plan(margin=m), (0.0, 0.0), EQUIVALENT) for m in (1.0, 2.0, 3.0, 5.0)},
    }

    def rate(distance: float, plan: Plan, fail: tuple[float, float], wanted: int) -> Rate:
        def decided(claims: Claims, n: int) -> str:
            cells = 1 + max(cell for claim in claims for comparison in claim for cell, _ in comparison)
            draw = normal([1.0] * cells, (-distance, *[0.0] * (cells - 1)))
            if plan.failure_threshold is not None:
                draw = failing(draw, (*fail, *[0.0] * (cells - 2)))
            return simulation.text(simulation.decide(draw, n, claims, plan).verdicts[:, 0] == wanted)

        return decided

    by_family("decided", families, {name: rate(*setting) for name, setting in settings.items()})


def with_null_claims(claim: tuple[Comparison, ...], family: int) -> Claims:
    """Return a family of a claim and claims over two further cells each."""
    first = 1 + max(cell for comparison in claim for cell, _ in comparison)
    return (claim, *((pair(first + 2 * index, first + 2 * index + 1),) for index in range(family - 1)))


def looks(simulation: Simulation) -> None:
    """Print what repeated looks at growing data do to one claim of two equal cells."""
    generator = np.random.default_rng(0)
    values = normal((1.0, 1.0))(generator, simulation.tables, 12)
    fresh = normal((1.0, 1.0))(generator, simulation.tables, 12)

    def significant(of: Numbers, first: int, second: int | None = None) -> NDArray[np.bool_]:
        seen = of[:, :, : max(first, second or 0)].copy()
        seen[:, 0, first:] = np.nan
        seen[:, 1, second or first :] = np.nan
        test = sums(seen, pair(0, 1), paired=False)
        return 2 * np.minimum(test.below(0), test.above(0)) < LEVEL

    rows = {
        "one look at 12 seeds": significant(values, 12),
        "a look after each seed from 3 to 12, which the rules forbid": np.any(
            [significant(values, n) for n in range(3, 13)], axis=0
        ),
        "one cell topped up, a look after each seed from 3 to 12, which the rules forbid": np.any(
            [significant(values, 3, n) for n in range(3, 13)], axis=0
        ),
        "a second look at 6 fresh seeds, after one at 6: the second verdict": significant(fresh, 6),
        "the same: either verdict": significant(values, 6) | significant(fresh, 6),
    }
    table(["looks", "false verdicts"], ([name, simulation.text(found)] for name, found in rows.items()))


def shared_seeds(simulation: Simulation) -> None:
    """Print false verdicts and power of cells whose values are correlated over seeds, unpaired and paired."""
    apart = (-3.0, *NULL[1:])
    settings = {
        f"correlation {rho:g}, {'paired' if paired else 'not paired'}": (rho, Plan(paired=paired))
        for rho in (0.0, 0.5, -0.5)
        for paired in (False, True)
    }

    def false(rho: float, plan: Plan) -> Rate:
        return lambda claims, n: simulation.false(correlated(rho, NULL), n, claims, plan, NULL)

    def supported(rho: float, plan: Plan) -> Rate:
        return lambda claims, n: simulation.supported(correlated(rho, apart), n, claims, plan)

    by_family("false verdicts", PAIRS, {name: false(*setting) for name, setting in settings.items()})
    by_family(
        "supported, 3 apart", {"one claim": ONE}, {name: supported(*setting) for name, setting in settings.items()}
    )


def all_runs(simulation: Simulation) -> None:
    """Print how often a cell of which 20 % of the runs collapse is favoured over one with a better mean of all runs."""
    sizes = (3, 5, 8, 10, 14)
    rows = [(learned, plan) for learned in (6.0, 9.0) for plan in (NO_PLAN, LEARNED)]

    def favoured(learned: float, plan: Plan, n: int) -> str:
        draw = failing(normal((1.0, 1.0), (learned - MEAN, 12.0 - MEAN)), (0.2, 0.0))
        return simulation.supported(draw, n, ONE, plan)

    table(
        ["20 % at 60 cm, the others", *(f"n = {n}" for n in sizes)],
        [
            *(
                [
                    f"{learned:g} ± 1 cm (mean of all {0.2 * COLLAPSED + 0.8 * learned:g}) against 12 ± 1; "
                    f"{'failure threshold 50 cm' if plan.failure_threshold else 'no threshold'}: supported",
                    *(favoured(learned, plan, n) for n in sizes),
                ]
                for learned, plan in rows
            ),
            ["no failure among n runs", *(f"{100 * 0.8**n:.1f} %" for n in sizes)],
        ],
    )


def detectable(simulation: Simulation) -> None:
    """Print how often a claim is supported whose contrasts all lie at the distance that `judge` prints."""
    sizes = (3, 5, 8)

    def found(contrasts: int, family: int, n: int, spread: float) -> str:
        claims = with_null_claims(tuple(pair(0, index + 1) for index in range(contrasts)), family)
        cells = 1 + max(cell for claim in claims for comparison in claim for cell, _ in comparison)
        sds = np.array([1.0, *[spread] * (cells - 1)])
        sample = np.random.default_rng(n).standard_normal((cells, n))
        centred = sample - sample.mean(axis=1, keepdims=True)
        exact = MEAN + sds[:, None] * centred / centred.std(axis=1, ddof=1, keepdims=True)
        distance = judge(summary_of(exact, claims, NO_PLAN))[0].detectable
        if distance is None:
            raise AssertionError("expected a detectable distance, got None")
        draw = normal(sds.tolist(), (-distance, *[0.0] * (cells - 1)))
        return f"{distance:.2f}: {simulation.supported(draw, n, claims, NO_PLAN)}"

    table(
        ["contrasts; spreads", *(f"family of {family}, n = {n}" for family in (1, 7) for n in sizes)],
        (
            [
                f"{contrasts}; {'equal' if spread == 1 else f'1 to {spread:g}'}",
                *(found(contrasts, family, n, spread) for family in (1, 7) for n in sizes),
            ]
            for spread in (1.0, 4.0)
            for contrasts in (1, 2, 3, 4)
        ),
    )


SECTIONS: dict[str, tuple[str, Callable[[Simulation], None]]] = {
    "equal-means": ("False verdicts: equal means", equal_means),
    "degrees": ("Degrees of freedom: Satterthwaite's approximation, and those of the smallest sample", degrees),
    "failures": ("False verdicts: equal means among the runs that learned", failures),
    "equivalences": ("False equivalences, and false differences beside them", equivalences),
    "power": ("Power", power),
    "looks": ("Repeated looks", looks),
    "shared-seeds": ("Cells that share seeds", shared_seeds),
    "all-runs": ("Statements about all runs", all_runs),
    "detectable": ("The detectable distance, and how often a claim at that distance is supported", detectable),
}


def main() -> None:
    """Print the sections as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=2_000, help="simulated tables per setting")
    parser.add_argument("--checked", type=int, default=2, help="tables per setting that `judge` judges as well")
    parser.add_argument("--only", choices=SECTIONS, help="print one section")
    arguments = parser.parse_args()
    simulation = Simulation(arguments.tables, arguments.checked)
    np.seterr(divide="ignore", invalid="ignore")  # cells with fewer than two values cannot be tested
    for name, (heading, section) in SECTIONS.items():
        if arguments.only in (None, name):
            print(f"## {heading}\n")
            section(simulation)


if __name__ == "__main__":
    main()
