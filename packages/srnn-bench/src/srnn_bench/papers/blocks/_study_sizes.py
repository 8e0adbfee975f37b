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

    - `loss`: the metric of the validation split that is minimised; tables show it times `factor`, in `unit`.
    - `constant`: the smallest loss of a constant prediction on the validation split, rounded down, in that unit.
    - `floor`: the loss of the policy that the data were recorded with, which is above 0 if it acted with noise.
    - `counts`: number of draws by preset.
    """

    task: AnyTask
    training: Training
    loss: str
    factor: float
    unit: str
    constant: float
    floor: float
    sizing: Sizing
    counts: Mapping[str, int]


def _training(epochs: int, batch_size: int) -> Training:
    return Training(epochs=epochs, batch_size=batch_size, learning_rate=1e-3, evaluate_every=1)


def _anomaly(task: RandomAnomaly, training: Training, counts: Mapping[str, int]) -> StudySizes:
    return StudySizes(
        task,
        training,
        loss="cross_entropy",
        factor=1.0,
        unit="nats",
        constant=2.1938,  # entropy of the positions of 1,000 series; with 8, at smoke, it is less
        floor=0.0,
        sizing=Budget(2500, 10, 50_000),
        counts=counts,
    )


def _hammer(task: AdroitHammer, training: Training, shrink: float, counts: Mapping[str, int]) -> StudySizes:
    noisy = task.expert == "noisy"
    return StudySizes(
        task,
        training,
        loss="mse",
        factor=1000.0,
        unit="thousandths",
        constant=125.3 if noisy else 62.9,  # variance of the actions of the 25 validation episodes at quick
        floor=66.4 if noisy else 0.0,
        sizing=FreeUnits(46, 26, shrink),
        counts=counts,
    )


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
            RandomAnomaly(series=16, held_out=8), _training(2, 8), {"normal": 3, "uniform": 3, "stratified": 6}
        ),
        "quick": _anomaly(
            RandomAnomaly(series=3000, held_out=1000),
            _training(8, 16),
            {"normal": 250, "uniform": 250, "stratified": 500},
        ),
        "paper": _anomaly(
            RandomAnomaly(held_out=1000, split="shared", shuffle=False),
            _training(25, 16),
            {"normal": 1627, "uniform": 1627, "stratified": 1000},
        ),
    },
    "hammer": _hammers("mean"),
    "hammer, noisy": _hammers("noisy"),
}
