"""The numbers that arXiv 2207.03523 prints: Table 1, after 10,000 steps on 84 tasks, 15 networks each."""

from __future__ import annotations

from ...tables import Published

RUNS = 15

PERFORMANCE: dict[str, tuple[float, float]] = {  # mean, spread (the paper does not say of which kind)
    "LM d = 6": (0.799, 0.007),
    "LM d = 10": (0.815, 0.005),
    "dense, N = 676": (0.69, 0.01),
    "dense, N = 2500": (0.71, 0.02),
    "L1 1e-4": (0.59, 0.02),
    "L1 1e-5": (0.72, 0.01),
    "L1 1e-6": (0.73, 0.02),
    "L1 1e-7": (0.71, 0.01),
}

WEIGHTS: dict[str, tuple[float, float]] = {  # not zero: all, recurrent
    "LM d = 6": (6.17e5, 2.82e5),
    "LM d = 10": (1.13e6, 7.92e5),
    "dense, N = 676": (5.47e5, 4.57e5),
    "dense, N = 2500": (6.58e6, 6.25e6),
    "L1 1e-4": (4.00e5, 6.51e4),
    "L1 1e-5": (5.16e5, 1.81e5),
    "L1 1e-6": (1.02e6, 6.87e5),
    "L1 1e-7": (1.86e6, 1.52e6),
}


def performance(row: str) -> Published | None:
    """Return the performance that the paper prints for a network of Table 1, or None."""
    return None if row not in PERFORMANCE else Published(*PERFORMANCE[row], RUNS)


def weights(row: str, column: str) -> Published | None:
    """Return the number of weights, in thousands, that the paper prints for a network of Table 1, or None."""
    if row not in WEIGHTS:
        return None
    everything, recurrent = WEIGHTS[row]
    return Published((everything if column == "all" else recurrent) / 1000, None, RUNS)
