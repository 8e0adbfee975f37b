"""Speed of the engines of srnn-models against torch's recurrent layers with masked weights.

    python benchmarks/engine_speed.py [--device cpu] [--threads 1] [--repeat 7] [--compile] [--write]
    python benchmarks/engine_speed.py --scale 0.1 --repeat 3 --only GRU

Each row is one case: forward and backward of a layer by our engine and by what can be used instead, which alternate in
one process, so that other load on the machine affects all equally:

- torch: `nn.RNN`, `nn.GRU` or `nn.LSTM`, whose masked weights were set to 0;
- prune: the same layer with the mask applied by `torch.nn.utils.prune`;
- accelerated: that layer after `accelerate`;
- compiled: a loop over torch's cell (`nn.RNNCell` and so on) compiled by `torch.compile`, with `--compile`;
- recorded: on a GPU, forward and backward of our loop as a replayed CUDA graph;
- loop: our layer with the engine "loop".

The columns are ratios, the time of the other divided by that of the engine, of two neighbouring calls: the median, and
for torch the quartiles. "prune / accelerated" is the gain for a user of `torch.nn.utils.prune`. The layers have the
same sizes, masks and inputs, but not the same weights. GFLOP/s count the products of the recurrent weights that are
present, forward and backward; those of a dense product at the same shapes ("gemm") and the size of what one product
reads of W are beside them. "at least" is what was aimed for against torch at one thread; at two it is 4 for the first
row. `--scale` multiplies the number of neurons.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from statistics import quantiles

import machine
import page
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from srnn_masks import Bernoulli, Locality
from srnn_models import GRU, LSTM, AnyRecurrence, ElmanRNN, Recurrence, accelerate

RESULT = Path(__file__).parents[1] / "docs" / "results" / "speed"
INPUTS = 16  # I
COLUMNS = (
    "case",
    "engine",
    "engine, ms",
    "torch",
    "quartiles",
    "at least",
    "prune",
    "compiled",
    "recorded",
    "loop",
    "prune / accelerated",
    "GFLOP/s",
    "gemm",
    "W, MB",
)


@dataclass(frozen=True)
class Case:
    """One row. `radius`: of a periodic sheet; otherwise `density` of a random mask; neither: no mask."""

    cell: str
    neurons: int
    batch: int
    steps: int
    least: float | None = None
    radius: float | None = None
    density: float | None = None

    @property
    def title(self) -> str:
        """The case in words."""
        mask = "no mask" if self.density is None else f"random {100 * self.density:g} %"
        mask = mask if self.radius is None else f"periodic, d = {self.radius:g}"
        return f"{self.cell}, N = {self.neurons}, {mask}, T = {self.steps}, B = {self.batch}"


CASES = [
    Case("Elman", 2500, 20, 100, 6.5, radius=6),
    Case("Elman", 2500, 20, 100, 5, density=0.045),
    Case("Elman", 2500, 20, 100, 11, density=0.01),
    Case("Elman", 2500, 20, 100, 3, radius=10),
    Case("Elman", 2500, 4, 100, 11, radius=6),
    Case("Elman", 2500, 64, 100, 6.5, radius=6),
    *(Case("GRU", 1000, batch, 28, least, density=0.05) for batch, least in ((64, 2), (20, 3), (4, 4))),
    *(Case("GRU", 400, batch, 28, least, density=0.05) for batch, least in ((64, 1.4), (20, 2))),
    Case("LSTM", 1000, 64, 28, 1.6, density=0.05),
    Case("Elman", 2500, 20, 100, 1.3),
    Case("Elman", 650, 20, 35, 1.2),
    Case("GRU", 1000, 64, 28, 1.2),
]
VALUES: dict[str, Callable[[int], AnyRecurrence]] = {
    "Elman": lambda neurons: ElmanRNN(hidden=neurons, nonlinearity="relu"),
    "GRU": lambda neurons: GRU(hidden=neurons),
    "LSTM": lambda neurons: LSTM(hidden=neurons),
}
LAYERS: dict[str, Callable[[int], nn.RNNBase]] = {
    "Elman": lambda neurons: nn.RNN(INPUTS, neurons, nonlinearity="relu"),
    "GRU": lambda neurons: nn.GRU(INPUTS, neurons),
    "LSTM": lambda neurons: nn.LSTM(INPUTS, neurons),
}
CELLS: dict[str, Callable[[int], nn.RNNCellBase]] = {
    "Elman": lambda neurons: nn.RNNCell(INPUTS, neurons, nonlinearity="relu"),
    "GRU": lambda neurons: nn.GRUCell(INPUTS, neurons),
    "LSTM": lambda neurons: nn.LSTMCell(INPUTS, neurons),
}


def main() -> None:
    """Measure, and print or write a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu or cuda[:n]")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=7, help="rounds of timings per row")
    parser.add_argument("--scale", type=float, default=1, help="factor of the number of neurons")
    parser.add_argument("--only", default="", help="rows whose first column has this text")
    parser.add_argument("--compile", action="store_true", help="also a compiled loop, which needs a C++ compiler")
    parser.add_argument("--write", nargs="?", type=Path, const=RESULT, help="write a table to this folder")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    device = torch.device(arguments.device)
    lines = [environment(device, arguments), "", table_line(COLUMNS), table_line("---" for _ in COLUMNS)]
    print("\n".join(lines), flush=True)
    for case in CASES:
        if arguments.only not in case.title:
            continue
        lines.append(row(scaled(case, arguments.scale), device, arguments.repeat, compiled=arguments.compile))
        print(lines[-1], flush=True)
    if arguments.write:
        name = f"{device.type}-{arguments.threads}-threads.md"
        page.write(arguments.write / name, "Speed of the engines", __doc__, lines)


