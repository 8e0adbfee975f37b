"""Train two small networks to integrate a path, prune 90 % of W_hh, and draw what is left.

One network is trained with a penalty that makes weights cheap at one distance on a circle. Its units are sorted by
their place on the circle, and the weights that are left lie along the diagonal.
"""

from __future__ import annotations

from pathlib import Path

import torch
from _picture import WIDTH, main, write
from matplotlib.figure import Figure

from srnn_manifolds import Circle, DifferenceOfGaussians, Moduli
from srnn_masks import density, masks
from srnn_models import ElmanRNN, PathIntegrator
from srnn_pruning import Pruner, Pruning
from srnn_tasks import PathIntegration

UNITS, EPOCHS, BATCHES, STRENGTH = 100, 20, 50, 0.01

NAMES = {"recurrence.weight_ih": "W_ih", "recurrence.weight_hh": "W_hh", "readout.weight": "W_out"}


def train(on_circle: bool) -> tuple[torch.nn.Module, torch.Tensor]:
    """Return a trained and pruned network, and the order of its units."""
    generator = torch.Generator().manual_seed(0)
    task = PathIntegration(steps=10, place_cells=64, place_width=0.3)
    source = task.open(device="cpu", generator=generator)
    recurrence = ElmanRNN(hidden=UNITS, nonlinearity="relu", bias=False)
    network = PathIntegrator(recurrence=recurrence).build(source.spec, generator=generator)
    penalty = Moduli(manifold=Circle(), inhibitor=DifferenceOfGaussians()).build(UNITS, generator=generator)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    pruner = Pruner(network, Pruning(sparsity=0.9, scope=("recurrence.weight_hh",)), epochs=EPOCHS)
    batches = source.batches(50, generator=generator)
    for epoch in range(1, EPOCHS + 1):
        pruner.step(epoch)
        for _ in range(BATCHES):
            batch = next(batches)
            outputs, _ = network(batch.inputs, start=batch.start)
            loss = source.loss(outputs, batch)
            if on_circle:
                loss = loss + STRENGTH * penalty(network.recurrence.weight_hh)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    angles = torch.atan2(*penalty.points.reshape(UNITS, -1).T) if on_circle else torch.arange(UNITS)
    return network, angles.argsort()


def pruned(folder: Path) -> Path:
    figure = Figure(figsize=(WIDTH, 4.3), layout="constrained")
    grid = figure.subplots(2, 3, width_ratios=(0.16, 1, 1))
    for line, (label, on_circle) in zip(grid, {"no penalty": False, "circle": True}.items(), strict=True):
        network, order = train(on_circle)
        for axes, (parameter, name) in zip(line, NAMES.items(), strict=True):
            weight = network.get_parameter(parameter).detach()
            weight = weight[:, order] if parameter == "readout.weight" else weight[order]
            if parameter == "recurrence.weight_hh":
                weight = weight[:, order]
                share = density(masks(network)[parameter])
                name = f"{name}, {share:.0%} left"
            size = weight.abs() / weight.abs().max()
            axes.imshow(size.sqrt().numpy(), cmap="viridis", interpolation="none", aspect="auto", vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[], title=name)
            axes.grid(False)
            axes.spines[:].set_visible(False)
        line[0].set_ylabel(label)
    caption = (
        f"Weight matrices of two networks of {UNITS} units, trained on navigation while 90 % of W_hh was pruned; "
        "brighter is larger. Above: trained without a penalty. Below: with a penalty that makes weights cheap at one "
        "distance on a circle, units sorted by their place on it; the weights left lie along the diagonal."
    )
    return write("pruned", "Weight matrices of pruned networks", caption, figure, folder)


if __name__ == "__main__":
    main(pruned)
