"""How much of a mask depends on the draw of gamma and on the variant of the score, by cell, without training.

Equation 5 of arXiv 1912.00120 divides by a signed mean over inputs, whose expectation is exactly 0 for a tanh RNN
without biases; section 2.2 writes J 1 and the Frobenius norm as if they were equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import torch
from torch import Tensor, nn

import srnn_pruning
from srnn_pruning import AnyCriterion, JacobianSpectrum

from ....drawing import heat, markdown_table, significant, write_drawing, write_text
from ....training import assemble, evidence_of, stream
from ... import FigureRequest
from .._networks import CELLS, RECURRENCE, SPARSITY, Net, literal, pruned
from .._sizes import SIZES, Sizes
from ._jacobian import LAST

SEEDS = 3

Normalization = Literal["gamma", "data", "rms", "mean_abs"]

PARTS: tuple[Normalization, ...] = ("gamma", "data", "rms", "mean_abs")

RAW = JacobianSpectrum(normalization="none")


@dataclass(frozen=True)
class Pair:
    """Two ways to score the same network: a criterion and the number of its draw, each."""

    first: tuple[AnyCriterion, int]
    second: tuple[AnyCriterion, int]


PAIRS: dict[str, Pair] = {
    **{
        f"{part}, two draws": Pair(
            (JacobianSpectrum(normalization=part), 0),
            (JacobianSpectrum(normalization=part), 1),
        )
        for part in PARTS
        if part != "data"  # which draws nothing
    },
    **{
        f"{part} and none": Pair(
            (JacobianSpectrum(normalization=part), 0),
            (RAW, 0),
        )
        for part in PARTS
    },
    "total and explicit derivative": Pair((RAW, 0), (JacobianSpectrum(normalization="none", derivative="explicit"), 0)),
    "ones and Frobenius": Pair((RAW, 0), (JacobianSpectrum(normalization="none", vector="frobenius"), 0)),
    "ones and random signs": Pair((RAW, 0), (JacobianSpectrum(normalization="none", vector="sign"), 0)),
    "h, and h and c": Pair((RAW, 0), (JacobianSpectrum(normalization="none", state="hc"), 0)),
}


def overlap(request: FigureRequest) -> list[Path]:
    """Masks at initialisation: the share of kept weights that two draws or variants of the score have in common."""
    size = SIZES[request.scale]
    shares = torch.zeros(len(PAIRS), len(CELLS))
    chis = []
    for column, cell in enumerate(CELLS):
        found = [_measured(cell, size, seed) for seed in size.seeds[:SEEDS]]
        shares[:, column] = torch.tensor([each.shares for each in found]).mean(0)
        chis.append(
            [cell, *(significant(fmean(values), 3) for values in zip(*(each.chis for each in found), strict=True))]
        )
    name = f"spectrum-overlap-{request.scale}"
    setting = f"{size.full_hidden} units on sequential MNIST, N(0, 0.1) weights, 95 % sparse, before training"
    drawing = heat(
        name,
        f"Kept weights in common: {setting}",
        shares,
        list(PAIRS),
        list(CELLS),
        label="share of kept weights in common",
    )
    body = [
        [pair, *(significant(100 * value, 3) for value in line)]
        for pair, line in zip(PAIRS, shares.tolist(), strict=True)
    ]
    seeds = len(size.seeds[:SEEDS])
    text = (
        f"# Kept weights in common\n\n{setting}. Share in %, mean over {seeds} seeds; two random masks have 5 % in "
        f"common.\n\n{markdown_table(['masks', *CELLS], body)}\nchi, dense network:\n\n"
        f"{markdown_table(['cell', 'all transitions', f'the last {LAST}'], chis)}"
    )
    return [*write_drawing(drawing, request.folder), write_text(text, request.folder, name)]


@dataclass(frozen=True)
class _Measured:
    shares: Sequence[float]  # one per pair
    chis: tuple[float, float]


def _measured(cell: str, size: Sizes, seed: int) -> _Measured:
    """Score one dense network in all ways and compare the masks."""
    device = torch.device("cpu")
    experiment = Net(cell, size.full_hidden, literal()).trained(size.task, size.training, pruned(RAW))
    parts = assemble(experiment, seed, device)
    evidence = evidence_of(parts, 0, 1, device)
    masks: dict[tuple[AnyCriterion, int], Tensor] = {}
    for pair in PAIRS.values():
        for way in (pair.first, pair.second):
            if way not in masks:
                masks[way] = _mask(parts.model, *way, seed, evidence)
    kept = round((1 - SPARSITY) * len(next(iter(masks.values()))))
    shares = [float((masks[pair.first] & masks[pair.second]).sum()) / kept for pair in PAIRS.values()]
    chis = [fmean(srnn_pruning.chi(parts.model, evidence["run"], last=last).values()) for last in (None, LAST)]
    return _Measured(shares, (chis[0], chis[1]))


def _mask(
    module: nn.Module, criterion: AnyCriterion, draw: int, seed: int, evidence: Mapping[str, Callable[[], Any]]
) -> Tensor:
    """Return which weights of the recurrent layer a criterion keeps, ranked together, bool `(weights,)`."""
    parameters = {name: each for name, each in module.named_parameters() if fnmatchcase(name, RECURRENCE[0])}
    scores = criterion.scores(
        parameters, generator=stream(seed, "overlap", draw), module=module, fraction=SPARSITY, **evidence
    )
    ranked = torch.cat([score.flatten() for score in scores.values()])
    mask = torch.zeros(len(ranked), dtype=torch.bool)
    mask[ranked.topk(round((1 - SPARSITY) * len(ranked))).indices] = True
    return mask
