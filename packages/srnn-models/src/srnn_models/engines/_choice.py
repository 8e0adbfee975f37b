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


LSTM_FROM = 512  # neurons; torch's LSTM is fused: below, "sparse" is slower at few sequences


def choose_over_torch(mode: str, hidden: int, batch: int, density: float | None, device: torch.device) -> str:
    """Return the engine of one layer of torch's in one direction, as `choose`; "loop" is torch's own forward pass.

    mode: that of the layer, such as "GRU". A layer with a mask that is too dense, and an LSTM without mask, stay with
    torch's pass.

    >>> choose_over_torch("GRU", 1000, 20, None, torch.device("cpu"))
    'dense'
    >>> choose_over_torch("LSTM", 1000, 20, None, torch.device("cpu"))
    'loop'
    """
    if mode == "LSTM" and (hidden < LSTM_FROM or density is None or density >= DENSITY):
        return "loop"
    engine = choose(hidden, batch, density, device)
    return "loop" if engine == "dense" and density is not None else engine
