"""Which engine "auto" chooses. The numbers are those of `benchmarks/engine_crossover.py` (one machine, one thread)."""

import torch

SPARSE_FROM, DENSE_FROM = 256, 512  # neurons; below, the loop is as fast
DENSITY = 0.15  # sparse below this share of W over all gates
FEW_DENSITY = 0.25  # the same for few sequences of wide layers
FEW = 4  # sequences
WIDE = 1000  # neurons


def choose(hidden: int, batch: int, density: float | None, device: torch.device) -> str:
    """Return "loop", "dense" or "sparse" for N neurons, B sequences and the density of the mask; None means no mask.

    The engines were measured on CPUs only: elsewhere it is "loop".

    >>> choose(1000, 20, 0.05, torch.device("cpu")), choose(1000, 20, None, torch.device("cpu"))
    ('sparse', 'dense')
    """
    if device.type != "cpu":
        return "loop"
    limit = FEW_DENSITY if batch <= FEW and hidden >= WIDE else DENSITY
    if density is not None and density < limit and hidden >= SPARSE_FROM:
        return "sparse"
    return "dense" if hidden >= DENSE_FROM else "loop"


def choose_block(device: torch.device) -> str:
    """Return the engine of a block RNN: on the CPU "dense" is as fast or faster (`benchmarks/block_speed.py`).

    >>> choose_block(torch.device("cpu"))
    'dense'
    """
    return "dense" if device.type == "cpu" else "loop"


LSTM_FROM, LSTM_DENSITY = 512, 0.1  # torch's LSTM is fused: fewer neurons, or few sequences below WIDE, do not gain


def choose_over_torch(mode: str, hidden: int, batch: int, density: float | None, device: torch.device) -> str:
    """Return the engine of one layer of torch's in one direction, as `choose`; "loop" is torch's own forward pass.

    mode: that of the layer, such as "GRU". A layer with a mask that is too dense, and an LSTM without mask, stay with
    torch's pass.

    >>> choose_over_torch("GRU", 1000, 20, None, torch.device("cpu"))
    'dense'
    >>> choose_over_torch("LSTM", 1000, 20, None, torch.device("cpu"))
    'loop'
    """
    if mode == "LSTM" and not _lstm_gains(hidden, batch, density):
        return "loop"
    engine = choose(hidden, batch, density, device)
    return "loop" if engine == "dense" and density is not None else engine


def _lstm_gains(hidden: int, batch: int, density: float | None) -> bool:
    """Return whether "sparse" is faster than torch's fused LSTM."""
    if density is None:
        return False
    if hidden >= WIDE:
        return density < DENSITY
    return hidden >= LSTM_FROM and batch > FEW and density < LSTM_DENSITY
