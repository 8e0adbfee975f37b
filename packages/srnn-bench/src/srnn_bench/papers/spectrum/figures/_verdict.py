"""Verdicts of figures: whether the mean of one sample is below that of another, in words."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev

from ....drawing import significant
from ....tables import LEVEL, t_test, two_sided

Sample = tuple[str, Sequence[float]]  # a name and its values


def two_samples(statement: str, smaller: Sample, larger: Sample, *, tests: int) -> str:
    """Return the verdict on the statement that the mean of `smaller` is below that of `larger`, in words.

    Welch's t test, as for the claims of tables; p is multiplied by the number of tests (Bonferroni).
    """
    means = ", ".join(f"{name} {spread(values)}" for name, values in (smaller, larger))
    test = t_test((smaller[1], larger[1]), (1.0, -1.0))
    if test is None:
        return f'"{statement}": {means}; undecided, too few values or no spread.'
    p = min(1.0, tests * two_sided(test.p_below, 1 - test.p_below))
    verdict = ("supported" if test.estimate < 0 else "contradicted") if p < LEVEL else "undecided"
    return f'"{statement}": {means}; p = {significant(p, 2)} for {tests} tests: {verdict}.'


def spread(values: Sequence[float], *, count: bool = True) -> str:
    """Return mean, standard deviation and number of values, as text; "" for none."""
    if not values:
        return ""
    deviation = f" ± {significant(stdev(values), 2)}" if len(values) > 1 else ""
    return f"{significant(fmean(values))}{deviation}" + (f" ({len(values)})" if count else "")
