"""Sizes of the hyperparameter studies at each scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from srnn_tasks import AdroitHammer, AnyTask, RandomAnomaly

from ...experiment import Training
from ...tables import Scale
from ._sizings import Budget, FreeUnits, Sizing

StudyName = Literal["anomaly", "hammer", "hammer, noisy"]


@dataclass(frozen=True)
class StudySizes:
    """A study at one scale; the learning rate of `training` is replaced by that of each draw.

    - `loss`: the metric of the validation split that is minimised.
    - `constant`: the smallest loss of a constant prediction on the validation split.
    - `floor`: the loss of the policy that the data were recorded with, which is above 0 if it acted with noise.
    - `counts`: number of draws by preset.
    """

    task: AnyTask
    training: Training
    loss: str
    constant: float
    sizing: Sizing
    counts: Mapping[str, int]
    floor: float = 0.0


def _training(epochs: int, batch_size: int) -> Training:
    return Training(epochs=epochs, batch_size=batch_size, learning_rate=1e-3, evaluate_every=1)


def _anomaly(task: RandomAnomaly, training: Training, constant: float, counts: Mapping[str, int]) -> StudySizes:
    return StudySizes(task, training, "cross_entropy", constant, Budget(2500, 10, 50_000), counts)


def _hammer(task: AdroitHammer, training: Training, shrink: float, counts: Mapping[str, int]) -> StudySizes:
    constant, floor = (0.1253, 0.0664) if task.expert == "noisy" else (0.0629, 0.0)  # of 500 episodes
    return StudySizes(task, training, "mse", constant, FreeUnits(46, 26, shrink), counts, floor)


def _hammers(expert: Literal["mean", "noisy"]) -> dict[Scale, StudySizes]:
    few = {"normal": 2, "uniform": 2, "stratified": 4}
    many = {"normal": 100, "uniform": 100, "stratified": 200}
    published = {"normal": 1042, "uniform": 1041, "stratified": 1000}
    return {
        "smoke": _hammer(AdroitHammer(expert=expert, episodes=20, rollouts=0), _training(2, 8), 0.02, few),
        "quick": _hammer(AdroitHammer(expert=expert, rollouts=0), _training(25, 16), 0.1, many),
        "paper": _hammer(AdroitHammer(expert=expert, episodes=5000, rollouts=0), _training(25, 64), 1.0, published),
    }


STUDIES: Mapping[StudyName, Mapping[Scale, StudySizes]] = {
    "anomaly": {
        "smoke": _anomaly(
            RandomAnomaly(series=16, held_out=8), _training(2, 8), 2.19, {"normal": 2, "uniform": 2, "stratified": 4}
        ),
        "quick": _anomaly(
            RandomAnomaly(series=3000, held_out=1000),
            _training(8, 16),
            2.1938,
            {"normal": 250, "uniform": 250, "stratified": 500},
        ),
        "paper": _anomaly(
            RandomAnomaly(held_out=1000, split="shared", shuffle=False),
            _training(25, 16),
            2.1938,
            {"normal": 1627, "uniform": 1627, "stratified": 1000},
        ),
    },
    "hammer": _hammers("mean"),
    "hammer, noisy": _hammers("noisy"),
}
