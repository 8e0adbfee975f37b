"""Manifolds, inhibitor functions and moduli regularization of recurrent weights (arXiv 2406.06290)."""

import importlib.metadata

from ._cheapest import Cheapest as Cheapest
from ._controls import L1 as L1
from ._controls import Shuffled as Shuffled
from ._edges import EdgePenalty as EdgePenalty
from ._euclidean import AnySampling as AnySampling
from ._euclidean import Euclidean as Euclidean
from ._euclidean import Normal as Normal
from ._euclidean import Uniform as Uniform
from ._grouped import Group as Group
from ._grouped import Grouped as Grouped
from ._inhibitors import AnyInhibitor as AnyInhibitor
from ._inhibitors import DifferenceOfGaussians as DifferenceOfGaussians
from ._inhibitors import Diffusion as Diffusion
from ._inhibitors import Inhibitor as Inhibitor
from ._inhibitors import Reversed as Reversed
from ._inhibitors import Ricker as Ricker
from ._inhibitors import Sinusoid as Sinusoid
from ._klein_bottle import KleinBottle as KleinBottle
from ._manifold import Manifold as Manifold
from ._moduli import Moduli as Moduli
from ._penalty import Penalty as Penalty
from ._persistence import Diagrams as Diagrams
from ._persistence import betti as betti
from ._persistence import farthest_points as farthest_points
from ._persistence import persistence as persistence
from ._product import AnyManifold as AnyManifold
from ._product import Product as Product
from ._regularizers import AnyRegularizer as AnyRegularizer
from ._sphere import Circle as Circle
from ._sphere import Sphere as Sphere
from ._torus import Torus as Torus
from ._trained import Trained as Trained
from ._trained import TrainedPenalty as TrainedPenalty

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
