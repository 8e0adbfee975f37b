"""Figures 3 to 5, 7a and 9a of arXiv 2509.15057: the weights of a block RNN to scale; no figure needs runs."""

from __future__ import annotations

from pathlib import Path

from srnn_masks import Blocks, Densities, sized
from srnn_tasks import AdroitHammer, RandomAnomaly

from ....drawing import markdown_table, write_drawing, write_text
from ... import FigureRequest
from .._networks import equation
from .._sizes import INPUTS, OUTPUTS
from ._draw_space import weight_space

BUDGET = 100_000  # weights of the networks of Figures 3 to 5

STUDIED = Densities.uniform(0.5)  # mean of the draws of the studies, in the published code

HAMMER_UNITS = 900  # mean of the draws

ANOMALY_BUDGET = 50_000  # weights of every draw


def dense_space(request: FigureRequest) -> list[Path]:
    """Figure 3: weights per block of a dense network on Random Anomaly Detection."""
    return _printed(request, "figure3", "dense")


def best_space(request: FigureRequest) -> list[Path]:
    """Figure 4: weights per block of the network with sparse input blocks (eq. 8) on Random Anomaly Detection."""
    return _printed(request, "figure4", "eq. 8")


def worst_space(request: FigureRequest) -> list[Path]:
    """Figure 5: weights per block of the network with sparse recurrent blocks (eq. 7) on Random Anomaly Detection."""
    return _printed(request, "figure5", "eq. 7")


def hammer_space(request: FigureRequest) -> list[Path]:
    """Figure 7a: weights per block on Adroit Hammer, with the mean sizes of the study; W_hh is the largest block."""
    outline = AdroitHammer().outline(1)
    blocks = Blocks(inputs=outline.inputs, hidden=HAMMER_UNITS, outputs=outline.outputs, densities=STUDIED)
    return _drawn(request, "figure7-space", "Weights on Adroit Hammer", blocks, _largest(blocks))


def anomaly_space(request: FigureRequest) -> list[Path]:
    """Figure 9a: weights per block on Random Anomaly Detection, with the sizes of the study; W_hx is the largest."""
    outline = RandomAnomaly().outline(1)
    blocks = sized(outline.inputs, outline.outputs, ANOMALY_BUDGET, STUDIED)
    return _drawn(request, "figure9-space", "Weights on Random Anomaly Detection", blocks, _largest(blocks))


def _printed(request: FigureRequest, key: str, name: str) -> list[Path]:
    """Draw a network of the paper; its hidden units are not rounded, as in the counts that the paper prints."""
    title = f"Weights of the network '{name}' on Random Anomaly Detection"
    return _drawn(request, key, title, equation(name, INPUTS, OUTPUTS, BUDGET), "hh")


def _largest(blocks: Blocks) -> str:
    return max(blocks.counts, key=blocks.counts.__getitem__)


def _drawn(request: FigureRequest, key: str, title: str, blocks: Blocks, shaded: str) -> list[Path]:
    drawing = weight_space(f"blocks-{key}", title, blocks, shaded=shaded)
    sources = {"x": "inputs", "h": "hidden units", "y": "outputs"}
    body = [
        [f"to {sources[row]}", *(f"{blocks.counts[row + column]:,.0f}" for column in sources)] for row in ("h", "y")
    ]
    table = markdown_table([f"h = {blocks.hidden:.6g}", *(f"from {each}" for each in sources.values())], body)
    note = f"Largest block: W_{_largest(blocks)}. Hidden proportion: {100 * blocks.hidden_proportion:.3g} %."
    text = f"# {title}\n\nPresent weights, {blocks.total:,.0f} in all.\n\n{table}\n{note}\n"
    return [*write_drawing(drawing, request.folder), write_text(text, request.folder, drawing.name)]
