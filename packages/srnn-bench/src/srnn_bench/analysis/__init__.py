"""TODO analysis."""

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
from ._clusters import Clustering as Clustering
from ._clusters import clusters as clusters
from ._clusters import cut as cut
from ._cover import cover_radius as cover_radius
from ._graph import MEASURES as MEASURES
from ._graph import beside as beside
from ._graph import measures as measures
from ._graph import present_mask as present_mask
from ._modules import Modules as Modules
from ._modules import modules_of as modules_of
from ._modules import p_value as p_value
from ._modules import present_tasks as present_tasks
from ._on_manifold import Placed as Placed
from ._on_manifold import weights_on_manifold as weights_on_manifold
from ._rewire import rewired as rewired
from ._variance import by_period as by_period
from ._variance import kept as kept
from ._variance import normalised as normalised
from ._variance import task_variance as task_variance

__all__ = [
    "MEASURES",
    "CloudTest",
    "Clustering",
    "Modules",
    "Persistence",
    "Placed",
    "beside",
    "by_period",
    "cloud_test",
    "clusters",
    "cover_radius",
    "cut",
    "kept",
    "largest_cluster",
    "longest_bar",
    "measures",
    "mixed_rows",
    "modules_of",
    "normalised",
    "on_ring",
    "p_value",
    "permuted",
    "persists",
    "present_mask",
    "present_tasks",
    "recurrent",
    "rewired",
    "task_variance",
    "weights_on_manifold",
]
