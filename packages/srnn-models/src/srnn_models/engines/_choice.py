"""Which engine `auto` chooses: the numbers, measured on one machine (CPU, one thread)."""

import torch

SPARSE_FROM, DENSE_FROM = 256, 512  # neurons; below, the loop is as fast
DENSITY, FEW_DENSITY = 0.15, 0.25  # sparse below this share of W over all gates
FEW = 4  # sequences


def choose(hidden: int, batch: int, density: float | None, device: torch.device) -> str:
    """Return "loop", "dense" or "sparse" for N neurons, B sequences and the density of the mask; None means no mask.

    The engines were measured on CPUs only: elsewhere it is "loop".

    >>> choose(1000, 20, 0.05, torch.device("cpu")), choose(1000, 20, None, torch.device("cpu"))
    ('sparse', 'dense')
    """
    if device.type != "cpu":
        return "loop"
    limit = FEW_DENSITY if batch <= FEW else DENSITY
    if density is not None and density < limit and hidden >= SPARSE_FROM:
        return "sparse"
    return "dense" if hidden >= DENSE_FROM else "loop"
