"""Sheets of a study: its presets, its draws by ranges of a feature, and predictions of their losses."""

from __future__ import annotations

from typing import get_args

import numpy as np

from ..tables import (
    Bins,
    Group,
    Predictor,
    Study,
    StudyLosses,
    Summary,
    bins,
    can_predict,
    has_predictors,
    predict,
    study_losses,
)
from ._sheets import Sheet
from ._texts import number

DIGITS = 3

PREDICTORS: tuple[Predictor, ...] = get_args(Predictor)


def preset_sheet(summary: Summary) -> Sheet:
    """Return one row per preset: numbers of draws, of those with a result and of unstable ones, and their losses."""
    study, losses = _study(summary), study_losses(summary)
    rows = []
    for preset in study.presets:
        group = Group((preset,))
        found, total = losses.of(group), int(losses.members(group).sum())
        numbers = (found.bounded.min(), np.median(found.bounded)) if found.draws else ()
        counts = (total, len(found.draws), int(np.isinf(found.losses).sum()), int(found.unstable.sum()))
        shown = [*map(str, counts), *(number(float(value), DIGITS) for value in numbers)]
        rows.append((preset, *shown, *[""] * (7 - 1 - len(shown))))
    columns = ("preset", "draws", "with a result", "diverged", "unstable", "smallest loss", "median loss")
    return Sheet(study.title, columns, tuple(rows))


def bin_sheets(summary: Summary) -> tuple[Sheet, ...]:
    """Return a sheet per feature by whose ranges the study is summarised."""
    study, losses = _study(summary), study_losses(summary)
    return tuple(_bin_sheet(study, losses, by) for by in study.bins)


def _bin_sheet(study: Study, losses: StudyLosses, by: Bins) -> Sheet:
    """Return one row per range and preset; ranges without draws of a preset have no numbers."""
    floor = ("above the floor",) if study.floor else ()
    paper = ("paper",) if by.published else ()
    columns = (by.feature, "preset", "draws", "unstable", "mean", "bounded mean", *floor, "median", *paper)
    rows = []
    for each in bins(losses, by):
        texts = {
            by.feature: each.range,
            "preset": each.preset,
            "draws": str(each.n),
            "unstable": f"{100 * each.unstable / each.n:.0f} %" if each.n else "",
            "mean": "unstable" if each.n and each.mean is None else number(each.mean, DIGITS),
            "bounded mean": number(each.bounded_mean, DIGITS),
            "above the floor": "" if each.bounded_mean is None else number(each.bounded_mean - study.floor, DIGITS),
            "median": number(each.median, DIGITS),
            "paper": "unstable" if each.published_unstable else "" if each.published is None else f"{each.published:g}",
        }
        rows.append(tuple(texts[column] for column in columns))
    return Sheet(f"Loss by {by.feature} ({study.unit})", columns, tuple(rows), labels=2)


def prediction_sheets(summary: Summary) -> tuple[Sheet, ...]:
    """Return how well the losses are predicted from each set of inputs, and how much each feature matters.

    Without rows if the study has no inputs, scikit-learn is not installed, or too few draws have results.
    """
    study, losses = _study(summary), study_losses(summary)
    if not study.inputs or not can_predict(losses):
        return ()
    rows: list[tuple[str, ...]] = []
    importance: dict[str, float] = {}
    for name, features in study.inputs.items():
        for predictor in PREDICTORS:
            found = predict(losses, features, predictor)
            low, high = found.interval
            numbers = (number(found.r2), f"{low:.3f} to {high:.3f}", number(found.rank_correlation))
            rows.append((name, predictor, str(len(features)), *numbers))
            importance = importance or found.importance
    ordered = sorted(importance.items(), key=lambda item: -item[1])
    columns = ("inputs", "predictor", "features", "R²", "95 %", "rank correlation")
    return (
        Sheet("Prediction of the loss of draws that were left out", columns, tuple(rows), labels=2),
        Sheet(
            "Importance of the features to the forest",
            ("feature", "loss of R² if permuted"),
            tuple((name, number(round(value, 3) + 0.0)) for name, value in ordered),
        ),
    )


def study_caption(summary: Summary) -> str:
    """Return what the numbers of a study are, and how many of its runs ended."""
    study = _study(summary)
    floor = f" The floor is {study.floor:g} {study.unit}: no network can be better." if study.floor else ""
    predictions = ""
    if study.inputs and not has_predictors():
        predictions = " Predictions need scikit-learn: pip install 'srnn-bench[study]'."
    return (
        f"{study.metric} in {study.unit} over draws, one run each. An unstable draw diverged or did not get below "
        f"{study.constant:g}, the loss of the best constant prediction. Mean: of the stable draws, if at most 5 % are "
        f"unstable. Bounded mean and median: of all draws, unstable ones counted with {study.constant:g}.{floor}"
        f"{predictions} {study.source}. {summary.done} of {summary.wanted} runs ended."
    )


def _study(summary: Summary) -> Study:
    assert isinstance(summary.table, Study)
    return summary.table
