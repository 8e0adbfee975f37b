"""Section 5 of arXiv 2406.06290: pruned recurrent masks as graphs, compared with random graphs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from srnn_masks import UniformRandom

from .... import BenchError
from ....analysis import GRAPH_MEASURES, graph_measures, present_mask, rewired, z_scores
from ....drawing import markdown_table, significant, write_text
from ....tables import Scale
from ... import FigureRequest, command_of, kept_runs
from .. import PAPER
from ._runs import PARAMETER

MASKS = 20  # random masks of each kind

Compared = dict[str, tuple[float, float, float]]  # by measure: mean and standard deviation of random masks, z


def graph(request: FigureRequest) -> list[Path]:
    """Section 5: recurrent masks at 90 % compared with random masks, and with random masks of the same degrees."""
    store, scale = request.required_store(), request.scale
    parts: list[str] = []
    missing: list[str] = []
    for name, column in _columns(scale):
        runs = kept_runs(store, PAPER.table(name, scale), "90% sparse", column)
        if runs:
            masks = {run.result.seed: present_mask(run.weights, PARAMETER) for run in runs}
            parts.append(f"## {column} ({PAPER.full_name(name)})\n\n{graph_table(masks, random_masks=MASKS)}")
        else:
            missing.append(f"{PAPER.full_name(name)}, {column}")
    if not parts:
        command = command_of((PAPER.full_name("table1"), PAPER.full_name("table2")), scale)
        raise BenchError(f"moduli/graph: expected runs with weights in {store.folder}, got none. Run `{command}` first")
    return [write_text(_words(scale, parts, missing), request.folder, f"moduli-graph-{scale}")]


def graph_table(masks: Mapping[int, Tensor], *, random_masks: int) -> str:
    """Return the measures of masks `(N, N)` by seed, their mean, and those of random masks, as a Markdown table.

    A mask with fewer than N entries is named above the table and not measured.
    """
    few = {seed: int(mask.sum()) for seed, mask in masks.items() if mask.sum() < len(mask)}
    notes = "".join(
        f"Seed {seed}: {count} entries are left, {count / len(masks[seed]):.2f} per neuron: no graph to measure.\n"
        for seed, count in few.items()
    )
    measured = {seed: graph_measures(mask) for seed, mask in masks.items() if seed not in few}
    if not measured:
        return notes
    compared = {seed: _compared(masks[seed], own, seed, random_masks) for seed, own in measured.items()}
    body = []
    for name in GRAPH_MEASURES:
        own = [by_name[name] for by_name in measured.values()]
        line = [name, *map(significant, own), significant(_mean(own))]
        for kind in range(2):
            mean, sd, z = (_mean(each[kind][name][part] for each in compared.values()) for part in range(3))
            line += [f"{significant(mean)} ± {significant(sd, 2)}", significant(z, 2)]
        body.append(line)
    head = ["measure", *(f"seed {seed}" for seed in measured), "mean", "random", "z", "rewired", "z"]
    return f"{notes}\n{markdown_table(head, body)}" if notes else markdown_table(head, body)


def _columns(scale: Scale) -> list[tuple[str, str]]:
    """Return table and column of each network; the torus of Table 2 is that of Table 1."""
    return [
        (name, column)
        for suffix in ("", "-hh")
        for name in (f"table1{suffix}", f"table2{suffix}")
        for column in PAPER.table(name, scale).columns
        if not (name.startswith("table2") and column == "Torus")
    ]


def _compared(mask: Tensor, own: Mapping[str, float], seed: int, random_masks: int) -> tuple[Compared, Compared]:
    """Compare a mask with random masks of its density, and with masks of its degrees."""
    generator = torch.Generator().manual_seed(seed)
    pattern = UniformRandom(density=float(mask.double().mean()))
    random = [graph_measures(pattern.mask(*mask.shape, generator=generator)) for _ in range(random_masks)]
    same_degrees = [graph_measures(rewired(mask, generator=generator)) for _ in range(random_masks)]
    return z_scores(own, random), z_scores(own, same_degrees)


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return math.fsum(numbers) / len(numbers)


def _words(scale: Scale, parts: list[str], missing: list[str]) -> str:
    measures = "".join(f"- {name}: {text}.\n" for name, text in GRAPH_MEASURES.items())
    absent = f"Not shown, because no weights are kept: {'; '.join(missing)}.\n" if missing else ""
    return (
        f"# Graphs of W_hh at 90 % sparsity, scale {scale}\n\n{measures}\n"
        f"Random: {MASKS} masks with as many entries at random places. Rewired: {MASKS} masks in which each neuron "
        "keeps its numbers of inputs and outputs. z = (ours - mean) / standard deviation of these; mean over seeds.\n\n"
        f"{absent}\n" + "\n".join(parts)
    )
