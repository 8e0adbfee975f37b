"""Drawing of inhibitor functions on manifolds, from one point (Figure 2 of arXiv 2406.06290)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from srnn_manifolds import Circle, Inhibitor, KleinBottle, Manifold, Sphere, Torus

from ....drawing import INK, Drawing, style

LOW_TO_HIGH = "RdYlBu"  # red: low cost, blue: high

FINE = 240  # points per side of a flat map

TORUS_POINT = (9.0, 2.0)

Grid = NDArray[np.float64]


def draw_maps(name: str, inhibitors: Mapping[str, Inhibitor], *, surface: tuple[int, int]) -> Drawing:
    """Draw each inhibitor (columns, by title) on circle, sphere, Klein bottle and torus (rows).

    surface: numbers of points around and along a surface in space.
    """
    rows: tuple[tuple[str, Callable[[Any, Inhibitor], None], bool], ...] = (
        ("circle", _circle, False),
        ("sphere", partial(_sphere, shape=surface), True),
        ("Klein bottle", _klein, False),
        ("torus", partial(_torus, shape=surface), True),
        ("torus, flat", _flat_torus, False),
    )
    with style():
        figure = Figure(figsize=(2.1 * len(inhibitors) + 0.3, 10.6), layout="constrained", dpi=200)
        for line, (space, draw, solid) in enumerate(rows):
            for column, (title, inhibitor) in enumerate(inhibitors.items()):
                place = (len(rows), len(inhibitors), line * len(inhibitors) + column + 1)
                axes: Any = figure.add_subplot(*place, projection="3d" if solid else None)
                draw(axes, inhibitor)
                axes.grid(False)
                if line == 0:
                    axes.set_title(title)
                if column == 0:
                    _label(axes, space, solid)
        bar = figure.colorbar(
            ScalarMappable(cmap=LOW_TO_HIGH), ax=figure.axes, location="bottom", shrink=0.6, aspect=30, pad=0.01
        )
        bar.set_ticks([0, 1], labels=["low cost", "high cost"])
        bar.outline.set_visible(False)
    caption = (
        "The cost f(d) of a weight between the point that is marked by a ring and every other point; each panel has "
        "its own scale. Distances on the torus are those of the flat one. Edges of squares are glued along the arrows."
    )
    return Drawing(name, "Inhibitor functions on manifolds", caption, figure)


def costs_from(manifold: Manifold, inhibitor: Inhibitor, point: Tensor, others: Tensor) -> Grid:
    """Return f of the distances from a point `(coordinates,)` to others `(..., coordinates)`, scaled to 0 to 1."""
    costs = inhibitor(manifold.distance(others.double(), point.double()))
    return np.asarray((costs - costs.min()) / (costs.max() - costs.min()))


def _label(axes: Any, text: str, solid: bool) -> None:
    if solid:
        axes.text2D(-0.02, 0.5, text, transform=axes.transAxes, rotation=90, ha="right", va="center")
    else:
        axes.text(-0.12, 0.5, text, transform=axes.transAxes, rotation=90, ha="right", va="center")


def _circle(axes: Any, inhibitor: Inhibitor) -> None:
    angles = np.linspace(0, 2 * math.pi, 3 * FINE)
    points = torch.from_numpy(np.stack([np.cos(angles), np.sin(angles)], axis=-1))
    fixed = torch.tensor([math.cos(0.6), math.sin(0.6)])
    axes.scatter(*points.T.numpy(), c=costs_from(Circle(), inhibitor, fixed, points), cmap=LOW_TO_HIGH, s=14, lw=0)
    axes.plot(*fixed.tolist(), "o", mfc="none", mec=INK, ms=9, mew=1.4)
    axes.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), aspect="equal")
    axes.axis("off")


def _sphere(axes: Any, inhibitor: Inhibitor, *, shape: tuple[int, int]) -> None:
    across, down = np.meshgrid(np.linspace(0, 2 * math.pi, shape[0]), np.linspace(0, math.pi, shape[1]))
    surface = np.stack([np.sin(down) * np.cos(across), np.sin(down) * np.sin(across), np.cos(down)], axis=-1)
    fixed = torch.tensor([0.5, -0.5, 0.8])
    fixed = fixed / fixed.norm()
    _surface(axes, surface, costs_from(Sphere(), inhibitor, fixed, torch.from_numpy(surface)), 1.02 * fixed.numpy())


def _torus(axes: Any, inhibitor: Inhibitor, *, shape: tuple[int, int]) -> None:
    x, y = np.meshgrid(np.linspace(0, 10, shape[0]), np.linspace(0, 10, shape[1]))
    x_fixed, y_fixed = map(np.asarray, TORUS_POINT)
    costs = costs_from(Torus(), inhibitor, torch.tensor(TORUS_POINT), torch.from_numpy(np.stack([x, y], axis=-1)))
    _surface(axes, _doughnut(x, y), costs, _doughnut(x_fixed, y_fixed, lift=1.03))


def _doughnut(x: Grid, y: Grid, lift: float = 1.0) -> Grid:
    """Return points of the flat torus on a doughnut in space, which stretches distances."""
    round_, along = 2 * math.pi * x / 10, 2 * math.pi * y / 10
    radius = 1 + 0.42 * lift * np.cos(along)
    return np.stack([radius * np.cos(round_), radius * np.sin(round_), 0.42 * lift * np.sin(along)], axis=-1)


def _surface(axes: Any, surface: Grid, costs: Grid, fixed: Grid) -> None:
    colours = matplotlib.colormaps[LOW_TO_HIGH](costs)
    drawn = axes.plot_surface(
        *np.moveaxis(surface, -1, 0), facecolors=colours, rstride=1, cstride=1, shade=False, antialiased=False
    )
    drawn.set_rasterized(True)
    drawn.set_zorder(1)
    axes.plot(*fixed[:, None], "o", mfc="none", mec=INK, ms=9, mew=1.4, zorder=5)
    axes.computed_zorder = False
    reach = np.abs(surface).max(axis=(0, 1))
    axes.set(**{f"{axis}lim": (-size, size) for axis, size in zip("xyz", reach, strict=True)})
    axes.set_box_aspect(reach, zoom=1.5 if reach[2] == reach[0] else 1.25)
    axes.view_init(elev=38, azim=20)
    axes.set_axis_off()


def _klein(axes: Any, inhibitor: Inhibitor) -> None:
    _square(axes, inhibitor, KleinBottle(), (1.4, 7.0))
    _arrows(axes, right=-1)


def _flat_torus(axes: Any, inhibitor: Inhibitor) -> None:
    _square(axes, inhibitor, Torus(), TORUS_POINT)
    _arrows(axes, right=1)


def _square(axes: Any, inhibitor: Inhibitor, manifold: Manifold, point: tuple[float, float]) -> None:
    middles = (np.arange(FINE) + 0.5) * 10 / FINE
    x, y = np.meshgrid(middles, middles)
    costs = costs_from(manifold, inhibitor, torch.tensor(point), torch.from_numpy(np.stack([x, y], axis=-1)))
    axes.imshow(costs, origin="lower", extent=(0, 10, 0, 10), cmap=LOW_TO_HIGH, interpolation="nearest")
    axes.plot(*point, "o", mfc="none", mec=INK, ms=9, mew=1.4)
    axes.set(xlim=(-0.9, 10.9), ylim=(-0.9, 10.9))
    axes.axis("off")


def _arrows(axes: Any, *, right: int) -> None:
    """Mark how edges are glued: single arrows along x, double ones along y, which are opposite on the Klein bottle."""
    for y in (0.0, 10.0):
        axes.plot([0, 10], [y, y], color=INK, lw=0.8)
        axes.plot(5, y, ">", color=INK, ms=5)
    for x, direction in ((0.0, 1), (10.0, right)):
        axes.plot([x, x], [0, 10], color=INK, lw=0.8)
        for y in (4.7, 5.5):
            axes.plot(x, y, "^" if direction > 0 else "v", color=INK, ms=5)
