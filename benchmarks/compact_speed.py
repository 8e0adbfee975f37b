"""Streaming and file size of compact models against torch's layers, batch 1, one thread.

    python benchmarks/compact_speed.py [--repeat 41] [--scale 1] [--write]

Both take single steps without gradients, in turn, in one process. A ratio is that of two neighbouring rounds; printed
are the median and the quartiles. `--scale` multiplies the number of neurons; `--write` writes what is printed to
`docs/results/speed`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

import machine
import page
import torch
from torch import nn

from srnn_models import compact, save_compact

RESULT = Path(__file__).parents[1] / "docs" / "results" / "speed" / "compact.md"
STEPS = 20  # per round


def gru(scale: float) -> nn.RNNBase:
    """Return an nn.GRU(64, 512) with 5 % of its weights."""
    layer = nn.GRU(64, round(512 * scale))
    return sparse(layer, layer.weight_ih_l0, layer.weight_hh_l0, density=0.05)


def elman(scale: float) -> nn.RNNBase:
    """Return an nn.RNN of 2500 neurons with 4.5 % of its recurrent weights and 16 inputs."""
    layer = nn.RNN(16, round(2500 * scale), nonlinearity="relu")
    return sparse(layer, layer.weight_hh_l0, density=0.045)


CASES: dict[str, tuple[Callable[[float], nn.RNNBase], float]] = {
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


def lines(repeat: int, scale: float) -> Iterator[str]:
    """Measure, and give the lines of the result."""
    yield machine.described("cpu", "threads 1", f"scale {scale:g}", f"{repeat} rounds")
    for name, (make, least) in CASES.items():
        low, middle, high = quantiles(ratios(make(scale), repeat), n=4, method="inclusive")
        yield f"{name}: streaming {middle:.2f} ({low:.2f} to {high:.2f}) times as fast, at least {least:g}"
    layer = gru(scale)
    with TemporaryDirectory() as folder:
        dense, small = Path(folder) / "dense.pt", Path(folder) / "compact.safetensors"
        torch.save(layer.state_dict(), dense)
        save_compact(compact(layer), small)
        sizes = dense.stat().st_size, small.stat().st_size
    yield (
        f"GRU(64, 512), 5 %: file {sizes[0]} against {sizes[1]} bytes, {sizes[0] / sizes[1]:.1f} times smaller, "
        "at least 11"
    )


def main() -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=41)
    parser.add_argument("--scale", type=float, default=1, help="factor of the number of neurons")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    found = []
    for line in lines(arguments.repeat, arguments.scale):
        print(line, flush=True)
        found.append(f"- {line}")
    if arguments.write:
        page.write(RESULT, "Compact models", __doc__, found)


if __name__ == "__main__":
    main()