def environment(device: torch.device, arguments: argparse.Namespace) -> str:
    """Return a line about device, threads, scale and rounds of timings, processor and versions."""
    details = f"threads {arguments.threads}", f"scale {arguments.scale:g}", f"{arguments.repeat} rounds"
    return machine.described(device, *details)


def scaled(case: Case, factor: float) -> Case:
    """Return a case with fewer neurons; those of a sheet stay a square."""
    neurons = round(case.neurons * factor)
    if case.radius is not None:
        neurons = isqrt(neurons) ** 2
    return Case(**{**vars(case), "neurons": neurons})


def row(case: Case, device: torch.device, repeat: int, *, compiled: bool) -> str:
    """Return the row of a case."""
    ours, theirs, mask = build(case, device)
    inputs = torch.randn(case.steps, case.batch, INPUTS, device=device)
    engine = "dense" if mask is None else "sparse"
    by = {"engine": trained(ours, inputs, engine), "loop": trained(ours, inputs, "loop")}
    by["torch"] = trained(theirs, inputs)
    if mask is not None:
        by["prune"] = trained(pruned(theirs, mask), inputs)
        by["accelerated"] = trained(accelerate(pruned(theirs, mask)), inputs)
    if compiled:
        by["compiled"] = trained(Compiled(case, theirs), inputs)
    if device.type == "cuda":
        by["recorded"] = recorded(by["loop"])
    times = alternated(by, device, repeat)
    middle = {name: f"{quartiles(ratios(times[name], times['engine']))[1]:.2f}" for name in by}
    low, _, high = quartiles(ratios(times["torch"], times["engine"]))
    duration = quartiles(times["engine"])[1]
    weight = ours.get_parameter("weight_hh")
    present = weight.numel() if mask is None else int(mask.sum())
    rate = 3 * 2 * present * case.batch * case.steps / duration / 1e6  # W h, W^T d, and the gradient of W
    shown = middle | {
        "case": case.title,
        "engine": engine,
        "engine, ms": f"{duration:.2f}",
        "quartiles": f"{low:.2f} to {high:.2f}",
        "at least": "" if case.least is None else f"{case.least:g}",
        "GFLOP/s": f"{rate:.1f}",
        "gemm": f"{gemm(weight, case.batch, device):.0f}",
        "W, MB": f"{megabytes(present, engine):.1f}",
    }
    if mask is not None:
        shown["prune / accelerated"] = f"{quartiles(ratios(times['prune'], times['accelerated']))[1]:.2f}"
    return table_line(shown.get(column, "") for column in COLUMNS)


