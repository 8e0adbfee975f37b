"""Figures 7b, 8, 9b and 10 of arXiv 2509.15057: the losses of the draws of the two hyperparameter studies."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from .... import BenchError
from ....drawing import Points, markdown_table, predictions, scatter, write_drawing, write_text
from ....tables import Predictor, Study, StudyLosses, bins, predict, study_losses, summarise
from ... import FigureRequest, command_of
from .. import PAPER


def hammer_draws(request: FigureRequest) -> list[Path]:
    """Figure 7b: minimum validation loss on Adroit Hammer against the density of W_hh."""
    return _scatter(request, "figure7", "figure7")


def anomaly_draws(request: FigureRequest) -> list[Path]:
    """Figure 8: minimum validation loss on Random Anomaly Detection against hidden proportion and density."""
    return _scatter(request, "figure8", "table4")


def input_draws(request: FigureRequest) -> list[Path]:
    """Figure 9b: minimum validation loss on Random Anomaly Detection against the density of W_hx."""
    return _scatter(request, "figure9", "figure9")


def predicted_draws(request: FigureRequest) -> list[Path]:
    """Figure 10: minimum validation loss on Random Anomaly Detection, predicted from the hyperparameters."""
    study, losses = _losses(request, "figure10")
    found = {
        (inputs, predictor): predict(losses, features, predictor)
        for inputs, features in study.inputs.items()
        for predictor in get_args(Predictor)
    }
    first = next(iter(study.inputs))
    shown = {predictor: each for (inputs, predictor), each in found.items() if inputs == first}
    marked = losses.unstable[losses.present]
    name = f"blocks-figure10-{request.scale}"
    drawing = predictions(
        name,
        study.title,
        {predictor: Points(each.actual, each.predicted, marked) for predictor, each in shown.items()},
        label=f"minimum validation loss ({study.unit})",
        r2={predictor: each.r2 for predictor, each in shown.items()},
    )
    rows = [
        [
            inputs,
            predictor,
            f"{each.r2:.3f}",
            f"{each.interval[0]:.3f} to {each.interval[1]:.3f}",
            f"{each.rank_correlation:.3f}",
        ]
        for (inputs, predictor), each in found.items()
    ]
    importance = sorted(shown["forest"].importance.items(), key=lambda item: -item[1])
    page = (
        f"# {study.title}\n\n{int(losses.present.sum())} draws, scale {study.scale}, in five folds. An unstable draw "
        f"counts with {study.constant:g} {study.unit}, the loss of the best constant prediction. Intervals: bootstrap "
        "over draws, for these fits.\n\n"
        + markdown_table(["inputs", "predictor", "R²", "95 %", "rank correlation"], rows)
        + f"\nIncrease of the squared error of the forest with inputs '{first}' if a feature is permuted, relative to "
        "the squared error of the mean:\n\n"
        + markdown_table(
            ["feature", "importance"], [[feature, f"{round(value, 3) + 0.0:.3f}"] for feature, value in importance]
        )
    )
    return [*write_drawing(drawing, request.folder), write_text(page, request.folder, name)]


def _scatter(request: FigureRequest, figure: str, table: str) -> list[Path]:
    """Draw a study against the features by which it is summarised, and write a page with its ranges."""
    study, losses = _losses(request, table)
    name = f"blocks-{figure}-{request.scale}"
    drawing = scatter(
        name,
        study.title,
        {
            by.feature: {
                preset: Points(each.feature(by.feature), each.bounded, each.unstable)
                for preset, each in losses.by_preset.items()
            }
            for by in study.bins
        },
        ylabel=f"minimum validation loss ({study.unit})",
        limit=study.constant,
        edges={by.feature: by.edges for by in study.bins},
    )
    return [*write_drawing(drawing, request.folder), write_text(_page(study, losses), request.folder, name)]


def _page(study: Study, losses: StudyLosses) -> str:
    parts = [
        f"# {study.title}\n\nScale {study.scale}; losses in {study.unit}, unstable draws with {study.constant:g}.\n"
    ]
    for by in study.bins:
        rows = [
            [each.range, each.preset, str(each.n), str(each.unstable), _number(each.median)]
            for each in bins(losses, by)
        ]
        parts.append(markdown_table([by.feature, "preset", "draws", "unstable", "median loss"], rows))
    return "\n".join(parts)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _losses(request: FigureRequest, key: str) -> tuple[Study, StudyLosses]:
    """Return a study with its losses; raise BenchError if there are no results."""
    study = PAPER.table(key, request.scale)
    assert isinstance(study, Study)
    losses = study_losses(summarise(study, request.required_store()))
    if not losses.present.any():
        raise BenchError(
            f"{study.name}: expected runs in {request.required_store().folder}, got none. "
            f"Run `{command_of((study.name,), request.scale)}` first"
        )
    return study, losses
