"""Manifolds, inhibitor functions and moduli regularization of recurrent weights (arXiv 2406.06290).

`manifolds/` are spaces with a distance, an inhibitor turns a distance into a cost, and `penalties/` sum the costs of
the weights between neurons at points of a manifold. Data flows one way: manifold, inhibitor, penalty.
"""

import importlib.metadata

from ._errors import ManifoldError as ManifoldError
from ._inhibitors import AnyInhibitor as AnyInhibitor
from ._inhibitors import DifferenceOfGaussians as DifferenceOfGaussians
from ._inhibitors import Diffusion as Diffusion
from ._inhibitors import Inhibitor as Inhibitor
from ._inhibitors import Reversed as Reversed
from ._inhibitors import Ricker as Ricker
from ._inhibitors import Sinusoid as Sinusoid
from ._persistence import Diagrams as Diagrams
from ._persistence import betti as betti
from ._persistence import farthest_points as farthest_points
from ._persistence import persistence as persistence
from .manifolds import AnyManifold as AnyManifold
from .manifolds import AnySampling as AnySampling
from .manifolds import Circle as Circle
from .manifolds import Euclidean as Euclidean
from .manifolds import KleinBottle as KleinBottle
from .manifolds import Manifold as Manifold
from .manifolds import Normal as Normal
from .manifolds import Product as Product
from .manifolds import Sphere as Sphere
from .manifolds import Torus as Torus
from .manifolds import Uniform as Uniform
from .penalties import L1 as L1
from .penalties import AnyRegularizer as AnyRegularizer
from .penalties import Cheapest as Cheapest
from .penalties import EdgePenalty as EdgePenalty
from .penalties import Group as Group
from .penalties import Grouped as Grouped
from .penalties import Moduli as Moduli
from .penalties import Penalty as Penalty
from .penalties import Shuffled as Shuffled
from .penalties import Trained as Trained
from .penalties import TrainedPenalty as TrainedPenalty

__version__ = importlib.metadata.version("srnn-manifolds")

__all__ = [
    "L1",
    "AnyInhibitor",
    "AnyManifold",
    "AnyRegularizer",
    "AnySampling",
    "Cheapest",
    "Circle",
    "Diagrams",
    "DifferenceOfGaussians",
    "Diffusion",
    "EdgePenalty",
    "Euclidean",
    "Group",
    "Grouped",
    "Inhibitor",
    "KleinBottle",
    "Manifold",
    "ManifoldError",
    "Moduli",
    "Normal",
    "Penalty",
    "Product",
    "Reversed",
    "Ricker",
    "Shuffled",
    "Sinusoid",
    "Sphere",
    "Torus",
    "Trained",
    "TrainedPenalty",
    "Uniform",
    "betti",
    "farthest_points",
    "persistence",
]
