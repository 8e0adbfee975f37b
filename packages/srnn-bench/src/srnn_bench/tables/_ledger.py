"""The ledger: every claim with its verdict, as plain rows for JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from ._cell import Place
from ._judge import judge
from ._judgement import Judgement
from ._summary import Summary


def ledger(summaries: Iterable[Summary]) -> list[dict[str, Any]]:
    """Return one row per claim, of values that JSON supports; None for what cannot be computed.

    The columns are the attributes of a `Judgement`, with its `family` as `claims_in_family`, and those of the table, of
    the claim, and of the deciding contrast (`bound`, `contrast_margin`). `tables_not_built` are those of the paper that
    cannot be built, which the family may lack; `tables_not_read` those of the family whose results cannot be read.
    """
    return [_row(summary, judgement) for summary in summaries for judgement in judge(summary)]


def _row(summary: Summary, judgement: Judgement) -> dict[str, Any]:
    claim, table, deciding = judgement.claim, summary.table, judgement.deciding
    numbers = {each.name: getattr(judgement, each.name) for each in fields(judgement)}
    numbers |= {name: list(value) for name, value in numbers.items() if isinstance(value, tuple)}
    size = numbers.pop("family")
    return {
        "table": table.name,
        "scale": table.scale,
        "unit": table.unit,
        "better": table.better,
        "statement": claim.statement,
        "source": claim.source,
        **numbers,
        "claim": claim.name,
        "family_name": table.family,
        "claims_in_family": size,
        "tables_not_built": list(summary.broken),
        "tables_not_read": list(summary.unread),
        "readings": {"with_results": judgement.readings[0], "all": judgement.readings[1]},
        "seeds": list(table.seeds),
        "n": _by_cell("n", judgement.n),
        "failures": _by_cell("failures", judgement.failures),
        "fisher": [{"contrast": str(contrast), "p": p} for contrast, p in judgement.fisher.items()],
        "deciding": None if deciding is None else str(deciding),
        "bound": None if deciding is None else deciding.bound,
        "contrast_margin": None if deciding is None else deciding.margin,
    }


def _by_cell(name: str, counts: dict[Place, int]) -> list[dict[str, Any]]:
    return [{"row": row, "column": column, name: count} for (row, column), count in counts.items()]
