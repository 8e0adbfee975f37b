"""Places of labels along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from statistics import fmean


def spread(centres: Sequence[float], sizes: Sequence[float], *, low: float, high: float) -> list[float]:
    """Return the places at which labels of these sizes do not overlap, with the least squares of their shifts.

    centres: where the labels would be if they were alone, ascending. The places are moved between `low` and `high` as
    a whole; if there is not enough room, the first one begins below `low`.
    """
    distances = [(one + other) / 2 for one, other in pairwise(sizes)]  # between neighbours that touch
    offsets = list(accumulate(distances, initial=0.0))
    groups: list[list[float]] = []  # of labels that touch; the common shift of a group is its mean
    for centre, offset in zip(centres, offsets, strict=True):
        groups.append([centre - offset])
        while len(groups) > 1 and fmean(groups[-2]) > fmean(groups[-1]):
            groups[-2:] = [groups[-2] + groups[-1]]
    first, last = low + sizes[0] / 2, high - sizes[-1] / 2 - offsets[-1]
    shifts = [min(max(fmean(group), first), last) for group in groups for _ in group]
    return [shift + offset for shift, offset in zip(shifts, offsets, strict=True)]
