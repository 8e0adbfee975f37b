"""Figures 1 and 3 of arXiv 1912.00120: the weights that each way of pruning keeps, by gate and type, and as maps."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean, stdev

import torch
from torch import Tensor

from ....drawing import markdown_table, significant, write_drawing, write_text
from ....tables import Scale
from ... import FigureRequest
from .._sizes import SIZES
from ._draw_kept import kept_by_gate, kept_maps
from ._initial import SHOWN, UNITS, initial, shown

GATES = ("r", "z", "n")

MAPPED = ("ours", "random", "SNIP, normalised", "SNIP, un-normalised", "GraSP, normalised")

SETTING = f"GRU of {UNITS} units on sequential MNIST, 95 % sparse, before training"


def connections(request: FigureRequest) -> list[Path]:
    """Figure 1: weights kept by gate and type, and input weights for each recurrent weight, without training."""
    counts = {name: _counts(name, request.scale) for name in SHOWN}  # (seeds, 2, gates) each
    name = f"spectrum-figure1-{request.scale}"
    drawing = kept_by_gate(name, f"Kept weights by gate and type: {SETTING}", counts, GATES)
    return [*write_drawing(drawing, request.folder), write_text(_page(counts), request.folder, name)]


def maps(request: FigureRequest) -> list[Path]:
    """Figure 3: maps of the weights kept, inputs by units flattened over gates, without training."""
    size = SIZES[request.scale]
    kept = {}
    for name in MAPPED:
        found = initial(shown(name, size), size.seeds[0]).masks
        kept[name] = torch.cat([found["weight_ih"], found["weight_hh"]], dim=1).T  # (I + N, 3N)
    drawing = kept_maps(
        f"spectrum-figure3-{request.scale}", f"Maps of kept weights: {SETTING}", kept, inputs=28, gates=GATES
    )
    body = [
        [name, str(int(each.sum())), *(str(int((count == 0).sum())) for count in (each.sum(0), each.sum(1)))]
        for name, each in kept.items()
    ]
    head = ["way of pruning", "kept", "rows of gates without a weight", "inputs and units that nothing reads"]
    text = (
        f"# Maps of kept weights\n\n{SETTING}, seed {size.seeds[0]}.\n\n{markdown_table(head, body)}\n"
        f"A GRU of {UNITS} units has {3 * UNITS} rows of gates, {UNITS} units and 28 inputs.\n"
    )
    return [*write_drawing(drawing, request.folder), write_text(text, request.folder, drawing.name)]


def _counts(name: str, scale: Scale) -> Tensor:
    """Return the numbers of kept weights of the input and the recurrent matrix by gate, `(seeds, 2, gates)`."""
    size = SIZES[scale]
    found = []
    for seed in size.seeds:
        masks = initial(shown(name, size), seed).masks
        found.append(torch.stack([masks[each].view(len(GATES), -1).sum(1) for each in ("weight_ih", "weight_hh")]))
    return torch.stack(found)


def _page(counts: dict[str, Tensor]) -> str:
    body = []
    for name, each in counts.items():
        by_gate = each.double()
        inputs, recurrent = by_gate[:, 0].sum(1), by_gate[:, 1].sum(1)
        columns = [by_gate[:, kind, gate] for kind in (0, 1) for gate in range(len(GATES))]
        largest = 100 * by_gate.sum(1).amax(1) / by_gate.sum((1, 2))
        ratio = inputs / recurrent.clamp(min=1)
        body.append([name, *(_spread(values) for values in (*columns, ratio, largest))])
    head = [
        "way of pruning",
        *(f"{kind} {gate}" for kind in ("input", "recurrent") for gate in GATES),
        "input / recurrent",
        "largest gate, %",
    ]
    return (
        f"# Kept weights by gate and type\n\n{SETTING}. Mean ± standard deviation over "
        f"{len(next(iter(counts.values())))} seeds.\n\n{markdown_table(head, body)}\n"
        "The paper shows these as bars, without numbers but for the input / recurrent ratio of the dense network, "
        "0.07.\n"
    )


def _spread(values: Tensor) -> str:
    numbers = values.tolist()
    deviation = f" ± {significant(stdev(numbers), 2)}" if len(numbers) > 1 else ""
    return significant(fmean(numbers)) + deviation
