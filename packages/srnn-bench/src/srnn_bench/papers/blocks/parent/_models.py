"""Parents: models that predict from its features how well a network will do, in comparison to others of its task.

They need scikit-learn, the extra `srnn-bench[study]`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TREES, DEPTH = 1000, 10  # as the forest of section V of the paper

NETWORKS, UNITS = 20, 32


class Predictor(Protocol):
    """What a parent asks of a model: the interface of scikit-learn's regressors."""

    def fit(self, features: Array, ranks: Array) -> object:
        """Fit the ranks `(D,)` of networks by their features `(D, F)`."""

    def predict(self, features: Array) -> Array:
        """Return the predicted ranks."""


def forest() -> Predictor:
    """Return a random forest of 1,000 trees of depth 10."""
    from sklearn.ensemble import RandomForestRegressor  # type: ignore[import-untyped]

    model: Predictor = RandomForestRegressor(n_estimators=TREES, max_depth=DEPTH, random_state=0)
    return model


def networks() -> Predictor:
    """Return the mean of 20 perceptrons with 32 hidden units, each fitted to a bootstrap sample."""
    from sklearn.ensemble import BaggingRegressor  # type: ignore[import-untyped]
    from sklearn.neural_network import MLPRegressor  # type: ignore[import-untyped]
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]
    from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

    perceptron = MLPRegressor(hidden_layer_sizes=(UNITS,), alpha=0.1, max_iter=500, early_stopping=True, random_state=0)
    model: Predictor = BaggingRegressor(make_pipeline(StandardScaler(), perceptron), n_estimators=NETWORKS, random_state=0)
    return model

