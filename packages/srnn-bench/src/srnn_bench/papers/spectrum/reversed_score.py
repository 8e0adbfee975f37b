"""The scores of another criterion with the opposite sign: some public versions of GraSP keep the other end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from srnn_pruning import AnyCriterion, Criterion


class Reversed(Criterion):
    """Minus the scores of `base`: what the base would keep last is kept first.

    >>> from srnn_pruning import GraSP
    >>> Reversed(base=GraSP()).wants
    ('loss',)
    """

    kind: Literal["srnn_bench.papers.spectrum.reversed_score:Reversed"] = (
        "srnn_bench.papers.spectrum.reversed_score:Reversed"
    )
    base: AnyCriterion

    @property
    def wants(self) -> tuple[str, ...]:
        """What the base wants."""
        return self.base.wants

    @property
    def draws(self) -> bool:
        """Whether the base draws at random."""
        return self.base.draws

    def scores(
        self, parameters: Mapping[str, Tensor], *, generator: torch.Generator | None = None, **evidence: Any
    ) -> dict[str, Tensor]:
        """Return minus the scores of the base, of each parameter's shape."""
        scores = self.base.scores(parameters, generator=generator, **evidence)
        return {name: -score for name, score in scores.items()}
