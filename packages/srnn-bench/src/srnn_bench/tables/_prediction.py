"""Prediction of the loss of draws from their features: a random forest and a small neural network.

Both get normalised features, as in arXiv 2509.15057 (section V). They require the extra `srnn-bench[study]`
(scikit-learn).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.util import find_spec
from typing import Literal

import numpy as np

from .._errors import BenchError
from ._forest import Array, Regressor, forest
from ._study_losses import StudyLosses
from ._study_statistics import Interval, ratio_interval

Predictor = Literal["forest", "network"]

LAYERS = (64, 64)  # of the network

FOLDS = 5

FEWEST = 10  # draws

REPEATS = 3  # permutations of each feature in each fold


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predicted losses of D draws; each is predicted by a fit to the four fifths of the draws that it is not among.

    Attributes:
        actual: The losses `(D,)`, those of unstable draws replaced by the loss of the constant.
        predicted: The predictions `(D,)`.
        means: The mean of the losses to which each prediction was fitted, `(D,)`: the prediction without features.
        importance: Increase of the mean squared error by permuting a feature among the draws of a fold, relative to
            that of `means`, by feature; empty for the network.
    """

    actual: Array
    predicted: Array
    means: Array
    importance: dict[str, float] = field(default_factory=dict)

    @cached_property
    def errors(self) -> Array:
        """Squared errors of the predictions, `(D,)`."""
        return (self.actual - self.predicted) ** 2

    @cached_property
    def errors_of_means(self) -> Array:
        """Squared errors of the means, `(D,)`."""
        return (self.actual - self.means) ** 2

    @property
    def r2(self) -> float:
        """1 minus the sum of squared errors over that of the means."""
        return float(1 - self.errors.sum() / self.errors_of_means.sum())

    @property
    def interval(self) -> Interval:
        """95 % bootstrap interval of `r2` over draws, for these fits."""
        return ratio_interval(self.errors_of_means - self.errors, self.errors_of_means)

    @property
    def rank_correlation(self) -> float:
        """Spearman's rank correlation of prediction and loss, nan if one of them does not vary."""
        from scipy import stats  # type: ignore[import-untyped]

        if not (np.ptp(self.actual) > 0 and np.ptp(self.predicted) > 0):
            return float("nan")
        return float(stats.spearmanr(self.actual, self.predicted).statistic)


def has_predictors() -> bool:
    """Return whether scikit-learn is installed."""
    return find_spec("sklearn") is not None


def require_predictors(what: str) -> None:
    """Raise `BenchError` if scikit-learn is not installed; `what` names in the plural what needs it."""
    if not has_predictors():
        raise BenchError(f"{what} need scikit-learn: pip install 'srnn-bench[study]'")


def can_predict(losses: StudyLosses) -> bool:
    """Return whether scikit-learn is installed and there are enough draws with a result."""
    return has_predictors() and int(losses.present.sum()) >= FEWEST


def predict(losses: StudyLosses, features: Sequence[str], predictor: Predictor = "forest") -> Prediction:
    """Predict the losses of all draws that have a result from these features, in five folds.

    The folds are the same for all features and predictors. Results are kept while the process runs: a forest takes
    about half a minute per thousand draws.

    Raises:
        BenchError: If scikit-learn is not installed, or there are fewer than ten draws with a result.
    """
    require_predictors("predictions")
    present = losses.present
    if present.sum() < FEWEST:
        raise BenchError(f"predictions: expected at least {FEWEST} draws with a result, got {int(present.sum())}")
    inputs = np.stack([losses.feature(name)[present] for name in features], axis=1)
    actual = losses.bounded[present]
    predicted, means, importance = _folds(inputs.tobytes(), inputs.shape, actual.tobytes(), predictor)
    named = dict(zip(features, importance, strict=True)) if importance else {}
    return Prediction(actual, predicted, means, named)


@lru_cache(maxsize=64)
def _folds(
    inputs: bytes, shape: tuple[int, int], actual: bytes, predictor: Predictor
) -> tuple[Array, Array, tuple[float, ...]]:
    from sklearn.model_selection import KFold

    features, target = np.frombuffer(inputs).reshape(shape), np.frombuffer(actual)
    predicted, means = np.empty_like(target), np.empty_like(target)
    excess = np.zeros(shape[1])
    generator = np.random.default_rng(0)
    for fitted, held_out in KFold(FOLDS, shuffle=True, random_state=0).split(features):
        model = _model(predictor)
        model.fit(features[fitted], target[fitted])
        predicted[held_out] = model.predict(features[held_out])
        means[held_out] = target[fitted].mean()
        if predictor == "forest":
            errors = (target[held_out] - predicted[held_out]) ** 2
            excess += _permuted(model, features[held_out], target[held_out], generator) - errors.sum()
    importance = tuple(excess / ((target - means) ** 2).sum()) if predictor == "forest" else ()
    return predicted, means, importance


def _permuted(model: Regressor, features: Array, target: Array, generator: np.random.Generator) -> Array:
    """Return the sum of squared errors with each feature permuted, mean over permutations."""
    rows, columns = features.shape
    changed = np.tile(features, (columns, REPEATS, 1, 1))  # (F, repeats, D, F)
    for column in range(columns):
        for repeat in range(REPEATS):
            changed[column, repeat, :, column] = generator.permutation(features[:, column])
    predicted = model.predict(changed.reshape(-1, columns)).reshape(columns, REPEATS, rows)
    return np.asarray(((target - predicted) ** 2).sum(axis=2).mean(axis=1))


def _model(predictor: Predictor) -> Regressor:
    """Return an unfitted regressor on normalised features."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model: Regressor
    if predictor == "forest":
        model = make_pipeline(StandardScaler(), forest())
    else:
        network = MLPRegressor(
            hidden_layer_sizes=LAYERS, early_stopping=True, validation_fraction=0.2, max_iter=2000, random_state=0
        )
        scaled = make_pipeline(StandardScaler(), network)
        model = TransformedTargetRegressor(scaled, transformer=StandardScaler())
    return model
