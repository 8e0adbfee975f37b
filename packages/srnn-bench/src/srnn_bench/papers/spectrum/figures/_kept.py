"""Figures 1 and 3 of arXiv 1912.00120: the weights that each way of pruning keeps, by gate and type, and as maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ....drawing import markdown_table, write_drawing, write_text, write_values
from ....tables import Scale
from ... import FigureRequest
from .._sizes import SIZES
from ._draw_kept import kept_by_gate, kept_maps
from ._initial import SHOWN, UNITS, initial, shown
from ._verdict import spread

GATES = ("r", "z", "n")

MAPPED = ("ours", "random", "SNIP, normalised", "SNIP, un-normalised", "GraSP, normalised")

SETTING = f"GRU of {UNITS} units on sequential MNIST, 95 % sparse, before training"


def connections(request: FigureRequest) -> list[Path]:
    """Figure 1: weights kept by gate and type, and input weights for each recurrent weight, without training."""
    counts = {name: _counts(name, request.scale) for name in SHOWN}  # (seeds, 2, gates) each
    name = f"spectrum-figure1-{request.scale}"
    drawing = kept_by_gate(name, f"Kept weights by gate and type: {SETTING}", counts, GATES)
    measured = {row: _measured(each) for row, each in counts.items()}
    return [
        *write_drawing(drawing, request.folder),
        write_values(SIZES[request.scale].seeds, measured, request.folder, name),
        write_text(_page(measured), request.folder, name),
    ]


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


def _measured(counts: Tensor) -> dict[str, list[float]]:
    """Return the columns of the table of Figure 1 for one way of pruning, one number per seed."""
    by_gate = counts.double()
    inputs, recurrent = by_gate[:, 0].sum(1), by_gate[:, 1].sum(1)
    columns = {
        f"{kind} {gate}": by_gate[:, place, number]
        for place, kind in enumerate(("input", "recurrent"))
        for number, gate in enumerate(GATES)
    }
    columns["input / recurrent"] = inputs / recurrent.clamp(min=1)
    columns["largest gate, %"] = 100 * by_gate.sum(1).amax(1) / by_gate.sum((1, 2))
    return {name: column.tolist() for name, column in columns.items()}


def _page(measured: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    first = next(iter(measured.values()))
    body = [[name, *(spread(values, count=False) for values in columns.values())] for name, columns in measured.items()]
    return (
        f"# Kept weights by gate and type\n\n{SETTING}. Mean ± standard deviation over "
        f"{len(next(iter(first.values())))} seeds.\n\n{markdown_table(['way of pruning', *first], body)}\n"
        "The paper shows these as bars, without numbers but for the input / recurrent ratio of the dense network, "
        "0.07.\n"
    )
