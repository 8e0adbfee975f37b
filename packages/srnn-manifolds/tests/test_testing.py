"""A third-party manifold passes check_manifold, and each broken law is named."""

from typing import Literal

import pytest
import torch

from srnn_manifolds import DifferenceOfGaussians, Manifold, Penalty
from srnn_manifolds.testing import check_manifold


class Segment(Manifold):
    """[0, length], points uniform."""

    kind: Literal["segment"] = "segment"
    length: float = 4.0

    @property
    def coordinates(self):
        return 1

    @property
    def diameter(self):
        return self.length

    def sample(self, n, *, generator):
        return self.length * torch.rand(n, 1, generator=generator, device=generator.device)

    def distance(self, a, b):
        return (a - b).abs().squeeze(-1)

    def retract(self, points):
        return points.clamp(0, self.length)


def test_a_third_party_manifold_passes():
    check_manifold(Segment())
    points = Segment().sample(6, generator=torch.Generator().manual_seed(0))
    penalty = Penalty(DifferenceOfGaussians()(Segment().pairwise(points)), points=points.unsqueeze(0))
    assert penalty(torch.ones(6, 6)).item() == pytest.approx(penalty.mean_coefficient())


def seeded_twice(self, n, *, generator):
    return self.length * torch.rand(n, 1)


def asymmetric_pairs(self, points):
    return (points - points.mT).clamp_min(0)


BROKEN = [
    ({"sample": lambda self, n, *, generator: torch.rand(n, 1, generator=generator).double()}, "float32"),
    ({"sample": lambda self, n, *, generator: torch.rand(n, 2, generator=generator)}, "shape"),
    ({"sample": lambda self, n, *, generator: torch.zeros(n, 1)}, "another seed"),
    ({"sample": seeded_twice}, "global generator"),
    ({"distance": lambda self, a, b: (a - b).squeeze(-1)}, "at least 0"),
    ({"distance": lambda self, a, b: (a - b).square().squeeze(-1)}, "triangle"),
    ({"distance": lambda self, a, b: (a - b).abs().squeeze(-1) + 1}, "to itself"),
    ({"distance": lambda self, a, b: ((a - b).clamp_min(0) + 2 * (b - a).clamp_min(0)).squeeze(-1)}, "symmetric"),
    ({"distance": lambda self, a, b: (a - b).abs()}, "coordinates"),
    ({"distance": lambda self, a, b: 0 * (a - b).abs().squeeze(-1)}, "different points"),
    ({"distance": lambda self, a, b: (a - b).square().sqrt().squeeze(-1)}, "coincident points are finite"),
    ({"distance": lambda self, a, b: (a - b).abs().float().squeeze(-1)}, "dtype"),
    ({"distance": lambda self, a, b: (a.detach() - b).abs().squeeze(-1) + 0 * a.squeeze(-1)}, "finite differences"),
    ({"diameter": property(lambda self: 1.0)}, "diameter"),
    ({"pairwise": asymmetric_pairs}, "exactly symmetric"),
    ({"pairwise": lambda self, points: 2 * (points - points.mT).abs()}, "distance for all pairs"),
    ({"pairwise": lambda self, points: (points - points.mT).abs() + 1e-6}, "diagonal"),
    ({"retract": lambda self, points: points * 0.9}, "retract does not move"),
    ({"retract": lambda self, points: points.double()}, "keeps shape and dtype"),
    ({"tangent": lambda self, points, vectors: vectors.float()}, "tangent keeps shape and dtype"),
    ({"tangent": lambda self, points, vectors: vectors / 2}, "stays as it is"),
    ({"tangent": lambda self, points, vectors: 0 * vectors}, "leads to where the whole step leads"),
    ({"model_dump_json": lambda self: '{"length": 1}'}, "JSON"),
]


@pytest.mark.parametrize("broken, law", BROKEN, ids=[law for _, law in BROKEN])
def test_a_broken_law_is_named(broken, law):
    with pytest.raises(AssertionError, match=law):
        check_manifold(type("Broken", (Segment,), broken)())
