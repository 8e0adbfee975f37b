"""The panels of a plot: images, lines, words, the scored steps, a path, and a start code. Step t is drawn at x = t."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ._figure import BLUE, COLOURS, INK, ORANGE

Array = NDArray[Any]
FEW = 6  # channels that are drawn as lines; more are drawn as an image
LABELLED = 4  # most channels of an image that are named
LETTERS = 0x2E80  # the font has most letters below this, and none of the scripts of East Asia above
NARROW = 200  # with more steps than this, one is too narrow to be seen in a strip


def array(tensor: Tensor) -> Array:
    """Return a tensor as an array on the host; low precisions become float32, which numpy has."""
    tensor = tensor.detach().cpu()
    return tensor.float().numpy() if tensor.is_floating_point() else tensor.numpy()


def image(axes: Any, name: str, values: Array, labels: Sequence[str] = (), scale: float | None = None) -> None:
    """Draw values `(T, N)` as an image, channel 0 at the bottom: blue is positive, orange negative.

    The colour is full at `scale`, by default at the largest magnitude. labels: names of the channels; those that are
    on at some step are named if they are few.
    """
    scale = scale or float(np.abs(values).max(initial=0.0)) or 1.0
    axes.imshow(
        _colours(values.T / scale), aspect="auto", origin="lower", interpolation="none", resample=False, zorder=1
    )
    count = values.shape[1]
    on = [number for number in range(count) if np.abs(values[:, number]).max(initial=0.0) > 0.5 * scale]
    if labels and 0 < len(on) <= LABELLED:
        near: list[list[int]] = []  # channels too close to each other for two labels share one
        for number in on:
            if near and number - near[-1][-1] < count / 7:
                near[-1].append(number)
            else:
                near.append([number])
        middles = [sum(group) / len(group) for group in near]
        axes.set_yticks(middles, [", ".join(labels[number] for number in group) for group in near])
    else:
        axes.set_yticks(sorted({0, count - 1}))
    _name(axes, name)


def pictures(axes: Any, name: str, values: Array, size: tuple[int, int], scale: float) -> None:
    """Draw values `(T, H * W)` as one picture of `size` (H, W) per step, in the colours of `image`."""
    shown = _colours(values.reshape(-1, *size) / scale)  # (T, H, W, 4)
    shown = np.pad(shown, ((0, 0), (0, 0), (1, 1), (0, 0)))  # a gap between pictures
    wide = shown.swapaxes(0, 1).reshape(size[0], -1, 4)  # (H, T (W + 2), 4)
    axes.imshow(wide, aspect="auto", interpolation="none", resample=False, extent=(-0.5, len(values) - 0.5, 0, 1))
    axes.set_yticks([])
    _name(axes, name)


def lines(axes: Any, name: str, values: Array, labels: Sequence[str] = (), beside: Array | None = None) -> None:
    """Draw values `(T, N)` as steps; `beside` `(T, N)`, outputs of a model, as dots of the same colours."""
    for number in range(values.shape[1]):
        colour = COLOURS[number % len(COLOURS)]
        label = labels[number] if labels else None
        edges = np.arange(len(values) + 1) - 0.5
        axes.stairs(values[:, number], edges, baseline=None, color=colour, label=label, linewidth=1.2)
        if beside is not None:
            axes.plot(beside[:, number], ".", markersize=3.5, color=colour, markeredgecolor=INK, markeredgewidth=0.3)
    low, high = (float(edge) for edge in (values.min(initial=0.0), values.max(initial=0.0)))
    if beside is not None and np.isfinite(beside).any():
        low, high = min(low, float(np.nanmin(beside))), max(high, float(np.nanmax(beside)))
    margin = 0.08 * ((high - low) or 1.0)
    axes.set_ylim(low - margin, (high if high > low else low + 1.0) + margin)
    if labels and len(labels) > 1:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7, handlelength=1.0, borderpad=0.1)
    _name(axes, name)


def writing(axes: Any, name: str, tokens: Array, words: Sequence[str] | None) -> None:
    """Write the word of each step, or its number if there are no words; tokens `(T,)`."""
    axes.set(ylim=(0, 1), yticks=[])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
    for step, token in enumerate(tokens.tolist()):
        text = words[token] if words is not None and 0 <= token < len(words) else str(token)
        shown = text if len(text) <= 14 else text[:13] + "…"
        shown = "".join(letter if ord(letter) < LETTERS else "□" for letter in shown)
        axes.text(step, 0.0, shown, rotation=90, ha="center", va="bottom", fontsize=7, clip_on=True)
    _name(axes, name)


def strip(axes: Any, name: str, weight: Array) -> None:
    """Draw weights `(T,)` as a strip, full where a step counts most; nothing where its weight is 0."""
    colours = np.zeros((1, len(weight), 4))
    colours[..., :3] = _rgb(INK)
    colours[..., 3] = 0.75 * weight / (float(weight.max(initial=0.0)) or 1.0)
    axes.imshow(colours, aspect="auto", interpolation="none", resample=False)
    axes.set_yticks([])
    if len(weight) > NARROW and (weight > 0).mean() < 0.1:
        for step in np.flatnonzero(weight):
            axes.axvline(step, color=INK, linewidth=1.5)
    _name(axes, name)


def path(axes: Any, positions: Array) -> None:
    """Draw positions `(T, 2)` as a path with a disc at its start and a square at its end."""
    axes.plot(positions[:, 0], positions[:, 1], color=BLUE, linewidth=1.4)
    axes.plot(*positions[0], "o", color=BLUE, markersize=5, label="start")
    axes.plot(*positions[-1], "s", color=ORANGE, markersize=5, label="end")
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_title("position", fontsize=8)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3, fontsize=7, handlelength=1.0)


def code(axes: Any, values: Array) -> None:
    """Draw a start code `(K,)` as bars."""
    axes.bar(np.arange(len(values)), values, width=1.0, color=BLUE)
    axes.set_title("start code", fontsize=8)
    axes.set_xlabel("entry")


def unscored(axes: Any, weight: Array) -> None:
    """Shade the steps whose weight is 0."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], weight == 0, [False]]).astype(int)))
    for begin, end in edges.reshape(-1, 2).tolist():
        axes.axvspan(begin - 0.5, end - 0.5, color=INK, alpha=0.08, linewidth=0, zorder=0)


def _name(axes: Any, name: str) -> None:
    axes.set_ylabel(name, rotation=0, ha="right", va="center")


def _colours(values: Array) -> Array:
    """Return RGBA colours of values in -1 to 1: their magnitude is the opacity, so any background shows through."""
    colours = np.empty((*values.shape, 4))
    colours[..., :3] = np.where(values[..., None] < 0, _rgb(ORANGE), _rgb(BLUE))
    colours[..., 3] = np.abs(np.nan_to_num(values)).clip(0.0, 1.0)
    return colours


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[begin : begin + 2], 16) / 255 for begin in (1, 3, 5))
    return red, green, blue
