"""A parent: a model that predicts from its features how well a network will do, in comparison to others of its task.

It needs scikit-learn, the extra `srnn-bench[study]`; so does the other one, `forest` of `srnn_bench.tables`.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from ....tables import Regressor

Array = NDArray[np.float64]

NETWORKS, UNITS, EPOCHS = 20, 32, 200


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
        self._model: Regressor = BaggingRegressor(scaled, n_estimators=NETWORKS, random_state=0)

    def fit(self, features: Array, ranks: Array) -> None:
        """Fit the ranks `(D,)` of networks by their features `(D, F)`."""
        from sklearn.exceptions import ConvergenceWarning

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # after 200 epochs
            self._model.fit(features, ranks)

    def predict(self, features: Array) -> Array:
        """Return the predicted ranks."""
        return self._model.predict(features)
