"""Places of labels along an axis."""

from __future__ import annotations

from collections.abc import Sequence


def spread(centres: Sequence[float], sizes: Sequence[float], *, low: float, high: float) -> list[float]:
    """Return places near `centres`, ascending, at which labels of these sizes do not overlap, from `low` to `high`.

    Each label is moved up until it is free of the one before, then down until it is free of the one after. If they
    need more room than there is, the first one begins below `low`.
    """
    places: list[float] = []
    for centre, size in zip(centres, sizes, strict=True):
        edge = places[-1] + sizes[len(places) - 1] / 2 if places else low
        places.append(max(centre, edge + size / 2))
    edge = high
    for number in reversed(range(len(places))):
        places[number] = min(places[number], edge - sizes[number] / 2)
        edge = places[number] - sizes[number] / 2
    return places
