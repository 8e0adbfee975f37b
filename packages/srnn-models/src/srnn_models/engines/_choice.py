"""Which engine `auto` chooses: the numbers, measured on one machine (CPU, one thread)."""

import torch

SMALLEST = 256  # neurons; below, the products are too small for anything to be faster than the loop
DENSITY, SMALL_BATCH_DENSITY = 0.15, 0.25  # sparse below this share of W over all gates
SMALL_BATCH = 4


def choose(hidden: int, batch: int, density: float | None, device: torch.device) -> str:
    """Return "loop", "dense" or "sparse" for N neurons, B sequences and the density of the mask; None means no mask.

    The engines were measured on CPUs only: elsewhere it is "loop".
    """
    if device.type != "cpu" or hidden < SMALLEST:
        return "loop"
    limit = SMALL_BATCH_DENSITY if batch <= SMALL_BATCH else DENSITY
    return "sparse" if density is not None and density < limit else "dense"
