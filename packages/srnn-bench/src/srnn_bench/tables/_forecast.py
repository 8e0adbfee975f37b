"""Forecasts: what the claims of a table can decide with a number of seeds, given the spread of earlier values.

A forecast does not depend on the means of these values.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from ._claim import LEVEL, Claim
from ._claim_tests import claim_tests
from ._sample import Sample
from ._summary import Summary


@dataclass(frozen=True)
class Forecast:
    """What one claim can decide with `n` seeds.

    Attributes:
        claim: The claim.
        family: Number of claims that are corrected together.
        n: Number of seeds.
        distance: If all contrasts lie this far on their better sides, the claim is supported with 80 % power, at the
            first step of Holm's procedure. In the unit of the table, of its logarithms if the plan compares these. None
            for a claim whose contrasts exclude each other there, as those of `matches` do.
        equality: If all means that the claim compares are equal, they are found to be within this margin with 80 %
            power. None for a claim that does not compare pairs of means.
        in_sds: Whether a cell has fewer than two values. All cells are then taken to vary independently with the same
            spread, and the numbers are in standard deviations of a cell.
    """

    claim: Claim
    family: int
    n: int
    distance: float | None
    equality: float | None
    in_sds: bool


def forecast(summary: Summary, n: int, *, paired: bool) -> list[Forecast]:
    """Return a forecast for each claim about means of cells with `n` seeds, by the rules of `judge`.

    The spread is that of the runs that learned, over all seeds in the summary. `paired` says whether values are paired
    by seed, whatever the plan of the table says.
    """
    table = summary.table
    plan = replace(table.plan, paired=paired)
    cells, level = summary.every_seed, LEVEL / summary.family_size
    forecasts = []
    for claim in (claim for claim in table.claims if isinstance(claim, Claim)):
        tests = claim_tests(claim, cells, plan, lower=table.better == "lower")
        spreads = tests.spreads or tests.unit_spreads
        errors = tests.errors(spreads, [n] * len(spreads)) if n > 1 else None
        distance = equality = None
        if errors is not None and tests.can_all_hold:
            distance = errors.distance(level / 2, table.better == "lower")
        if errors is not None and all(test.contrast.compares_two_means for test in tests.tests):
            equality = errors.margin(level)
        elif errors is not None and claim.is_match:
            equality = errors.distance(level / 2, table.better == "lower")
        in_sds = tests.spreads is None
        forecasts.append(Forecast(claim, summary.family_size, n, distance, equality, in_sds))
    return forecasts


def seed_correlation(summary: Summary) -> float | None:
    """Return the correlation over seeds of the cells that claims compare, pooled over pairs of cells of different runs.

    It is that of logarithms if the plan compares these. None if no two such cells share three seeds, nothing varies, or
    a value has no logarithm.
    """
    plan, cells = summary.table.plan, summary.every_seed
    places = dict.fromkeys(place for claim in summary.table.claims for place in summary.table.places_of(claim))
    lower = summary.table.better == "lower"
    samples = [Sample(cells[place], plan.failure_threshold, lower) for place in places]
    shared = spread = 0.0
    for one, other in itertools.combinations(samples, 2):
        seeds = [seed for seed in one.values if seed in other.values]
        if one.cell.cell.experiment == other.cell.cell.experiment or len(seeds) < 3:
            continue
        first, second = (np.array([each.values[seed] for seed in seeds]) for each in (one, other))
        if plan.log:
            if min(*first, *second) <= 0:
                return None
            first, second = np.log(first), np.log(second)
        shared += float(np.cov(first, second)[0, 1])
        spread += float(first.std(ddof=1) * second.std(ddof=1))
    return shared / spread if spread > 0 else None


def chance_of_no_failure(rate: float, n: int) -> float:
    """Return how likely `n` runs are to show no failure if a share `rate` of all runs fails."""
    return float((1 - rate) ** n)


def runs_that_exclude(rate: float) -> int:
    """Return how many runs without a failure exclude at 95 % that a share `rate` of all runs fails."""
    return math.ceil(math.log(0.05) / math.log(1 - rate))


def largest_hidden_rate(n: int) -> float:
    """Return the largest rate of failures that `n` runs without a failure do not exclude at 95 %."""
    return float(1 - 0.05 ** (1 / n)) if n else 1.0
