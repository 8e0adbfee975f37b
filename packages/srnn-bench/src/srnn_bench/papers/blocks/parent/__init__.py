"""Parent and child: a model learns on many tasks which densities suit a block RNN, and proposes them for a new one.

arXiv 2509.15057 names this use of its studies and shows no numbers. Here, ten tasks with two numbers of weights each
give 20 groups of 50 random networks (`parent_draws`). A parent learns from them the rank of a network within its group
by features without scale, and proposes the best predicted of 2,000 random networks for a task that it did not learn
from; the network proposed is the child. `proposals.json` has the proposals, so that they are known before training.
"""

from ._draws import features as features
from ._draws import random_networks as random_networks
from ._draws_table import parent_draws as parent_draws
from ._draws_table import trained as trained
from ._kept import as_json as as_json
from ._kept import write_proposals as write_proposals
from ._proposals import PARENTS as PARENTS
from ._proposals import Parent as Parent
from ._proposals import Trained as Trained
from ._proposals import propose as propose
from ._readings import ShareBeaten as ShareBeaten
from ._table import parent as parent
from ._table import parent_table as parent_table
from ._tasks import Setting as Setting
from ._tasks import settings as settings

__all__ = [
    "PARENTS",
    "Parent",
    "Setting",
    "ShareBeaten",
    "Trained",
    "as_json",
    "features",
    "parent",
    "parent_draws",
    "parent_table",
    "propose",
    "random_networks",
    "settings",
    "trained",
    "write_proposals",
]
