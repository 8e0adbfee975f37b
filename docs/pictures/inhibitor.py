"""Draw an inhibitor function on the torus: the cost of a weight by the places of its two neurons."""

from __future__ import annotations

from pathlib import Path

import torch
from _picture import WIDTH, main, write
from matplotlib.figure import Figure

from srnn_bench.drawing import COLOURS, INK
from srnn_manifolds import DifferenceOfGaussians, Torus

POINTS = 96  # per side of the map


def inhibitor(folder: Path) -> Path:
    torus, cost = Torus(period=10), DifferenceOfGaussians()
    side = (torch.arange(POINTS) + 0.5) * 10 / POINTS
    points = torch.stack(torch.meshgrid(side, side, indexing="ij"), dim=-1)  # (P, P, 2)
    centre = torch.tensor([3.0, 6.5])
    costs = cost(torus.distance(points, centre))  # (P, P)

    figure = Figure(figsize=(WIDTH, 2.7), layout="constrained")
    flat, profile = figure.subplots(1, 2, width_ratios=(1, 1))
    shown = flat.imshow(
        costs.T.numpy(), origin="lower", extent=(0, 10, 0, 10), cmap="viridis", vmin=0, interpolation="none"
    )
    flat.plot(*centre.tolist(), marker="o", color="#ffffff", markersize=5)
    flat.set(xticks=(0, 5, 10), yticks=(0, 5, 10), title="torus, 10 x 10, flat")
    flat.grid(False)
    distances = torch.linspace(0, 7, 200)
    profile.plot(distances, cost(distances), color=COLOURS[0], lw=1.8)
    profile.axvline(cost.peak_distance, color=INK, lw=0.8, linestyle="dashed")
    profile.text(2.3, 8, f"cheapest at\nd = {cost.peak_distance:.2f}")
    profile.set(xlabel="distance of two neurons", title="cost of a weight", ylim=(0, None), xlim=(0, 7))
    bar = figure.colorbar(shown, ax=flat, location="bottom", shrink=0.9, aspect=30, ticks=[0, 40, 80])
    bar.outline.set_visible(False)
    caption = (
        "Difference of Gaussians on a torus. Left: the cost of a weight from the neuron at the white point to a neuron "
        "elsewhere; the map continues at the opposite edge. Right: the same cost by distance; it is lowest on a ring."
    )
    return write("inhibitor", "An inhibitor function on the torus", caption, figure, folder)


if __name__ == "__main__":
    main(inhibitor)
