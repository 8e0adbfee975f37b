"""Section 2.3 of arXiv 1912.00120: do networks with a larger chi learn better? Random masks, their chi and error."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import srnn_pruning

from .... import BenchError
from ....drawing import write_drawing, write_text, write_values
from ....tables import summarise
from ... import FigureRequest
from .. import PAPER
from .._readings import kept_in_recurrence
from ._correlation import correlation
from ._draw_chi import chi_and_error
from ._initial import initial
from ._jacobian import LAST
from ._verdict import spread


def chi(request: FigureRequest) -> list[Path]:
    """Section 2.3: chi after pruning and error after training of random masks, and their correlation."""
    store, table = request.required_store(), PAPER.table("chi", request.scale)
    (cell,) = summarise(table, store).cells.values()
    errors = cell.values
    if not errors:
        raise BenchError(
            f"{table.name}: expected runs in {store.folder}, got none. "
            f"Run `srnn run {table.name} --scale {request.scale}` first"
        )
    whole, last = {}, {}
    for seed in errors:
        found = initial(cell.cell.experiment, seed)
        whole[seed] = fmean(srnn_pruning.chi(found.network, found.run).values())
        last[seed] = fmean(srnn_pruning.chi(found.network, found.run, last=LAST).values())
    kept = {seed: kept_in_recurrence(cell.stages[seed]) for seed in errors}
    inputs = {seed: float(sum(counts["recurrence.weight_ih"])) for seed, counts in kept.items()}
    measured = {
        "chi, all transitions": whole,
        f"chi, the last {LAST} transitions": last,
        "input weights kept": inputs,
    }
    lines = [
        f"- {correlation(what, list(values.values()), list(errors.values()), tests=len(measured))} Its mean is "
        f"{spread(list(values.values()))}."
        for what, values in measured.items()
    ]
    name = f"spectrum-chi-{request.scale}"
    title = f"chi after pruning and error after training: {cell.cell.column}, random masks"
    drawing = chi_and_error(name, title, list(whole.values()), list(errors.values()))
    text = (
        f"# {title}\n\nOne random mask of 95 % sparsity and one initialisation per run, scale {request.scale}; test "
        f"error {spread(list(errors.values()))} %.\n\n" + "\n".join(lines) + "\n\nThe paper supposes that the best "
        "sparse networks are those that maximise chi.\n"
    )
    by_run = {what: list(values.values()) for what, values in ({"error, %": errors} | measured).items()}
    return [
        *write_drawing(drawing, request.folder),
        write_values(list(errors), by_run, request.folder, name),
        write_text(text, request.folder, name),
    ]