def table_line(cells: Iterable[str]) -> str:
    """Return one line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def ratios(slow: list[float], fast: list[float]) -> list[float]:
    """Return the ratios of neighbouring times."""
    return [one / other for one, other in zip(slow, fast, strict=True)]


def alternated(by: dict[str, Callable[[], object]], device: torch.device, repeat: int) -> dict[str, list[float]]:
    """Return the times in ms of functions that alternate, forwards and backwards, in `repeat` rounds."""
    times: dict[str, list[float]] = {name: [] for name in by}
    for number in range(-2, repeat):  # the first two rounds allocate, compile and select kernels
        for name, function in by.items() if number % 2 else reversed(by.items()):
            duration = milliseconds(function, device)
            if number >= 0:
                times[name].append(duration)
    return times


def build(case: Case, device: torch.device) -> tuple[Recurrence, nn.RNNBase, Tensor | None]:
    """Return our layer and torch's, with the same mask on their recurrent weights, and the mask."""
    generator = torch.Generator().manual_seed(0)
    ours, theirs = VALUES[case.cell](case.neurons).build(INPUTS, generator=generator), LAYERS[case.cell](case.neurons)
    weight = ours.get_parameter("weight_hh")
    rows, columns = weight.shape
    mask = None
    if case.radius is not None:
        side = isqrt(case.neurons)
        mask = Locality(sheet=(side, side), radius=case.radius).mask(rows, columns, gates=rows // columns)
    elif case.density is not None:
        mask = Bernoulli(density=case.density).mask(rows, columns, gates=rows // columns, generator=generator)
    if mask is not None:
        with torch.no_grad():
            weight.mul_(mask)
            theirs.get_parameter("weight_hh_l0").mul_(mask)
        ours.register_buffer("weight_hh_mask", mask)
    return ours.to(device), theirs.to(device), None if mask is None else mask.to(device)


def pruned(layer: nn.RNNBase, mask: Tensor) -> nn.RNNBase:
    """Return a copy of a layer whose recurrent weights are masked by `torch.nn.utils.prune`."""
    return prune.custom_from_mask(copy.deepcopy(layer), "weight_hh_l0", mask)


def recorded(function: Callable[[], object]) -> Callable[[], object]:
    """Return a function that replays a function, recorded as a CUDA graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            function()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        function()
    return graph.replay


class Compiled(nn.Module):
    """A loop over torch's cell with the weights of a layer, whose step is compiled."""

    def __init__(self, case: Case, layer: nn.RNNBase) -> None:
        super().__init__()
        self.cell = CELLS[case.cell](case.neurons)
        for name in [name for name, _ in self.cell.named_parameters()]:
            setattr(self.cell, name, layer.get_parameter(f"{name}_l0"))
        torch.compiler.reset()  # the limit of compilations would count those of other rows
        self.step = torch.compile(self.cell.forward, dynamic=False)

    def forward(self, inputs: Tensor) -> tuple[Tensor]:
        """Return h at all times (T, B, N)."""
        zeros, outputs = inputs.new_zeros(inputs.shape[1], self.cell.hidden_size), []  # (B, N)
        state = (zeros, zeros) if isinstance(self.cell, nn.LSTMCell) else zeros
        for x in inputs.unbind(0):
            state = self.step(x, state)
            outputs.append(state[0] if isinstance(state, tuple) else state)
        return (torch.stack(outputs),)


def trained(layer: nn.Module, inputs: Tensor, engine: str = "") -> Callable[[], object]:
    """Return a function that runs forward and backward of a layer."""
    set_engine = setter(layer, engine)

    def function() -> None:
        set_engine()
        layer.zero_grad()
        layer(inputs)[0].sum().backward()

    return function


def setter(layer: nn.Module, engine: str) -> Callable[[], None]:
    """Return a function that sets an engine, always the same object, which keeps the edges that it has read."""
    acceleration = accelerate(layer, engine).acceleration if engine else None

    def function() -> None:
        if engine:
            layer.acceleration = acceleration

    return function


def milliseconds(function: Callable[[], object], device: torch.device) -> float:
    """Return the time of one call in ms."""
    wait(device)
    begin = time.perf_counter()
    function()
    wait(device)
    return 1000 * (time.perf_counter() - begin)


def wait(device: torch.device) -> None:
    """Wait until the device has finished all work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def quartiles(values: list[float]) -> list[float]:
    """Return the three quartiles; those of one value are the value."""
    return quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3


def gemm(weight: Tensor, batch: int, device: torch.device) -> float:
    """Return the GFLOP/s of the dense product of a weight (R, N) and a state (N, B)."""
    weight = weight.detach()
    state = torch.randn(weight.shape[1], batch, device=device)
    duration = quartiles([milliseconds(lambda: weight @ state, device) for _ in range(11)])[1]
    return 2 * weight.numel() * batch / duration / 1e6


def megabytes(present: int, engine: str) -> float:
    """Return the size of what one product reads of W in float32: entries, and with edges their int32 columns."""
    return present * (8 if engine == "sparse" else 4) / 1e6


if __name__ == "__main__":
    main()
