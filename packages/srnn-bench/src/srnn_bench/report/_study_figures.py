"""Figures of a study: losses against features, and predicted losses."""

from __future__ import annotations

from ..drawing import Drawing, Points, ends, predictions, scatter
from ..tables import Group, Study, Summary, can_predict, predict, study_losses
from ._study_sheets import PREDICTORS
from ._texts import anchor, slug


def scatters(summary: Summary) -> list[Drawing]:
    """Draw the loss of each draw against each feature by which the study is summarised."""
    study, losses = summary.table, study_losses(summary)
    if not isinstance(study, Study) or not losses.present.any():
        return []
    drawn = []
    for by in study.bins:
        of_presets = {preset: losses.of(Group((preset,))) for preset in study.presets}
        points = {
            name: Points(each.feature(by.feature), each.bounded, each.unstable) for name, each in of_presets.items()
        }
        counts = ", ".join(f"{name} {len(each.draws)}" for name, each in of_presets.items())
        drawn.append(
            scatter(
                f"{anchor(summary)}-{slug(by.feature)}",
                f"{study.metric} by {by.feature}",
                f"One point per draw ({counts}). Crosses: unstable draws, at the loss of the best constant prediction "
                "(dotted). Bars: medians over all draws of a range.",
                {by.feature: points},
                ylabel=f"{study.metric.lower()} ({study.unit})",
                limit=study.constant,
                edges={by.feature: ends(by.edges)},
            )
        )
    return drawn


def predicted(summary: Summary) -> list[Drawing]:
    """Draw the losses that the forest and the network predict against the actual ones, from the first set of inputs."""
    study, losses = summary.table, study_losses(summary)
    if not isinstance(study, Study) or not study.inputs or not can_predict() or losses.present.sum() < 10:
        return []
    features = next(iter(study.inputs.values()))
    found = {name: predict(losses, features, name) for name in PREDICTORS}
    marked = losses.unstable[losses.present]
    return [
        predictions(
            f"{anchor(summary)}-predicted",
            "Predicted loss",
            "Each draw is predicted by a fit to the four fifths of the draws that it is not among. Crosses: unstable "
            f"draws. R²: {', '.join(f'{name} {each.r2:.2f}' for name, each in found.items())}.",
            {name: Points(each.actual, each.predicted, marked) for name, each in found.items()},
            label=f"{study.metric.lower()} ({study.unit})",
        )
    ]
