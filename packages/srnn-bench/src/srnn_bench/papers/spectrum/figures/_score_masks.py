"""The weights that one reading of a score keeps in a network before training, and how far two readings agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from srnn_models import Network
from srnn_pruning import Criterion, recurrences

from ....training import assemble, evidence_of
from .._networks import OURS, SPARSITY, Net
from .._sizes import TASK, Sizes


@dataclass(frozen=True)
class Score:
    """A criterion with its draw of random numbers and of the pruning batch."""

    criterion: Criterion = OURS
    draw: int = 0
    batch: int = 0

    def having(self, **fields: Any) -> Score:
        """Return a copy whose criterion has other fields."""
        return replace(self, criterion=self.criterion.model_copy(update=fields))


@dataclass(frozen=True)
class Untrained:
    """A network before training, and the evidence that a criterion gets of each pruning batch, by number."""

    network: Network
    seed: int
    evidence: Callable[[int], dict[str, Callable[[], Any]]]

    @property
    def run(self) -> Callable[[], Any]:
        """Function that runs the network on the first pruning batch."""
        return self.evidence(0)["run"]

    @property
    def weights(self) -> dict[str, Tensor]:
        """Weights of the one recurrence of the network, by full name; input weights first."""
        (cell,) = recurrences(self.network).values()
        names = (*cell.weights["input"], *cell.weights["recurrent"])
        return {name: self.network.get_parameter(name) for name in names}

    def scores(self, score: Score) -> dict[str, Tensor]:
        """Return the scores of the weights."""
        generator = torch.Generator().manual_seed(1000 * self.seed + score.draw)
        return score.criterion.scores(
            self.weights, generator=generator, module=self.network, **self.evidence(score.batch)
        )


def untrained(net: Net, seed: int, size: Sizes) -> Untrained:
    """Return a network with the initial weights of a run, on the CPU."""
    device = torch.device("cpu")
    parts = assemble(net.trained(TASK, size.training), seed, device)
    assert isinstance(parts.model, Network)
    return Untrained(parts.model, seed, cache(lambda batch: evidence_of(parts, 0, 1 + batch, device)))


def kept(scores: dict[str, Tensor], density: float = 1 - SPARSITY) -> Tensor:
    """Return which weights the highest scores keep, over all matrices together: bool, in the order of the scores."""
    flat = torch.cat([score.flatten() for score in scores.values()])
    mask = torch.zeros(len(flat), dtype=torch.bool)
    mask[flat.topk(round(density * len(flat))).indices] = True
    return mask


def shared(one: Tensor, other: Tensor) -> float:
    """Return the share of the weights of one mask, in %, that another with as many weights has too."""
    return 100 * float((one & other).sum() / one.sum())


def between_rows(score: Tensor) -> float:
    """Return the share of the variance of the logarithms of positive scores that lies between rows, in %."""
    positive = score > 0
    logs = torch.where(positive, score, 1).double().log()  # (rows, cols)
    counts = positive.sum(1)
    used = counts > 0
    means = logs.sum(1)[used] / counts[used]
    mean = logs[positive].mean()
    return 100 * float((counts[used] * (means - mean) ** 2).sum() / ((logs[positive] - mean) ** 2).sum())
