"""Figures of a study: losses against features, and predicted losses."""

from __future__ import annotations

from ..drawing import Drawing, Points, predictions, scatter
from ..tables import Study, Summary, can_predict, predict, study_losses
from ._study_sheets import PREDICTORS
from ._texts import anchor, slug


def scatters(summary: Summary) -> list[Drawing]:
    """Draw the loss of each draw against each feature by which the study is summarised."""
    study, losses = summary.table, study_losses(summary)
    if not isinstance(study, Study) or not losses.present.any():
        return []
    above = " above the floor" if study.floor else ""
    return [
        scatter(
            f"{anchor(summary)}-{slug(by.feature)}",
            f"{study.metric} by {by.feature}",
            {
                by.feature: {
                    preset: Points(each.feature(by.feature), each.bounded - study.floor, each.unstable)
                    for preset, each in losses.by_preset.items()
                }
            },
            ylabel=f"{study.metric.lower()}{above} ({study.unit})",
            limit=study.constant - study.floor,
            edges={by.feature: by.edges},
        )
        for by in study.bins
    ]


def predicted(summary: Summary) -> list[Drawing]:
    """Draw the losses that each predictor gives to the draws against the actual ones, from the first set of inputs."""
    study, losses = summary.table, study_losses(summary)
    if not isinstance(study, Study) or not study.inputs or not can_predict(losses):
        return []
    features = next(iter(study.inputs.values()))
    found = {name: predict(losses, features, name) for name in PREDICTORS}
    marked = losses.unstable[losses.present]
    return [
        predictions(
            f"{anchor(summary)}-predicted",
            "Predicted loss",
            {name: Points(each.actual, each.predicted, marked) for name, each in found.items()},
            label=f"{study.metric.lower()} ({study.unit})",
            r2={name: each.r2 for name, each in found.items()},
        )
    ]
