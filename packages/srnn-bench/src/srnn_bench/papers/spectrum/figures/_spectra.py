"""Figure 2 of arXiv 1912.00120: singular values of the Jacobian J of the last steps, before and after training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ....drawing import markdown_table, write_drawing, write_text, write_values
from ... import FigureRequest, kept_runs, network_of, required_runs
from .. import PAPER
from .._sizes import SIZES
from ._draw_spectra import spectra
from ._initial import SHOWN, UNITS, initial, shown
from ._jacobian import LAST, jacobians
from ._verdict import spread, two_samples

NEAR_ZERO = 0.01  # our reading of "near-zero" singular values

SAMPLES = 8  # digits per seed

SEEDS = 3  # at initialisation, whose spectra vary little

COMPARED = ("dense", "ours", "ours, without gamma", "random", "SNIP, normalised", "SNIP, un-normalised")

RIVALS = ("random", "SNIP, normalised", "SNIP, un-normalised")

PRINTED = "The paper prints mean singular values after training: 0.31 for its score, 0.18 for SNIP."

Values = Mapping[str, list[Tensor]]  # singular values by way of pruning, one tensor per seed


def initial_spectra(request: FigureRequest) -> list[Path]:
    """Figure 2 at initialisation: singular values of J, dense, pruned by the paper's score, at random and by SNIP."""
    size = SIZES[request.scale]
    values: dict[str, list[Tensor]] = {}
    for name in COMPARED:
        for seed in size.seeds[:SEEDS]:
            found = initial(shown(name, size), seed)
            values.setdefault(name, []).append(_singular_values(jacobians(found.network, found.run, samples=SAMPLES)))
    title = f"Singular values of J before training: GRU of {UNITS} units on sequential MNIST, 95 % sparse"
    return _written(request, "figure2", title, size.seeds[:SEEDS], values, "")


def trained_spectra(request: FigureRequest) -> list[Path]:
    """Figure 2 after training: singular values of J of the networks of Table 2, from their kept weights."""
    store, table = request.required_store(), PAPER.table("table2", request.scale)
    column = f"N = {SIZES[request.scale].hidden}"
    required_runs(store, table, SHOWN["ours"], column)
    task = table.cells[0].experiment.task
    generator = torch.Generator().manual_seed(0)
    source = task.open(device="cpu", generator=generator)
    digits = next(iter(source.batches(SAMPLES, generator=generator))).inputs
    values: dict[str, list[Tensor]] = {}
    for name in COMPARED:
        for run in kept_runs(store, table, SHOWN[name], column):
            network = network_of(run, source.spec, generator=generator)
            found = jacobians(network, partial(network, digits), samples=SAMPLES)
            values.setdefault(name, []).append(_singular_values(found))
    title = f"Singular values of J after training: GRU, {column}, on sequential MNIST, 95 % sparse"
    return _written(request, "figure2-trained", title, table.seeds, values, _verdicts(values))


def _singular_values(found: Tensor) -> Tensor:
    values: Tensor = torch.linalg.svdvals(found)  # (last, samples, N)
    return values.flatten()


def _written(
    request: FigureRequest, key: str, title: str, seeds: Sequence[int], values: Values, verdicts: str
) -> list[Path]:
    name = f"spectrum-{key}-{request.scale}"
    drawing = spectra(name, title, values)
    measured = {
        row: {
            "mean": [float(each.mean()) for each in found],
            "mean square": [float(each.square().mean()) for each in found],
            f"share below {NEAR_ZERO:g}, %": [100 * _near_zero(each) for each in found],
            "largest": [float(each.max()) for each in found],
        }
        for row, found in values.items()
    }
    head = ["way of pruning", *next(iter(measured.values()))]
    body = [[row, *map(spread, columns.values())] for row, columns in measured.items()]
    text = (
        f"# {title}\n\nThe last {LAST} transitions of {SAMPLES} digits per seed; mean ± standard deviation over seeds "
        f"(their number).\n\n{markdown_table(head, body)}\n{PRINTED}\n{verdicts}"
    )
    return [
        *write_drawing(drawing, request.folder),
        write_values(seeds, measured, request.folder, name),
        write_text(text, request.folder, name),
    ]


def _near_zero(values: Tensor) -> float:
    return float((values < NEAR_ZERO).double().mean())


def _verdicts(values: Values) -> str:
    """Return the verdicts on the two statements of section 3.3 about the spectra, against each rival that has runs."""
    if "ours" not in values:
        return ""
    rivals = [name for name in RIVALS if name in values]
    lines = []
    for rival in rivals:
        ours, theirs = ((name, [float(each.mean()) for each in values[name]]) for name in ("ours", rival))
        lines.append(two_samples(f"a higher mean than {rival}", theirs, ours, tests=2 * len(rivals)))
        few, many = ((name, [_near_zero(each) for each in values[name]]) for name in ("ours", rival))
        lines.append(
            two_samples(f"much fewer near-zero singular values than {rival}", few, many, tests=2 * len(rivals))
        )
    return "\n" + "\n".join(f"- {line}" for line in lines) + "\n"
