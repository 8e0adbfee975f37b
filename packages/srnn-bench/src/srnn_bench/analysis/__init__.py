"""What can be read from trained networks: their weights on a manifold, shapes of embeddings, graphs, attractors.

Pieces for any experiment; `papers/moduli/_figures.py` makes the figures of a paper of them. Nothing here is imported
by a run.
"""

from ._attractor import Persistence as Persistence
from ._attractor import persists as persists
from ._attractor import recurrent as recurrent
from ._clouds import CloudTest as CloudTest
from ._clouds import cloud_test as cloud_test
from ._clouds import largest_cluster as largest_cluster
from ._clouds import longest_bar as longest_bar
from ._clouds import mixed_rows as mixed_rows
from ._clouds import on_ring as on_ring
from ._clouds import permuted as permuted
from ._cover import cover_radius as cover_radius
from ._graph import MEASURES as MEASURES
from ._graph import beside as beside
from ._graph import measures as measures
from ._on_manifold import Placed as Placed
from ._on_manifold import weights_on_manifold as weights_on_manifold
from ._rewire import rewired as rewired
from ._weights import embedding as embedding
from ._weights import weights as weights

__all__ = [
    "MEASURES",
    "CloudTest",
    "Persistence",
    "Placed",
    "beside",
    "cloud_test",
    "cover_radius",
    "embedding",
    "largest_cluster",
    "longest_bar",
    "measures",
    "mixed_rows",
    "on_ring",
    "permuted",
    "persists",
    "recurrent",
    "rewired",
    "weights",
    "weights_on_manifold",
]
