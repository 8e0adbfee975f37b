"""The random forest of arXiv 2509.15057 (section V), which predicts how well networks do from their features.

The paper calls it a classifier, but what it predicts is a number, so it is a regressor here. It requires the extra
`srnn-bench[study]` (scikit-learn).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TREES, DEPTH = 1000, 10


class Regressor(Protocol):
    """The interface of scikit-learn's regressors."""

    def fit(self, features: Array, target: Array, /) -> object:
        """Fit a target `(D,)` by features `(D, F)`."""

    def predict(self, features: Array, /) -> Array:
        """Return the predicted target `(D,)` of features `(D, F)`."""


def forest() -> Regressor:
    """Return an unfitted random forest of 1,000 trees of depth 10."""
    from sklearn.ensemble import RandomForestRegressor

    model: Regressor = RandomForestRegressor(n_estimators=TREES, max_depth=DEPTH, random_state=0)
    return model
