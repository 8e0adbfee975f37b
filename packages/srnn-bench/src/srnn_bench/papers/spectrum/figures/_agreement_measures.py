"""Measurements of the figure `agreement`, on networks before training: masks of readings of the score, gamma, chi."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from statistics import fmean

import torch
from torch import Tensor

import srnn_pruning
from srnn_models import AnyInitialization, Glorot, Normal
from srnn_pruning import SNIP, GraSP, JacobianSpectrum, recurrences

from .._networks import Net
from .._sizes import TASK, Sizes
from ._jacobian import LAST
from ._score_masks import Score, Untrained, between_rows, kept, shared, untrained
from ._sensitivity import correlation_of, noise, root_mean_square, sensitivity

PAPERS = Score()  # divided by gamma

RAW = PAPERS.having(normalization="none")

FROBENIUS = RAW.having(vector="frobenius")

WITH_C = ("LSTM", "peephole LSTM")  # cells whose state is more than h

READINGS: dict[str, Score] = {
    "gamma, as published": PAPERS,
    "gamma, another draw": Score(draw=1),
    "no division": RAW,
    "no division, another batch": Score(RAW.criterion, batch=1),
    "data": PAPERS.having(normalization="data"),
    "root mean square": PAPERS.having(normalization="rms"),
    "root mean square, another draw": Score(JacobianSpectrum(normalization="rms"), draw=1),
    "mean absolute value": PAPERS.having(normalization="mean_abs"),
    "explicit": RAW.having(derivative="explicit"),
    "explicit, gamma": PAPERS.having(derivative="explicit"),
    "random signs": RAW.having(vector="sign"),
    "random signs, another draw": Score(JacobianSpectrum(normalization="none", vector="sign"), draw=1),
    "Frobenius norm": FROBENIUS,
    "h and c": RAW.having(state="hc"),
    "SNIP": Score(SNIP()),
    "SNIP, gamma": Score(SNIP(normalization="gamma")),
    "SNIP, gamma, another draw": Score(SNIP(normalization="gamma"), draw=1),
    "GraSP": Score(GraSP()),
    "GraSP, gamma": Score(GraSP(normalization="gamma")),
    "GraSP, gamma, another draw": Score(GraSP(normalization="gamma"), draw=1),
}

PAIRS: tuple[tuple[str, str], ...] = (
    ("gamma, as published", "gamma, another draw"),
    ("gamma, as published", "no division"),
    ("no division", "no division, another batch"),
    ("data", "gamma, as published"),
    ("data", "no division"),
    ("root mean square", "root mean square, another draw"),
    ("root mean square", "gamma, as published"),
    ("root mean square", "no division"),
    ("mean absolute value", "gamma, as published"),
    ("mean absolute value", "root mean square"),
    ("no division", "explicit"),
    ("gamma, as published", "explicit, gamma"),
    ("no division", "random signs"),
    ("random signs", "random signs, another draw"),
    ("no division", "Frobenius norm"),
    ("random signs", "Frobenius norm"),
    ("no division", "h and c"),
    ("SNIP, gamma", "SNIP, gamma, another draw"),
    ("SNIP, gamma", "SNIP"),
    ("GraSP, gamma", "GraSP, gamma, another draw"),
    ("GraSP, gamma", "GraSP"),
)

STARTS: Mapping[str, AnyInitialization] = {
    "N(0, 0.1), 0.1 the standard deviation": Normal(sd=0.1),
    "N(0, 0.1), 0.1 the variance": Normal(sd=0.1**0.5),
    "Glorot, per gate": Glorot(),
}


def masks(found: Untrained, cell: str, *, frobenius: bool) -> dict[str, Tensor]:
    """Return the mask of each reading; without that of the Frobenius norm, which takes long, unless it is asked for."""
    return {
        name: kept(found.scores(score))
        for name, score in READINGS.items()
        if (cell in WITH_C or name != "h and c") and (frobenius or score != FROBENIUS)
    }


def agreements(found: Mapping[str, Tensor]) -> dict[tuple[str, str], float]:
    """Return the share of common weights of each pair of readings, in %."""
    return {(one, other): shared(found[one], found[other]) for one, other in PAIRS if {one, other} <= found.keys()}


def input_weights(found: Untrained, mask: Tensor) -> tuple[float, float]:
    """Return how many input weights a mask keeps, and how many for each recurrent weight that it keeps."""
    (cell,) = recurrences(found.network).values()
    count = sum(found.weights[name].numel() for name in cell.weights["input"])
    inputs, recurrent = int(mask[:count].sum()), int(mask[count:].sum())
    return float(inputs), inputs / max(1, recurrent)


def rows(found: Untrained) -> dict[str, float]:
    """Return the share of the variance of log scores that lies between the rows of each weight matrix, in %."""
    shares = {}
    for name in ("explicit", "no division"):
        for weight, score in found.scores(READINGS[name]).items():
            shares[f"{name}: {weight.rpartition('.')[2]}"] = between_rows(score)
    return shares


def gammas(found: Untrained, *, few: int, many: int) -> dict[str, float]:
    """Return size and repeatability of gamma over `few` and over `many` sequences."""
    (cell,) = recurrences(found.network).values()
    generator = torch.Generator().manual_seed(found.seed)
    draw = partial(noise, 28, inputs=cell.inputs, generator=generator)
    inputs = draw(few)
    first, second = sensitivity(found.network, inputs), sensitivity(found.network, draw(few))
    both = sensitivity(found.network, torch.cat([inputs, -inputs], dim=1))
    size = root_mean_square(first)
    large, other = sensitivity(found.network, draw(many)), sensitivity(found.network, draw(many))
    return {
        f"rms, {few}": size,
        f"rms, {many}": root_mean_square(large),
        "ratio": size / root_mean_square(large),
        f"correlation, {few}": correlation_of(first, second),
        f"correlation, {many}": correlation_of(large, other),
        "x and -x": root_mean_square(both) / size,
    }


def chis(cell: str, units: int, start: str, seed: int, size: Sizes) -> dict[str, float]:
    """Return chi before training for an initialisation, for v of ones and for the Frobenius norm."""
    found = untrained(Net(cell, units, STARTS[start]), seed, size)
    digits = TASK.open(device="cpu", generator=torch.Generator().manual_seed(seed))
    few = next(iter(digits.batches(8, generator=torch.Generator().manual_seed(seed)))).inputs

    def mean(run: object, **options: object) -> float:
        return fmean(srnn_pruning.chi(found.network, run, **options).values())  # type: ignore[arg-type]

    return {
        "ones, all transitions": mean(found.run),
        f"ones, last {LAST}": mean(found.run, last=LAST),
        f"Frobenius, last {LAST}": mean(partial(found.network, few), last=LAST, vector="frobenius"),
    }
