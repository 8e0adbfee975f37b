"""Figure 2 of arXiv 2406.06290: three inhibitor functions on four manifolds."""

from __future__ import annotations

from pathlib import Path

from srnn_manifolds import AnyInhibitor, DifferenceOfGaussians, Diffusion, Sinusoid

from ....drawing import write_drawing
from ... import FigureRequest
from ._draw_maps import draw_maps

SURFACE = (180, 90)  # points of a surface in space, around and down

INHIBITORS: dict[str, AnyInhibitor] = {
    "f(d) = d²": Diffusion(),
    "difference of Gaussians": DifferenceOfGaussians(amplitude=10, wide=5, narrow=1, ceiling="amplitude"),
    "f(d) = 10 + 10 cos 2d": Sinusoid(amplitude=10, frequency=2),
}


def inhibitor_maps(request: FigureRequest) -> list[Path]:
    """Figure 2: maps of three inhibitor functions on circle, sphere, Klein bottle and torus."""
    return write_drawing(draw_maps("moduli-figure2", INHIBITORS, surface=SURFACE), request.folder)
