"""The ledger of claims: every claim with its verdict, as plain rows for JSON and as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ._judge import Judgement, judge
from ._summary import Summary


def ledger(summaries: Iterable[Summary]) -> list[dict[str, Any]]:
    """Return a row a claim, of values that JSON knows; what cannot be computed is None."""
    return [_row(summary, judgement) for summary in summaries for judgement in judge(summary)]


def _row(summary: Summary, judgement: Judgement) -> dict[str, Any]:
    claim, table = judgement.claim, summary.table
    return {
        "table": table.name,
        "scale": table.scale,
        "claim": claim.name,
        "statement": claim.statement,
        "source": claim.source,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "unit": table.unit,
        "better": table.better,
        "n": [{"row": row, "column": column, "n": n} for (row, column), n in judgement.n.items()],
        "diverged": judgement.diverged,
        "missing": judgement.missing,
        "deciding": None if judgement.deciding is None else str(judgement.deciding),
        "bound": None if judgement.deciding is None else judgement.deciding.bound,
        "margin": None if judgement.deciding is None else judgement.deciding.margin,
        "estimate": judgement.estimate,
        "interval": _pair(judgement.interval),
        "bootstrap": _pair(judgement.bootstrap),
        "effect": judgement.effect,
        "p": judgement.p,
        "p_holm": judgement.p_holm,
        "detectable": judgement.detectable,
        "rank_p": judgement.rank_p,
        "rank_effect": judgement.rank_effect,
    }


def _pair(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)
