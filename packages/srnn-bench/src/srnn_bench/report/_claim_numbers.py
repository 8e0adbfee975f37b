"""The numbers behind a verdict, as texts by name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from ..tables import Judgement, Place, Table
from ._texts import probability


def judgement_numbers(judgement: Judgement, table: Table) -> dict[str, str]:
    """Return the numbers behind a verdict by name, without those that could not be computed."""
    deciding, numbers = judgement.deciding, dict[str, str]()
    if judgement.measure is not None:
        return _of_draws(judgement)
    if deciding is not None:
        numbers["contrast"] = str(deciding)
    if judgement.estimate is not None:
        numbers["estimate"] = _sum(judgement.estimate, table) + _interval(judgement.interval, table)
    if deciding is not None:
        limits = {"bound": deciding.bound, "margin": deciding.margin}
        numbers |= {name: f"{value:g} {table.unit}" for name, value in limits.items() if value}
    if judgement.bootstrap is not None:
        numbers["bootstrap"] = _interval(judgement.bootstrap, table).lstrip(", ")
    if judgement.effect is not None:
        numbers["effect size"] = f"g = {judgement.effect:+.2f}"
    if judgement.p_holm is not None:
        numbers["p, Holm"] = _corrected(judgement.p_holm, judgement.p, judgement.family)
    if judgement.p_equivalent_holm is not None and judgement.margin is not None:
        margin = _distance(judgement.margin, table, "g")
        numbers[f"p, within {margin}"] = _corrected(judgement.p_equivalent_holm, judgement.p_equivalent)
    if judgement.detectable is not None:
        numbers["smallest detectable"] = f"{_distance(judgement.detectable, table, '.2f')} (80 % power)"
    ranks = []
    if judgement.rank_effect is not None:
        ranks.append(f"P(better) = {judgement.rank_effect:.2f}")
    if judgement.rank_p is not None:
        ranks.append(f"p = {probability(judgement.rank_p)}".replace("= <", "<"))
    if ranks:
        numbers["rank test"] = ", ".join(ranks)
    learned = "that learned" if table.plan.failure_threshold is not None else ""
    numbers[f"runs {learned}".rstrip()] = _by_cell(judgement.n) + (
        f"; {judgement.missing} missing" if judgement.missing else ""
    )
    if any(judgement.failures.values()):
        tests = (f"Fisher p {probability(p)} for {contrast}" for contrast, p in judgement.fisher.items())
        numbers["failed to learn"] = "; ".join([*_failures(judgement), *tests])
    return numbers


def _of_draws(judgement: Judgement) -> dict[str, str]:
    """Return the numbers behind a verdict on a claim about a study."""
    numbers = {"test": str(judgement.deciding)}
    if judgement.estimate is not None and judgement.interval is not None:
        low, high = judgement.interval
        numbers[str(judgement.measure)] = f"{judgement.estimate:.3g}, 95 % {low:.3g} to {high:.3g}"
    if judgement.p_holm is not None:
        numbers["p, Holm"] = _corrected(judgement.p_holm, judgement.p, judgement.family)
    if judgement.detectable is not None:
        numbers["smallest detectable"] = f"{judgement.detectable:.2g} from the bound (80 % power)"
    counts = (
        f"{group}: {failed} of {failed + judgement.n[group, column]}"
        for (group, column), failed in judgement.failures.items()
    )
    numbers["unstable draws"] = "; ".join(counts) + (f"; {judgement.missing} missing" if judgement.missing else "")
    return numbers


def _sum(value: float, table: Table) -> str:
    """Return a sum of means; if logarithms are compared, the ratio or the geometric mean that it stands for."""
    return f"{math.exp(value):.3g}" if table.plan.log else f"{value:+.2f} {table.unit}"


def _distance(value: float, table: Table, digits: str) -> str:
    return f"a factor of {math.exp(value):{digits}}" if table.plan.log else f"{value:{digits}} {table.unit}"


def _interval(ends: tuple[float, float] | None, table: Table) -> str:
    if ends is None:
        return ""
    low, high = (f"{math.exp(end):.3g}" if table.plan.log else f"{end:+.2f}" for end in ends)
    return f", 95 % {low} to {high}"


def _corrected(p_holm: float, p: float | None, claims: int = 1) -> str:
    over = f", over {claims} claims" if claims > 1 else ""
    return probability(p_holm) + ("" if p is None else f" ({probability(p)} uncorrected{over})")


def _failures(judgement: Judgement) -> Iterator[str]:
    """Yield how many runs failed to learn, of the cells in which any did."""
    for (row, column), failures in judgement.failures.items():
        if failures:
            yield f"{row}, {column}: {failures} of {failures + judgement.n[row, column]}"


def _by_cell(counts: Mapping[Place, int]) -> str:
    """Return a number of runs per cell."""
    if len(counts) > 1 and len(set(counts.values())) == 1:
        return f"{next(iter(counts.values()))} in each cell"
    return "; ".join(f"{row}, {column}: {n}" for (row, column), n in counts.items())
