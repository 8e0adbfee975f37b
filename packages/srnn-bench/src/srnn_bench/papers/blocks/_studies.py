"""The hyperparameter studies of arXiv 2509.15057: Tables III and IV, minimum validation loss over random draws."""

from __future__ import annotations

from ...tables import Plan, Scale, Study
from ._columns import SOURCE
from ._study_sizes import ANOMALY, HAMMER, SEED


def table3(name: str, scale: Scale) -> Study:
    """Table III: Adroit Hammer by hidden proportion and density, with a free number of weights."""
    draws, cells = HAMMER[scale].draws()
    return Study(
        name=name,
        scale=scale,
        title="Minimum validation loss on Adroit Hammer over random hyperparameters",
        source=SOURCE.format("Table III: 2,083 networks, 25 epochs of 4,500 episodes"),
        metric="Minimum validation loss",
        unit="mse",
        better="lower",
        seeds=(SEED,),
        cells=cells,
        draws=draws,
        plan=Plan(seeds=() if scale == "smoke" else (SEED,)),
    )


def table4(name: str, scale: Scale) -> Study:
    """Table IV: Random Anomaly Detection by hidden proportion and density, at 50,000 weights."""
    draws, cells = ANOMALY[scale].draws()
    return Study(
        name=name,
        scale=scale,
        title="Minimum validation loss on Random Anomaly Detection over random hyperparameters, 50,000 weights",
        source=SOURCE.format("Table IV: 3,254 networks, 25 epochs of 30,000 series"),
        metric="Minimum validation loss",
        unit="nats",
        better="lower",
        seeds=(SEED,),
        cells=cells,
        draws=draws,
        plan=Plan(seeds=() if scale == "smoke" else (SEED,)),
    )
