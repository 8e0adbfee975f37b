"""Measures of graphs, against plain loops and graphs whose numbers are known."""

import math
from itertools import product

import numpy as np
import pytest
import torch

from srnn_bench import BenchError
from srnn_bench.analysis import GRAPH_MEASURES, component_measures, cover_radius, graph_measures, rewired, z_scores
from srnn_masks import FixedInDegree, UniformRandom


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random_mask(n, density, seed=0):
    return UniformRandom(density=density).mask(n, n, generator=generator(seed))


def reached(edges, start, n):
    """Neurons that can be reached from one along edges (from, to)."""
    found, todo = {start}, [start]
    while todo:
        node = todo.pop()
        for a, b in edges:
            if a == node and b not in found:
                found.add(b)
                todo.append(b)
    assert max(found) < n
    return found


def by_hand(mask):
    """All that can be counted, by loops over neurons."""
    n = len(mask)
    there = [[bool(mask[j, k]) for k in range(n)] for j in range(n)]  # row = target
    edges = [(k, j) for j in range(n) for k in range(n) if there[j][k]]
    both = edges + [(b, a) for a, b in edges]
    weak = {frozenset(reached(both, node, n)) for node in range(n)}
    ahead = [reached(edges, node, n) for node in range(n)]
    strong = {frozenset(other for other in ahead[node] if node in ahead[other]) for node in range(n)}
    others = [(a, b) for a, b in edges if a != b]
    clustering = []
    for i in range(n):
        around = [
            (j, k, (x, y, z))
            for j, k in product(range(n), repeat=2)
            if len({i, j, k}) == 3
            for x, y, z in product((0, 1), repeat=3)  # each side of the triangle in either direction
            if ((i, j), (j, i))[x] in others and ((j, k), (k, j))[y] in others and ((k, i), (i, k))[z] in others
        ]
        degree = sum(i in edge for edge in others)
        mutual = sum((i, j) in others and (j, i) in others for j in range(n))
        possible = 2 * (degree * (degree - 1) - 2 * mutual)
        clustering.append(len(around) / possible if possible else 0.0)
    inputs, outputs = ([sum(row) for row in there], [sum(there[j][k] for j in range(n)) for k in range(n)])
    rows = [row for row in there if len(set(row)) > 1]
    squares = []
    for a in range(len(rows)):
        for b in range(a):
            p, q, common = (
                sum(rows[a]) / n,
                sum(rows[b]) / n,
                sum(x and y for x, y in zip(rows[a], rows[b], strict=True)),
            )
            squares.append((common / n - p * q) ** 2 / (p * (1 - p) * q * (1 - q)))

    def cv(values):
        mean = sum(values) / n
        return math.sqrt(sum((value - mean) ** 2 for value in values) / n) / mean

    return {
        "density": len(edges) / n**2,
        "row correlation": math.sqrt(sum(squares) / len(squares)),
        "clustering": sum(clustering) / n,
        "reciprocity": sum((b, a) in others for a, b in others) / len(others),
        "weak components": len(weak),
        "strong components": len(strong),
        "largest weak": max(map(len, weak)) / n,
        "largest strong": max(map(len, strong)) / n,
        "in-degree CV": cv(inputs),
        "out-degree CV": cv(outputs),
    }


def local(n, reach):
    """A ring lattice: each neuron hears those within reach, itself too."""
    place = torch.arange(n)
    gap = (place[:, None] - place).abs()
    return torch.minimum(gap, n - gap) <= reach


