"""Streaming and file size of compact models against torch's layers, batch 1, one thread.

    python benchmarks/compact_speed.py [--repeat 41]

Both take single steps without gradients, in turn, in one process. A ratio is that of two neighbouring rounds; printed
are the median and the quartiles.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

import torch
from torch import nn

from srnn_models import compact, save_compact

STEPS = 20  # per round


def gru() -> nn.RNNBase:
    """Return an nn.GRU(64, 512) with 5 % of its weights."""
    layer = nn.GRU(64, 512)
    return sparse(layer, layer.weight_ih_l0, layer.weight_hh_l0, density=0.05)


def elman() -> nn.RNNBase:
    """Return an nn.RNN of 2500 neurons with 4.5 % of its recurrent weights and 16 inputs."""
    layer = nn.RNN(16, 2500, nonlinearity="relu")
    return sparse(layer, layer.weight_hh_l0, density=0.045)


CASES: dict[str, tuple[Callable[[], nn.RNNBase], float]] = {
    "GRU(64, 512), 5 %": (gru, 3),
    "Elman, N = 2500, 4.5 %": (elman, 6),
}


def sparse(layer: nn.RNNBase, *weights: torch.Tensor, density: float) -> nn.RNNBase:
    """Set the other weights to 0, and return the layer."""
    with torch.no_grad():
        for weight in weights:
            weight.mul_(torch.rand_like(weight) < density)
    return layer


def ratios(layer: nn.RNNBase, repeat: int) -> list[float]:
    """Return the time of torch's steps over that of compact ones, for each round."""
    small, input = compact(layer), torch.randn(1, layer.input_size)
    state = torch.randn(1, 1, layer.hidden_size)
    found = []
    with torch.no_grad():
        for number in range(-2, repeat):  # the first rounds allocate
            theirs = seconds(lambda: layer(input[None], state))
            ours = seconds(lambda: small.step(input, state))
            if number >= 0:
                found.append(theirs / ours)
    return found


def seconds(function: Callable[[], object]) -> float:
    """Return the time of some calls."""
    begin = time.perf_counter()
    for _ in range(STEPS):
        function()
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=41)
    repeat = parser.parse_args().repeat
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for name, (make, least) in CASES.items():
        low, middle, high = quantiles(ratios(make(), repeat), n=4)
        print(f"{name}: streaming {middle:.2f} ({low:.2f} to {high:.2f}) times as fast, at least {least:g}")
    layer = gru()
    with TemporaryDirectory() as folder:
        dense, small = Path(folder) / "dense.pt", Path(folder) / "compact.safetensors"
        torch.save(layer.state_dict(), dense)
        save_compact(compact(layer), small)
        sizes = dense.stat().st_size, small.stat().st_size
    print(f"GRU(64, 512), 5 %: file {sizes[0]} against {sizes[1]} bytes, {sizes[0] / sizes[1]:.1f} times smaller")


if __name__ == "__main__":
    main()
