"""Figure 4 of arXiv 2406.06290: does a trained embedding find a manifold?

Clouds of neurons are compared with random clouds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from srnn_manifolds import DifferenceOfGaussians, Manifold, Moduli, farthest_points

from ....analysis import (
    CloudTest,
    cloud_test,
    largest_cluster,
    longest_bar,
    mixed_rows,
    permuted,
    present_mask,
    share_on_ring,
)
from ....drawing import Drawing, significant, write_drawing, write_text
from ... import FigureRequest, KeptRun, required_runs
from .. import PAPER
from ._draw_clouds import diagrams, pairs, spreads
from ._embedding_words import words
from ._runs import PARAMETER, moduli_of, points_of

COLUMNS = ("R3 trained", "Torus trained")  # of Table 3

CLOUDS = 99  # per null hypothesis: the least p-value is 0.01

LOOPS, VOIDS = 256, 96  # greatest numbers of points, well spread, for loops (H1) and voids (H2)

Tests = dict[str, dict[str, dict[str, list[CloudTest]]]]  # by measure, column and null hypothesis, one per run


def embedding(request: FigureRequest) -> list[Path]:
    """Figure 4: whether a trained embedding finds a manifold, against clouds without structure."""
    store, table = request.required_store(), PAPER.table("table3", request.scale)
    runs = {column: required_runs(store, table, "90% sparse", column) for column in COLUMNS}
    return embedding_of(runs, request, clouds=CLOUDS)


def embedding_of(runs: Mapping[str, list[KeptRun]], request: FigureRequest, *, clouds: int) -> list[Path]:
    """Test the embeddings of runs by column against `clouds` random clouds each; write drawings and numbers."""
    ring = DifferenceOfGaussians().peak_distance
    shown: dict[str, tuple[Manifold, Mapping[str, Tensor]]] = {}
    distances: dict[str, tuple[Manifold, list[Tensor], list[Tensor]]] = {}  # trained clouds, and initial ones
    tests: Tests = {}
    body: list[list[str]] = []
    cores: list[list[str]] = []
    for column, several in runs.items():
        for run in several:
            cloud = _Cloud(run, ring)
            if column not in shown:
                shown[column] = cloud.manifold, cloud.variants()
            distances.setdefault(column, (cloud.manifold, [], []))[1].append(cloud.points)
            distances[column][2].append(cloud.initial)
            cores.append([f"{column}, seed {run.result.seed}", *cloud.core_numbers()])
            for measure, null, test in cloud.tests(clouds):
                tests.setdefault(measure, {}).setdefault(column, {}).setdefault(null, []).append(test)
                body.append([f"{column}, seed {run.result.seed}, {measure}, {null}", *_numbers(test)])
    name = f"moduli-figure4-{request.scale}"
    drawings = _drawings(name, shown, distances, tests, ring)
    text = words(request.scale, ring, cores, body, clouds=clouds, loops=LOOPS, voids=VOIDS)
    paths = [path for drawing in drawings for path in write_drawing(drawing, request.folder)]
    return [*paths, write_text(text, request.folder, name)]


class _Cloud:
    """The neurons of a run in its trained embedding, `points (N, coordinates)`, and random clouds to compare with."""

    def __init__(self, run: KeptRun, ring: float) -> None:
        self.run, self.moduli, self.points = run, moduli_of(run), points_of(run)
        self.inside = largest_cluster(self.moduli.manifold, self.points, ring)  # bool (N,)
        self.generator = torch.Generator().manual_seed(run.result.seed)
        self.initial = _sample(self.manifold, len(self.points), self.generator)
        self.permuted = permuted(self.points, self.generator)

    @property
    def manifold(self) -> Manifold:
        return self.moduli.manifold

    @property
    def core(self) -> Tensor:
        """Points of the largest cluster."""
        return self.points[self.inside]

    def variants(self) -> dict[str, Tensor]:
        """Return the clouds whose persistence diagrams are drawn, of at most LOOPS points."""
        clouds = {"trained": self.points, "core": self.core, "random": self.initial, "permuted": self.permuted}
        clouds["mixed rows"] = mixed_rows(self.points)
        return {title: _at_most(self.manifold, points, LOOPS) for title, points in clouds.items()}

    def core_numbers(self) -> list[str]:
        """Return the share of neurons in the core, and the mean number of weights of a neuron there and elsewhere."""
        mask = present_mask(self.run.weights, PARAMETER)
        weights = mask.sum(dim=0) + mask.sum(dim=1)  # (N,)
        share = len(self.core) / len(self.points)
        return [significant(each) for each in (share, _mean(weights[self.inside]), _mean(weights[~self.inside]))]

    def tests(self, clouds: int) -> list[tuple[str, str, CloudTest]]:
        """Return measure, null hypothesis and test, against `clouds` random clouds each."""
        tests = []
        for measure, (statistic, points) in self._statistics().items():
            nulls = {"random": partial(_sample, self.manifold, len(points)), "permuted": partial(permuted, points)}
            for null, draw in nulls.items():
                test = cloud_test(points, draw, statistic, repeats=clouds, generator=self.generator)
                tests.append((measure, null, test))
        return tests

    def _statistics(self) -> dict[str, tuple[Callable[[Tensor], float], Tensor]]:
        """Return statistic and cloud of each measure."""
        loops = partial(_longest_bar, self.manifold, 1, 2, LOOPS)
        voids = partial(_longest_bar, self.manifold, 2, 2, VOIDS)
        return {
            "longest bar of H1": (loops, self.points),
            "longest bar of H1 modulo 3": (partial(_longest_bar, self.manifold, 1, 3, LOOPS), self.points),
            "longest bar of H1, core": (loops, self.core),
            "longest bar of H2": (voids, self.points),
            "longest bar of H2, core": (voids, self.core),
            "pairs on the ring": (partial(_on_ring, self.moduli), self.points),
        }


def _drawings(
    name: str,
    shown: Mapping[str, tuple[Manifold, Mapping[str, Tensor]]],
    distances: Mapping[str, tuple[Manifold, list[Tensor], list[Tensor]]],
    tests: Tests,
    ring: float,
) -> list[Drawing]:
    return [
        diagrams(f"{name}-diagrams", shown),
        pairs(f"{name}-pairs", distances, ring),
        *(
            spreads(f"{name}-{measure.replace(' ', '-').replace(',', '')}", by_column, measure)
            for measure, by_column in tests.items()
        ),
    ]


def _longest_bar(manifold: Manifold, dimension: int, coeff: int, most: int, points: Tensor) -> float:
    return longest_bar(manifold, _at_most(manifold, points, most), dimension=dimension, coeff=coeff)


def _on_ring(moduli: Moduli, points: Tensor) -> float:
    return share_on_ring(moduli.manifold, points, moduli.inhibitor)


def _numbers(test: CloudTest) -> list[str]:
    mean = math.fsum(test.null) / len(test.null)
    numbers = (test.observed, mean, min(test.null), max(test.null), test.above, test.below)
    return [significant(number) for number in numbers]


def _sample(manifold: Manifold, n: int, generator: torch.Generator) -> Tensor:
    return manifold.sample(n, generator=generator)


def _at_most(manifold: Manifold, points: Tensor, most: int) -> Tensor:
    """Return the points, or `most` well-spread ones of them."""
    return points if len(points) <= most else farthest_points(manifold, points, most)


def _mean(values: Tensor) -> float:
    return float(values.double().mean()) if len(values) else math.nan