@pytest.mark.parametrize(
    "mask",
    [random_mask(14, 0.1), random_mask(14, 0.1, 1), random_mask(13, 0.4), local(12, 2), local(15, 3).triu()],
    ids=["sparse", "sparse too", "denser", "ring", "one way"],
)
def test_measures_are_those_of_loops(mask):
    found = graph_measures(mask)
    assert tuple(found) == tuple(GRAPH_MEASURES)
    for name, value in by_hand(mask).items():
        assert found[name] == pytest.approx(value, abs=1e-12), name
    assert component_measures(mask).items() <= found.items()
    squares = np.linalg.eigvalsh(mask.double().numpy().T @ mask.double().numpy())[::-1]
    assert found["sigma1"] == pytest.approx(math.sqrt(squares[0]))
    assert found["sigma2"] == pytest.approx(math.sqrt(squares[1]))
    assert found["gap"] == pytest.approx(1 - math.sqrt(squares[1] / squares[0]))
    rho = cover_radius(mask)
    assert found["ramanujan"] == pytest.approx(math.sqrt(squares[1]) / rho)
    assert found["weak"] == pytest.approx(math.sqrt(squares[1]) / math.sqrt(math.sqrt(squares[0]) * rho))


def blocks(rows, cols, times):
    return torch.block_diag(*[torch.ones(rows, cols)] * times).bool()


def star(n):
    return torch.ones(1, n).bool()


