"""Manifolds: metric spaces from which the positions of neurons are drawn, as frozen values.

A manifold defines coordinates, diameter, sample, distance and retract, and is independent of costs and weights, so a
new one is one file here and one member of `AnyManifold`.
"""

from ._euclidean import AnySampling as AnySampling
from ._euclidean import Euclidean as Euclidean
from ._euclidean import Normal as Normal
from ._euclidean import Uniform as Uniform
from ._klein_bottle import KleinBottle as KleinBottle
from ._manifold import Manifold as Manifold
from ._product import AnyManifold as AnyManifold
from ._product import Product as Product
from ._sphere import Circle as Circle
from ._sphere import Sphere as Sphere
from ._torus import Torus as Torus

__all__ = [
    "AnyManifold",
    "AnySampling",
    "Circle",
    "Euclidean",
    "KleinBottle",
    "Manifold",
    "Normal",
    "Product",
    "Sphere",
    "Torus",
    "Uniform",
]
