"""The figures of arXiv 2406.06290 by name, and what its text says of graphs and attractors, measured.

A figure is a function of a store, a scale and a folder: it writes files there and returns their paths. One figure more
is one function more in FIGURES, and what it needs in NEEDS.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from srnn_manifolds import (
    AnyInhibitor,
    Circle,
    DifferenceOfGaussians,
    Diffusion,
    Manifold,
    Moduli,
    Ricker,
    Sinusoid,
    Torus,
    farthest_points,
)
from srnn_masks import UniformRandom

from ...analysis import (
    MEASURES,
    CloudTest,
    Persistence,
    Placed,
    beside,
    cloud_test,
    largest_cluster,
    longest_bar,
    measures,
    mixed_rows,
    on_ring,
    permuted,
    persists,
    present_mask,
    recurrent,
    rewired,
    weights_on_manifold,
)
from ...drawing import markdown_table, significant, write_drawing, write_text
from ...store import Store
from ...tables import Scale
from .._embedding import embedding
from .._kept_runs import KeptRun, command_of, kept_runs, needed_runs
from . import TABLES
from .figures._draw_attractors import attractors as draw_attractors
from .figures._draw_clouds import diagrams, pairs, spreads
from .figures._draw_maps import maps
from .figures._draw_weights import weights_on_circle

PARAMETER = "recurrence.weight_hh"

CLOUDS = 99  # of each null hypothesis: the least p-value is 0.01

LOOPS, VOIDS = 256, 96  # points at most, well spread, where loops (H1) and voids (H2) are looked for

MASKS = 20  # random masks of each kind

GAINS = (2.0, 4.0, 8.0, 16.0, 32.0)

INHIBITIONS = (0.0, 0.5, 1.0, 2.0, 4.0)


def figure2(store: Store, scale: Scale, folder: Path) -> list[Path]:
    """Figure 2: maps of three inhibitor functions on circle, sphere, Klein bottle and torus."""
    inhibitors: dict[str, AnyInhibitor] = {
        "f(d) = d²": Diffusion(),
        "difference of Gaussians": DifferenceOfGaussians(amplitude=10, wide=5, narrow=1, ceiling="amplitude"),
        "f(d) = 10 + 10 cos 2d": Sinusoid(amplitude=10, frequency=2),
    }
    return write_drawing(maps("moduli-figure2", inhibitors), folder)


def figure3(store: Store, scale: Scale, folder: Path) -> list[Path]:
    """Figure 3: weights out of a neuron at their places on the circle, and whether a weight follows its cost."""
    name = f"moduli-figure3-{scale}"
    placed: dict[str, Placed] = {}
    body = []
    for row, label in (("Baseline", "dense"), ("90% sparse", "90 % sparse")):
        for kept in needed_runs(store, TABLES["moduli/table2"](scale), row, "Circle"):
            place = partial(weights_on_manifold, kept.held[PARAMETER], _points(kept), _base(kept))
            one = place()
            if label not in placed:  # the first seed is drawn; neuron 0 as in the paper, if anything is left of it
                neuron = 0 if one.sizes[:, 0].any() else int((one.sizes > 0).sum(dim=0).argmax())
                placed[label] = place(neuron=neuron)
            numbers = (float((one.sizes > 0).double().mean()), one.follows, one.cheap, one.cheap_pairs)
            body.append([f"{label}, seed {kept.result.seed}", *map(significant, numbers)])
    head = [
        "network",
        "share present",
        "rank correlation of size and cost",
        "size on cheap pairs",
        "cheap pairs",
    ]
    text = (
        f"# Does a weight follow the inhibitor? Circle, difference of Gaussians, scale {scale}\n\n"
        f"{markdown_table(head, body)}\n"
        "Rank correlation (Spearman) over all pairs; -1 would be perfect obedience, 0 none. Cheap pairs cost less than "
        "half of the most expensive; beside their share of all pairs stands their share of the sum of sizes. Size is "
        "the absolute value of a weight.\n"
    )
    drawing = weights_on_circle(name, "Weights on the circle of their regularizer", placed)
    return [*write_drawing(drawing, folder), write_text(text, folder, name)]


def figure4(store: Store, scale: Scale, folder: Path) -> list[Path]:
    """Figure 4: whether a trained embedding finds a manifold, against clouds without structure."""
    name, ring = f"moduli-figure4-{scale}", DifferenceOfGaussians().peak_distance
    shown: dict[str, tuple[Manifold, Mapping[str, Tensor]]] = {}
    spread: dict[str, tuple[Manifold, list[Tensor], list[Tensor]]] = {}
    found: dict[str, dict[str, dict[str, list[CloudTest]]]] = {}  # by measure, network and null hypothesis
    body, clusters = [], []
    for column in ("R3 trained", "Torus trained"):
        for kept in needed_runs(store, TABLES["moduli/table3"](scale), "90% sparse", column):
            points, seed, base = _points(kept), kept.result.seed, _base(kept)
            manifold = base.manifold
            inside = largest_cluster(manifold, points, ring)
            core, generator = points[inside], torch.Generator().manual_seed(seed)
            began, apart = _sample(manifold, len(points), generator), permuted(points, generator)
            if column not in shown:
                clouds = {"trained": points, "core": core, "random": began, "permuted": apart}
                clouds["mixed rows"] = mixed_rows(points)
                shown[column] = manifold, {title: _few(manifold, each, LOOPS) for title, each in clouds.items()}
            spread.setdefault(column, (manifold, [], []))[1].append(points)
            spread[column][2].append(began)
            ends = present_mask(kept.held, PARAMETER).sum(dim=0) + present_mask(kept.held, PARAMETER).sum(dim=1)
            numbers = (len(core) / len(points), *(_average(ends[part]) for part in (inside, ~inside)))
            clusters.append([f"{column}, seed {seed}", *map(significant, numbers)])
            for measure, (statistic, cloud) in _statistics(base, points, core).items():
                nulls = {"random": partial(_sample, manifold, len(cloud)), "permuted": partial(permuted, cloud)}
                for null, draw in nulls.items():
                    test = cloud_test(cloud, draw, statistic, repeats=CLOUDS, generator=generator)
                    found.setdefault(measure, {}).setdefault(column, {}).setdefault(null, []).append(test)
                    mean = math.fsum(test.null) / len(test.null)
                    numbers = (test.observed, mean, min(test.null), max(test.null), test.above, test.below)
                    body.append([f"{column}, seed {seed}, {measure}, {null}", *map(significant, numbers)])
    head = ["network, measure, null hypothesis", "trained", "null: mean", "least", "greatest", "p above", "p below"]
    columns = ["network", "share of neurons in the core", "weights of one there", "elsewhere"]
    text = (
        f"# Does a trained embedding find a manifold? 90 % sparse, scale {scale}\n\n"
        f"{markdown_table(columns, clusters)}\n"
        f"Core: the largest set of neurons that steps of up to d* = {ring:.4f} connect. Weights: in and out of W_hh, "
        f"mean.\n\n{markdown_table(head, body)}\n"
        "Longest bar: the longest-lived hole, in units of the root mean square distance of two neurons. Random: clouds "
        "of as many neurons from the law that the embedding began with. Permuted: the same cloud with each coordinate "
        f"in an order of its own. {CLOUDS} clouds each; p is that of one side and is not corrected for the number of "
        f"tests. H1 is of {LOOPS} well-spread neurons at most, H2 of {VOIDS}. On the ring: the share of pairs of "
        "neurons that cost less than half of what a weight at distance 0 does.\n"
    )
    drawings = [
        diagrams(f"{name}-diagrams", shown),
        pairs(f"{name}-pairs", spread, ring),
        *(
            spreads(f"{name}-{measure.replace(' ', '-').replace(',', '')}", held, measure)
            for measure, held in found.items()
        ),
    ]
    return [*(path for drawing in drawings for path in write_drawing(drawing, folder)), write_text(text, folder, name)]


def graph(store: Store, scale: Scale, folder: Path) -> list[Path]:
    """Section 5: measures of the recurrent masks at 90 %, beside random masks and such with the same degrees."""
    parts: list[str] = []
    missing: list[str] = []
    columns = {
        (name, column): None
        for suffix in ("", "-hh")
        for name in (f"moduli/table1{suffix}", f"moduli/table2{suffix}")
        for column in TABLES[name](scale).columns
        if not (name.startswith("moduli/table2") and column == "Torus")  # it is that of table 1
    }
    for name, column in columns:
        kept = kept_runs(store, TABLES[name](scale), "90% sparse", column)
        if kept:
            parts.append(f"## {column} ({name})\n\n{_graph_of(kept)}")
        else:
            missing.append(f"{name}, {column}")
    if not parts:
        raise ValueError(f"no masks in {store.folder}; make them by `{command_of(NEEDS['moduli/graph'], scale)}`")
    words = "".join(f"- {name}: {text}.\n" for name, text in MEASURES.items())
    absent = f"Not kept, and so not here: {'; '.join(missing)}.\n" if missing else ""
    text = (
        f"# Graphs of W_hh at 90 % sparsity, scale {scale}\n\n{words}\n"
        f"Random: {MASKS} masks with as many entries, at any place. Rewired: {MASKS} masks in which each neuron keeps "
        "its numbers of inputs and outputs. z = (ours - mean) / standard deviation of these; mean over seeds.\n\n"
        f"{absent}\n" + "\n".join(parts)
    )
    return [write_text(text, folder, f"moduli-graph-{scale}")]


def attractors(store: Store, scale: Scale, folder: Path) -> list[Path]:
    """Section 2.2: whether hand-built attractors are unstable with f(d) = d, over gains and inhibitions."""
    functions: dict[str, AnyInhibitor] = {
        "f(d) = d": Diffusion(power=1),
        "f(d) = d²": Diffusion(),
        "diff. of Gaussians": DifferenceOfGaussians(),
        "Ricker, width 1": Ricker(width=1),
        "Ricker, width 4": Ricker(width=4),
    }
    found: dict[str, dict[str, dict[tuple[float, float], Persistence]]] = {}
    body = []
    for place, (manifold, points) in _places(256).items():
        distances = manifold.pairwise(points.double())
        for title, inhibitor in functions.items():
            costs, held, noisy = inhibitor(distances), {}, []
            for gain in GAINS:
                for inhibition in INHIBITIONS:
                    hold = recurrent(costs, gain=gain, inhibition=inhibition)
                    test = partial(persists, hold, distances)
                    held[gain, inhibition] = test(generator=torch.Generator().manual_seed(0))
                    if held[gain, inhibition].holds:
                        noisy.append(test(noise=0.2, generator=torch.Generator().manual_seed(0)).holds)
            found.setdefault(place, {})[title] = held
            bumps = [each for each in held.values() if each.bump >= 0.9]
            middle = sorted(each.drift for each in bumps)[len(bumps) // 2] if bumps else math.nan
            spots = sorted(each.places for each in bumps)[len(bumps) // 2] if bumps else math.nan
            holding = sum(each.holds for each in held.values())
            counts = [f"{len(bumps)} of {len(held)}", f"{holding} of {len(held)}", f"{sum(noisy)} of {len(noisy)}"]
            body.append([f"{place}, {title}", *counts, significant(middle, 2), significant(spots, 2)])
    head = ["neurons, f", "one bump", "it holds", "still, with noise", "median drift", "median share of places"]
    text = (
        f"# Are attractors unstable with f(d) = d?\n\n{markdown_table(head, body)}\n"
        "Counts are points of a grid of gains and inhibitions. W = a (b - f(d)): mean 0 and standard deviation 1, "
        "lowered by the inhibition, then the greatest eigenvalue is the gain. "
        "r <- 0.8 r + 0.2 tanh(max(0, W r)), 500 steps from bumps at 16 places. One bump: nine of ten starts end so. "
        "It holds: that, and on average within 0.1 of the mean distance of two neurons from where it began. Noise: "
        "normal, 0.2 of the standard deviation of the weights, tried where it held. Drift (unit: mean distance of two "
        "neurons) and places (different ends, as a share of different starts) are medians where there is one bump.\n"
    )
    drawing = draw_attractors("moduli-attractors", found, GAINS, INHIBITIONS)
    return [*write_drawing(drawing, folder), write_text(text, folder, "moduli-attractors")]


FIGURES: dict[str, Callable[[Store, Scale, Path], list[Path]]] = {
    "moduli/figure2": figure2,
    "moduli/figure3": figure3,
    "moduli/figure4": figure4,
    "moduli/graph": graph,
    "moduli/attractors": attractors,
}

NEEDS: dict[str, str] = {  # the tables whose runs, with weights, a figure needs
    "moduli/figure3": "moduli/table2",
    "moduli/figure4": "moduli/table3",
    "moduli/graph": "moduli/table1 moduli/table2",
}


def _base(kept: KeptRun) -> Moduli:
    """Return the regularizer of the recurrent weight, or what it is trained or shuffled from."""
    regularizer = kept.result.experiment.penalties[0].regularizer
    base = getattr(regularizer, "base", regularizer)
    assert isinstance(base, Moduli)
    return base


def _points(kept: KeptRun) -> Tensor:
    """Return where the neurons sit, `(N, coordinates)`."""
    return embedding(kept.result, kept.stage, kept.held, PARAMETER, command=kept.command)[0]


def _sample(manifold: Manifold, n: int, generator: torch.Generator) -> Tensor:
    return manifold.sample(n, generator=generator)


def _few(manifold: Manifold, points: Tensor, most: int) -> Tensor:
    return points if len(points) <= most else farthest_points(manifold, points, most)


def _statistics(base: Moduli, points: Tensor, core: Tensor) -> dict[str, tuple[Callable[[Tensor], float], Tensor]]:
    """Return what is asked, and of which cloud."""
    manifold = base.manifold

    def longest(dimension: int, coeff: int, most: int, cloud: Tensor) -> float:
        return longest_bar(manifold, _few(manifold, cloud, most), dimension=dimension, coeff=coeff)

    loops, voids = partial(longest, 1, 2, LOOPS), partial(longest, 2, 2, VOIDS)
    return {
        "longest bar of H1": (loops, points),
        "longest bar of H1 modulo 3": (partial(longest, 1, 3, LOOPS), points),
        "longest bar of H1, core": (loops, core),
        "longest bar of H2": (voids, points),
        "longest bar of H2, core": (voids, core),
        "pairs on the ring": (lambda cloud: on_ring(manifold, cloud, base.inhibitor), points),
    }


def _graph_of(several: Sequence[KeptRun]) -> str:
    """Return the measures of masks of several seeds, and their mean, as a Markdown table."""
    masks = {kept.result.seed: present_mask(kept.held, PARAMETER) for kept in several}
    few = {seed: int(mask.sum()) for seed, mask in masks.items() if mask.sum() < len(mask)}
    said = "".join(
        f"Seed {seed}: {count} entries are left, {count / len(masks[seed]):.2f} a neuron: no graph to measure.\n"
        for seed, count in few.items()
    )
    found = {seed: measures(mask) for seed, mask in masks.items() if seed not in few}
    if not found:
        return said
    compared: dict[str, dict[int, dict[str, tuple[float, float, float]]]] = {"random": {}, "rewired": {}}
    for seed, own in found.items():
        generator, mask = torch.Generator().manual_seed(seed), masks[seed]
        pattern = UniformRandom(density=float(mask.double().mean()))
        random = [measures(pattern.mask(*mask.shape, generator=generator)) for _ in range(MASKS)]
        same = [measures(rewired(mask, generator=generator)) for _ in range(MASKS)]
        compared["random"][seed], compared["rewired"][seed] = beside(own, random), beside(own, same)
    body = []
    for name in MEASURES:
        line = [
            name,
            *(significant(own[name]) for own in found.values()),
            significant(_mean(own[name] for own in found.values())),
        ]
        for by_seed in compared.values():
            mean, sd, z = (_mean(each[name][part] for each in by_seed.values()) for part in range(3))
            line += [f"{significant(mean)} ± {significant(sd, 2)}", significant(z, 2)]
        body.append(line)
    head = ["measure", *(f"seed {seed}" for seed in found), "mean", "random", "z", "rewired", "z"]
    return f"{said}\n{markdown_table(head, body)}" if said else markdown_table(head, body)


def _average(values: Tensor) -> float:
    return float(values.double().mean()) if len(values) else math.nan


def _mean(values: Iterable[float]) -> float:
    held = list(values)
    return math.fsum(held) / len(held)


def _places(n: int) -> dict[str, tuple[Manifold, Tensor]]:
    """Return n neurons on circle and torus, in a regular order and at random places."""
    angles = torch.arange(n) * 2 * math.pi / n
    side = torch.arange(math.isqrt(n)) * 10 / math.isqrt(n)
    generator = torch.Generator().manual_seed(0)
    return {
        "circle, regular": (Circle(), torch.stack([angles.cos(), angles.sin()], dim=1)),
        "circle, random": (Circle(), Circle().sample(n, generator=generator)),
        "torus, regular": (Torus(), torch.cartesian_prod(side, side)),
        "torus, random": (Torus(), Torus().sample(n, generator=generator)),
    }