def path(edges):
    """A path of that many edges, which goes from target to source and on."""
    n = edges + 1
    rows, cols = (n + 1) // 2, n // 2
    mask = torch.zeros(rows, cols, dtype=torch.bool)
    for edge in range(edges):
        mask[(edge + 1) // 2, edge // 2] = True
    return mask


def circulant(n, shifts):
    return torch.stack([torch.isin(torch.arange(n), torch.tensor([(row + s) % n for s in shifts])) for row in range(n)])


# graphs whose universal cover is known: a biregular tree, or the graph itself where it is a tree
COVERS = {
    "regular, 3": (circulant(40, (0, 1, 7)), 2 * math.sqrt(2)),
    "regular, 8": (circulant(60, range(8)), 2 * math.sqrt(7)),
    "cycle": (circulant(10, (0, 1)), 2.0),
    "complete": (torch.ones(5, 5).bool(), 4.0),
    "biregular, 6 and 3": (blocks(3, 6, 4), math.sqrt(5) + math.sqrt(2)),
    "star": (star(9), 3.0),
    "path of 1": (path(1), 1.0),
    "path of 6": (path(6), 2 * math.cos(math.pi / 8)),
    "two parts, the greater counts": (torch.block_diag(star(16), torch.ones(1, 1)).bool(), 4.0),
    "nothing": (torch.zeros(4, 4).bool(), 0.0),
}


@pytest.mark.parametrize("name", COVERS)
def test_the_radius_of_a_known_cover_is_found(name):
    mask, rho = COVERS[name]
    assert cover_radius(mask) == pytest.approx(rho, rel=4e-3)


def ball(mask, depth):
    """Largest eigenvalue of a ball of the universal cover, built branch by branch: a bound from below."""
    row, column = (index.tolist() for index in mask.nonzero().T)
    near = {("r", i): [("c", c) for r, c in zip(row, column, strict=True) if r == i] for i in range(mask.shape[0])}
    near |= {("c", i): [("r", r) for r, c in zip(row, column, strict=True) if c == i] for i in range(mask.shape[1])}
    start = max(near, key=lambda node: len(near[node]))
    nodes, edges, layer = 1, [], [(0, start, None)]
    for _ in range(depth):
        following = []
        for at, node, came in layer:
            left = list(near[node])
            if came is not None:
                left.remove(came)
            for other in left:
                edges.append((at, nodes))
                following.append((nodes, other, node))
                nodes += 1
        layer = following
    adjacency = np.zeros((nodes, nodes))
    for a, b in edges:
        adjacency[a, b] = adjacency[b, a] = 1
    return np.linalg.eigvalsh(adjacency)[-1]


def test_the_radius_of_an_irregular_cover_is_above_its_balls_and_they_come_near():
    mask = torch.tensor([[1, 1, 0, 0], [0, 1, 1, 0], [1, 1, 1, 1], [0, 0, 0, 1]]).bool()
    rho = cover_radius(mask)
    bounds = [ball(mask, depth) for depth in (2, 6, 13)]
    assert bounds == sorted(bounds) and bounds[-1] <= rho * 1.002 and rho < 1.06 * bounds[-1]
    assert rho < np.linalg.svd(mask.double().numpy(), compute_uv=False)[0]


def test_random_masks_are_ramanujan_to_a_few_percent_and_rings_are_not():
    rows = [graph_measures(random_mask(150, density, seed)) for density in (0.03, 0.1) for seed in range(3)]
    assert all(0.85 < found["ramanujan"] < 1.05 and found["weak"] <= found["ramanujan"] + 1e-9 for found in rows)
    fixed = graph_measures(FixedInDegree(degree=10).mask(150, 150, generator=generator()))
    assert 0.85 < fixed["ramanujan"] < 1.05 and fixed["in-degree CV"] == 0
    ring = graph_measures(local(150, 5))
    assert ring["ramanujan"] > 1.5 and ring["row correlation"] > 2 * fixed["row correlation"]


def test_rewired_masks_keep_their_degrees_and_nothing_else():
    mask = local(40, 4) & random_mask(40, 0.7)
    other = rewired(mask, generator=generator())
    assert torch.equal(other.sum(dim=0), mask.sum(dim=0)) and torch.equal(other.sum(dim=1), mask.sum(dim=1))
    assert (other & mask).sum() < 0.4 * mask.sum(), "about as many as chance gives"
    assert graph_measures(other)["clustering"] < graph_measures(mask)["clustering"] / 2
    assert torch.equal(rewired(mask, generator=generator()), other) and mask.dtype == other.dtype
    oblong = random_mask(6, 0.5)[:, :4]
    assert torch.equal(rewired(oblong, generator=generator()).sum(dim=0), oblong.sum(dim=0))


@pytest.mark.parametrize(
    "mask", [torch.eye(3), torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1]])], ids=["one each", "two each"]
)
def test_every_mask_with_the_degrees_is_as_likely(mask):
    rows, cols = mask.shape
    every = {
        drawn
        for drawn in product((0, 1), repeat=rows * cols)
        if torch.equal(torch.tensor(drawn).reshape(rows, cols).sum(dim=0), mask.sum(dim=0).long())
        and torch.equal(torch.tensor(drawn).reshape(rows, cols).sum(dim=1), mask.sum(dim=1).long())
    }
    source, counts = generator(), dict.fromkeys(every, 0)
    assert len(every) == 6
    for _ in range(300):
        counts[tuple(rewired(mask.bool(), generator=source).long().flatten().tolist())] += 1
    assert sum((count - 50) ** 2 / 50 for count in counts.values()) < 20.5  # chi square of 5, 1 in 1000


def test_z_scores_are_mean_spread_and_distance():
    rows = [{"a": 1.0, "b": 5.0}, {"a": 2.0, "b": 5.0}, {"a": 6.0, "b": 5.0}]
    compared = z_scores({"a": 10.0, "b": 5.0}, rows)
    assert compared["a"] == pytest.approx((3.0, math.sqrt(7), 7 / math.sqrt(7)))
    assert compared["b"][:2] == (5.0, 0.0) and math.isnan(compared["b"][2])


@pytest.mark.parametrize("mask", [torch.zeros(5, 5).bool(), torch.eye(5).bool(), torch.ones(1, 1).bool()])
def test_what_is_not_defined_is_nan_and_nothing_is_divided_by_zero(mask):
    found = graph_measures(mask)
    assert math.isnan(found["reciprocity"]) and found["clustering"] == 0
    assert found["weak components"] == len(mask)


def test_a_mask_that_is_not_square_is_refused():
    with pytest.raises(BenchError, match=r"mask: expected shape \(N, N\), got \(3, 4\)"):
        graph_measures(torch.ones(3, 4).bool())
