"""The ledger: every claim with its verdict, as plain rows for JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from ._judge import Judgement, judge
from ._summary import Summary


def ledger(summaries: Iterable[Summary]) -> list[dict[str, Any]]:
    """Return one row per claim, of values that JSON supports; None for what cannot be computed."""
    return [_row(summary, judgement) for summary in summaries for judgement in judge(summary)]


def _row(summary: Summary, judgement: Judgement) -> dict[str, Any]:
    claim, table, deciding = judgement.claim, summary.table, judgement.deciding
    numbers = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(judgement).items()}
    return {
        "table": table.name,
        "scale": table.scale,
        "unit": table.unit,
        "better": table.better,
        "statement": claim.statement,
        "source": claim.source,
        **numbers,
        "claim": claim.name,
        "n": [{"row": row, "column": column, "n": n} for (row, column), n in judgement.n.items()],
        "deciding": None if deciding is None else str(deciding),
        "bound": None if deciding is None else deciding.bound,
        "margin": None if deciding is None else deciding.margin,
    }
