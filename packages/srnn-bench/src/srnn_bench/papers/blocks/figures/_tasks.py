"""Table II of arXiv 2509.15057: sizes of the two tasks."""

from __future__ import annotations

from pathlib import Path

from srnn_tasks import AdroitHammer, Outline, RandomAnomaly

from ....drawing import markdown_table, write_text
from ... import FigureRequest
from .._sizes import SIZES

HEAD = ("task", "series", "length", "inputs", "outputs", "reward")

PUBLISHED = {
    "Adroit Hammer, published": ("5,000", "200", "46", "26", "dense"),
    "Random Anomaly Detection, published": ("30,000", "9", "2,500", "10", "none"),
}

NOTE = (
    "Series are those that are recorded (Adroit Hammer: training, validation and test together) or trained with "
    "(Random Anomaly Detection). A series of Random Anomaly Detection is followed by a blank image, at which the "
    "answer is read."
)


def tasks(request: FigureRequest) -> list[Path]:
    """Table II: series, length, inputs and outputs of the two tasks, as published and ours; reads no data."""
    hammer, anomaly = PUBLISHED
    body = {
        hammer: PUBLISHED[hammer],
        "ours, published size": _hammer(AdroitHammer(episodes=5000)),
        "ours, default": _hammer(AdroitHammer()),
        anomaly: PUBLISHED[anomaly],
        **{f"ours, scale {scale}": _anomaly(SIZES[scale].task) for scale in ("paper", "quick")},
    }
    table = markdown_table(HEAD, [[row, *cells] for row, cells in body.items()])
    return [write_text(f"# Tasks of arXiv 2509.15057\n\n{table}\n{NOTE}\n", request.folder, "blocks-table2")]


def _hammer(task: AdroitHammer) -> tuple[str, ...]:
    outline = task.outline(1)
    return _sizes(task.episodes, f"{outline.steps}", outline, "dense")


def _anomaly(task: RandomAnomaly) -> tuple[str, ...]:
    return _sizes(task.series, f"{task.images} + 1", task.outline(1), "none")


def _sizes(series: int, length: str, outline: Outline, reward: str) -> tuple[str, ...]:
    return f"{series:,}", length, f"{outline.inputs:,}", f"{outline.outputs}", reward
