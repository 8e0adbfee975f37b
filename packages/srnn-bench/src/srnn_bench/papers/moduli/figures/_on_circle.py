"""Figure 3 of arXiv 2406.06290: weights at the positions of their neurons on the circle."""

from __future__ import annotations

from pathlib import Path

from ....analysis import PlacedWeights, weights_on_manifold
from ....drawing import markdown_table, significant, write_drawing, write_text
from ....tables import Scale
from ... import FigureRequest, KeptRun, required_runs
from .. import PAPER
from ._draw_weights import weights_on_circle
from ._runs import PARAMETER, moduli_of, points_of

ROWS = {"Baseline": "dense", "90% sparse": "90 % sparse"}  # of Table 2, and what the figure calls them


def on_circle(request: FigureRequest) -> list[Path]:
    """Figure 3: weights out of a neuron at their places on the circle, and whether a weight follows its cost."""
    name = f"moduli-figure3-{request.scale}"
    table = PAPER.table("table2", request.scale)
    drawn: dict[str, PlacedWeights] = {}
    body = []
    for row, label in ROWS.items():
        for run in required_runs(request.required_store(), table, row, "Circle"):
            placed = _placed(run)
            if label not in drawn:  # the first seed; neuron 0 as in the paper, if it has any weights left
                neuron = 0 if placed.sizes[:, 0].any() else int((placed.sizes > 0).sum(dim=0).argmax())
                drawn[label] = _placed(run, neuron)
            body.append([f"{label}, seed {run.result.seed}", *map(significant, _numbers(placed))])
    drawing = weights_on_circle(name, "Weights on the circle of their regularizer", drawn)
    return [*write_drawing(drawing, request.folder), write_text(_words(request.scale, body), request.folder, name)]


def _placed(run: KeptRun, neuron: int = 0) -> PlacedWeights:
    return weights_on_manifold(run.weights[PARAMETER], points_of(run), moduli_of(run), neuron=neuron)


def _numbers(placed: PlacedWeights) -> tuple[float, ...]:
    present = float((placed.sizes > 0).double().mean())
    return present, placed.rank_correlation, placed.size_on_cheap, placed.cheap_pairs


def _words(scale: Scale, body: list[list[str]]) -> str:
    head = ["network", "share present", "rank correlation of size and cost", "size on cheap pairs", "cheap pairs"]
    return (
        f"# Does a weight follow the inhibitor? Circle, difference of Gaussians, scale {scale}\n\n"
        f"{markdown_table(head, body)}\n"
        "Rank correlation (Spearman) over all pairs: -1 if the size falls strictly with the cost, 0 if they are "
        "unrelated. Cheap pairs cost less than half of the most expensive pair; the table shows their share of the sum "
        "of sizes and their share of all pairs. Size is the absolute value of a weight.\n"
    )
