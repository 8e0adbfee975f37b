"""The rows of a plot: which panel shows which part of a trial, by the shapes of the batch and the names of the spec."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from ..contract import Batch, Channels, TaskSpec
from . import _panels as panels
from ._figure import INK

CLASSES = 64  # most classes that are drawn as an image
WORDS = 60  # most tokens that are written
PICTURES = 5.6  # inches, for the pictures of all steps side by side


@dataclass(frozen=True)
class Panel:
    """One row of the figure: its height in inches, what draws it, and whether it shows targets or outputs."""

    height: float
    draw: Callable[[Any], None]
    target: bool = False


def input_rows(batch: Batch, spec: TaskSpec | None, row: int, steps: int, words: Sequence[str] | None) -> list[Panel]:
    """Return the panels of the inputs: one per group of channels, or the tokens."""
    values = panels.array(batch.inputs[:steps, row])  # (T, I) or (T,)
    if values.ndim == 1:
        return [_tokens("token", values, words)]
    return _groups(values, spec.input_channels if spec else (), "input")


def _tokens(name: str, values: panels.Array, words: Sequence[str] | None, target: bool = False) -> Panel:
    if len(values) > WORDS:
        return Panel(0.6, lambda axes: panels.lines(axes, name, values[:, None]), target)
    return Panel(0.8, lambda axes: panels.writing(axes, name, values, words), target)


def _groups(
    values: panels.Array,
    groups: Sequence[Channels],
    name: str,
    *,
    beside: panels.Array | None = None,
    target: bool = False,
) -> list[Panel]:
    """Return a panel for each group of channels of values `(T, N)`, or one panel if there are no groups.

    Groups that are drawn as images have one scale, so that noise beside a signal looks like noise.
    """
    if sum(group.size for group in groups) != values.shape[1]:  # no names, or those of other channels
        groups = (Channels(name=name, size=values.shape[1]),)
    sizes = [group.size for group in groups]
    drawn = [group.size > panels.FEW or group.picture is not None for group in groups]
    in_images = values[:, np.repeat(drawn, sizes)]
    scale = float(np.abs(np.nan_to_num(in_images)).max(initial=0.0)) or 1.0
    found, begin = [], 0
    for group in groups:
        part = values[:, begin : begin + group.size]
        others = None if beside is None else beside[:, begin : begin + group.size]
        begin += group.size
        label = f"{name}\n{group.name}" if target and group.name != name else group.name
        if group.picture is not None:
            found.append(_pictures(part, label, group.picture, target, scale))
        else:
            found.append(_channels(part, label, group.labels, others, target, scale))
    return found


def _pictures(values: panels.Array, name: str, size: tuple[int, int], target: bool, scale: float) -> Panel:
    height = min(1.6, max(0.3, PICTURES / len(values) * size[0] / size[1]))
    return Panel(height, lambda axes: panels.pictures(axes, name, values, size, scale), target)


def _channels(
    values: panels.Array,
    name: str,
    labels: Sequence[str],
    beside: panels.Array | None,
    target: bool,
    scale: float,
) -> Panel:
    if values.shape[1] <= panels.FEW:
        height = 0.75 if values.shape[1] > 1 or beside is not None else 0.28 if _is_cue(values) else 0.5
        return Panel(height, lambda axes: panels.lines(axes, name, values, labels, beside), target)
    height = min(1.6, max(0.85, 0.045 * values.shape[1]))
    return Panel(height, lambda axes: panels.image(axes, name, values, labels, scale), target)


def _is_cue(values: panels.Array) -> bool:
    return len(np.unique(values)) <= 2


def target_rows(
    batch: Batch,
    spec: TaskSpec | None,
    row: int,
    steps: int,
    outputs: Tensor | None,
    words: Sequence[str] | None,
) -> list[Panel]:
    """Return the panels of the targets, and of the outputs where these are not drawn into the same panel."""
    values = panels.array(batch.targets[:steps, row])  # (T,) classes or (T, O)
    groups = spec.output_channels if spec else ()
    loss = spec.loss if spec else "cross_entropy" if batch.targets.ndim == 2 else None
    answers = None if outputs is None else panels.array(outputs[:steps, row])  # (T, O)
    if answers is not None and loss in ("cross_entropy", "distribution_cross_entropy"):
        answers = _softmax(answers)
    if values.ndim == 1 and batch.targets.is_floating_point():
        values = values[:, None]
    if values.ndim == 2:
        few = values.shape[1] <= panels.FEW and answers is not None and answers.shape == values.shape
        found = _groups(values, groups, "target", beside=answers if few else None, target=True)
        return found if few or answers is None else found + _groups(answers, groups, "output", target=True)
    count = spec.outputs if spec else int(answers.shape[1] if answers is not None else batch.targets.max() + 1)
    if count > CLASSES:
        found = [_tokens("target", values, words, target=True)]
        if answers is not None:
            chances = np.take_along_axis(answers, values[:, None].clip(0, count - 1), 1)  # (T, 1)
            found.append(Panel(0.6, lambda axes: panels.lines(axes, "p(target)", chances), target=True))
        return found
    chosen = np.equal.outer(values, np.arange(count)).astype(float)  # (T, O); a class out of range is no class
    found = [Panel(0.85, lambda axes: _classes(axes, "target", chosen, groups), target=True)]
    if answers is not None:
        scale = None if loss == "own" else 1.0  # outputs under a loss of its own are drawn as they are
        found.append(Panel(0.85, lambda axes: _classes(axes, "output", answers, groups, scale), target=True))
    return found


def _classes(axes: Any, name: str, shares: panels.Array, groups: Sequence[Channels], scale: float | None = 1.0) -> None:
    """Draw shares of classes `(T, O)` as one image, with ticks at the first class of each group."""
    panels.image(axes, name, shares, scale=scale)
    labels = [label for group in groups for label in (group.labels or ("",) * group.size)]
    if any(labels) and len(labels) <= 12:
        axes.set_yticks(range(len(labels)), labels)
    elif groups:
        begins = np.cumsum([0, *(group.size for group in groups)])
        middles = (begins[:-1] + begins[1:] - 1) / 2
        axes.set_yticks(middles, [group.name for group in groups])
        for begin in begins[1:-1]:
            axes.axhline(begin - 0.5, color=INK, linewidth=0.4, alpha=0.5)


def _softmax(values: panels.Array) -> panels.Array:
    grown: panels.Array = np.exp(values - values.max(-1, keepdims=True))
    shares: panels.Array = grown / grown.sum(-1, keepdims=True)
    return shares
