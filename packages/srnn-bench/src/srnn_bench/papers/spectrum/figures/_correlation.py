"""Correlation of two numbers of the same runs, with its p value, in words."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.stats import spearmanr  # type: ignore[import-untyped]

from ....drawing import significant
from ....tables import LEVEL

FEWEST = 10  # runs for a test


def correlation(what: str, values: Sequence[float], errors: Sequence[float], *, tests: int) -> str:
    """Return Spearman's correlation of some values with the errors of the same runs, in words.

    p is multiplied by the number of tests (Bonferroni).
    """
    if len(values) < FEWEST or len(set(values)) == 1 or len(set(errors)) == 1:
        return f"{what}: too few different runs for a test."
    test = spearmanr(values, errors)
    rho, p = float(test.statistic), min(1.0, tests * float(test.pvalue))
    sign = ("smaller" if rho < 0 else "larger") + " errors"
    verdict = f"more of it goes with {sign}" if p < LEVEL else "no correlation is found"
    return (
        f"{what}: rank correlation with the error {rho:.2f}, {len(values)} runs, p = {significant(p, 2)} for {tests} "
        f"tests: {verdict}."
    )
