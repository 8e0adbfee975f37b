"""From which density and size on the engines of srnn-models are faster: the numbers of the engine "auto".

    python benchmarks/engine_crossover.py [--threads 1] [--repeat 7] [--write]
    python benchmarks/engine_crossover.py --scale 0.1 --repeat 2

Forward and backward of an `nn.RNN` (tanh), `nn.GRU` or `nn.LSTM` with 16 inputs and T = 28. All layers of a row
alternate in one process, so that other load on the machine affects all equally. Each number is the time of torch's own
pass without mask divided by that of an engine, as the median of the ratios of neighbouring calls: "dense" without
mask, and "sparse" with a random mask of each density. `--scale` multiplies the number of neurons; `--write` writes what
is printed to `docs/results/speed`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import engine_table
import torch
from engine_speed import INPUTS, alternated, environment, quartiles, ratios, table_line, trained
from torch import nn

from srnn_masks import Bernoulli
from srnn_models import accelerate

STEPS = 28  # T
SIZES, BATCHES = (256, 512, 1000), (1, 4, 20, 64)  # N, B
DENSITIES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
LAYERS: dict[str, type[nn.RNNBase]] = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}


def masked(layer: nn.RNNBase, density: float) -> nn.RNNBase:
    """Put a random mask on the recurrent weights of a layer, and return the layer."""
    weight = layer.get_parameter("weight_hh_l0")
    mask = Bernoulli(density=density).mask(*weight.shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        weight.mul_(mask)
    layer.register_buffer("weight_hh_l0_mask", mask)
    return layer


def rows(arguments: argparse.Namespace) -> Iterator[str]:
    """Measure, and give the lines of the table."""
    device = torch.device("cpu")
    yield environment(device, arguments)
    yield ""
    heads = ("layer", "N", "B", "dense", *(f"{100 * density:g} %" for density in DENSITIES))
    yield table_line(heads)
    yield table_line("---" for _ in heads)
    for kind, build in LAYERS.items():
        for neurons in (round(size * arguments.scale) for size in SIZES):
            layers = {
                "torch": build(INPUTS, neurons),
                "dense": accelerate(build(INPUTS, neurons), "dense"),
                **{f"{each}": accelerate(masked(build(INPUTS, neurons), each), "sparse") for each in DENSITIES},
            }
            for batch in BATCHES:
                inputs = torch.randn(STEPS, batch, INPUTS)
                times = alternated({k: trained(each, inputs) for k, each in layers.items()}, device, arguments.repeat)
                theirs = times.pop("torch")
                found = (f"{quartiles(ratios(theirs, ours))[1]:.2f}" for ours in times.values())
                yield table_line((kind, str(neurons), str(batch), *found))


if __name__ == "__main__":
    engine_table.run(rows, "crossover.md", "Which engine is faster", __doc__)
