"""Time per training step with trained and fixed embeddings: section 2.3 of arXiv 2406.06290, on runs of Table 3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ...experiment import StageResult
from ...tables import FilledCell, Place, Plan, Reading, Scale, Table
from . import _claims, _navigation
from ._benchmark import Score, Variant
from ._rows import baseline


@dataclass(frozen=True)
class StepTime(Reading):
    """Mean wall time of a training step after the first epoch, in milliseconds."""

    def __call__(self, stage: StageResult) -> float:
        """Return the time; for stacked runs, that of the stack divided by the number of runs."""
        return stage.step_ms

    def __str__(self) -> str:
        """Return the name of the number."""
        return "time per training step"

    @property
    def improves(self) -> Literal["lower"]:
        """Less time is better."""
        return "lower"


def step_times(name: str, scale: Scale, variant: Variant) -> Table:
    """Time per training step of the unpruned networks of Table 3."""
    bench = replace(
        _navigation.benchmark(scale, variant),
        score=Score(StepTime(), "Time per training step", "ms", "lower"),
        plan=Plan(),
        remarks=_machines,
    )
    return bench.table(
        name,
        scale,
        title="Time per training step, embeddings trained and fixed",
        source="arXiv 2406.06290, section 2.3, without numbers; the runs are those of the row Baseline of Table 3",
        cells=baseline(bench, _navigation.embeddings(variant.preset)),
        claims=_claims.STEP_TIMES,
    )


def _machines(cells: Mapping[Place, FilledCell]) -> list[str]:
    """Return how far the times can be compared."""
    results = [result for cell in cells.values() for result in cell.results.values() if result is not None]
    conditions = {
        (each.device, each.processor, each.threads, each.stacked, each.recorded, each.engine)
        for each in (result.environment for result in results)
    }
    lines = ["Times depend on the machine and on what else it computes: only their ratios within this table are read."]
    if len(conditions) > 1:
        lines.append(
            f"These runs were made under {len(conditions)} different conditions, which makes ratios unreliable."
        )
    return lines
