"""Navigation: a random walk in a box, whose velocity a network integrates into a place code (arXiv 2406.06290).

After the start the inputs are displacements only, so the network must keep its position in its state.
"""

from ._path_integration import PathIntegration as PathIntegration
from ._path_integration import PathIntegrationSource as PathIntegrationSource
from ._place_code import decode as decode
from ._place_code import place_code as place_code
from ._walk import random_walk as random_walk

__all__ = ["PathIntegration", "PathIntegrationSource", "decode", "place_code", "random_walk"]
