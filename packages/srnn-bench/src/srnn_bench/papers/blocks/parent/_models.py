"""Parents: models that predict from its features how well a network will do, in comparison to others of its task.

They need scikit-learn, the extra `srnn-bench[study]`.
"""

from __future__ import annotations

import warnings
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TREES, DEPTH = 1000, 10  # as the forest of section V of the paper

NETWORKS, UNITS, EPOCHS = 20, 32, 200


class Predictor(Protocol):
    """What a parent asks of a model: the interface of scikit-learn's regressors."""

    def fit(self, features: Array, ranks: Array) -> object:
        """Fit the ranks `(D,)` of networks by their features `(D, F)`."""

    def predict(self, features: Array) -> Array:
        """Return the predicted ranks."""


def forest() -> Predictor:
    """Return a random forest of 1,000 trees of depth 10."""
    from sklearn.ensemble import RandomForestRegressor

    model: Predictor = RandomForestRegressor(n_estimators=TREES, max_depth=DEPTH, random_state=0)
    return model


class Networks:
    """The mean of 20 perceptrons with 32 hidden units, each fitted to a bootstrap sample.

    Training stops after 200 epochs, or earlier if the error on a tenth of the sample no longer decreases.
    """

    def __init__(self) -> None:
        from sklearn.ensemble import BaggingRegressor
        from sklearn.neural_network import MLPRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        perceptron = MLPRegressor(
            hidden_layer_sizes=(UNITS,), alpha=0.1, max_iter=EPOCHS, early_stopping=True, random_state=0
        )
        scaled = make_pipeline(StandardScaler(), perceptron)
        self._model: Predictor = BaggingRegressor(scaled, n_estimators=NETWORKS, random_state=0)

    def fit(self, features: Array, ranks: Array) -> None:
        """Fit the ranks `(D,)` of networks by their features `(D, F)`."""
        from sklearn.exceptions import ConvergenceWarning

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # after 200 epochs
            self._model.fit(features, ranks)

    def predict(self, features: Array) -> Array:
        """Return the predicted ranks."""
        return self._model.predict(features)
