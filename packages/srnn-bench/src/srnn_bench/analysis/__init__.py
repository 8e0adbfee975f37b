"""Measurements of trained networks: tensors in, numbers out.

Masks as graphs, clusters of units by task variance and the sub-tasks that they serve, weights and embeddings on a
manifold, and bumps of activity in hand-built attractors. Figures of papers use them, and they apply to any network, so
this room imports none of the others: only torch, numpy, scipy, `srnn_manifolds` and the package's error class.
"""

from ._attractor import BumpPersistence as BumpPersistence
from ._attractor import attractor_weights as attractor_weights
from ._attractor import bump_persistence as bump_persistence
from ._clouds import CloudTest as CloudTest
from ._clouds import cloud_test as cloud_test
from ._clouds import largest_cluster as largest_cluster
from ._clouds import longest_bar as longest_bar
from ._clouds import mixed_rows as mixed_rows
from ._clouds import permuted as permuted
from ._clouds import share_on_ring as share_on_ring
from ._clusters import Clustering as Clustering
from ._clusters import clusters as clusters
from ._clusters import cut as cut
from ._cover import cover_radius as cover_radius
from ._graph import GRAPH_MEASURES as GRAPH_MEASURES
from ._graph import component_measures as component_measures
from ._graph import graph_measures as graph_measures
from ._graph import present_mask as present_mask
from ._graph import z_scores as z_scores
from ._modules import Modules as Modules
from ._modules import modules_of as modules_of
from ._modules import p_value as p_value
from ._on_manifold import PlacedWeights as PlacedWeights
from ._on_manifold import weights_on_manifold as weights_on_manifold
from ._rewire import rewired as rewired
from ._variance import active_units as active_units
from ._variance import align_periods as align_periods
from ._variance import normalised as normalised
from ._variance import task_variance as task_variance

__all__ = [
    "GRAPH_MEASURES",
    "BumpPersistence",
    "CloudTest",
    "Clustering",
    "Modules",
    "PlacedWeights",
    "active_units",
    "align_periods",
    "attractor_weights",
    "bump_persistence",
    "cloud_test",
    "clusters",
    "component_measures",
    "cover_radius",
    "cut",
    "graph_measures",
    "largest_cluster",
    "longest_bar",
    "mixed_rows",
    "modules_of",
    "normalised",
    "p_value",
    "permuted",
    "present_mask",
    "rewired",
    "share_on_ring",
    "task_variance",
    "weights_on_manifold",
    "z_scores",
]
