"""A small study with results of our choice: draws of the task Adding, and losses that are written to a store."""

import math

import numpy as np

from srnn_bench import Conditions, Result, Stage, Store, Summary, Training
from srnn_bench.tables import Best, Bins, Cell, Draw, FilledCell, Plan, Study
from srnn_bench.training import describe

STAGES = (
    Stage(name="only", training=Training(epochs=2, batches=1, batch_size=2, learning_rate=0.1, evaluate_every=1)),
)
CONSTANT = 1.0
COUNTS = {"one": 24, "other": 16}
COLUMN = "smallest error"


def study(tiny, *, counts=None, **fields) -> Study:
    """Return a study with two features, `x` from 0 to 1 and `y`, and a different experiment for each draw."""
    generator = np.random.default_rng(0)
    draws, cells = [], []
    for preset, count in (counts or COUNTS).items():
        for number in range(count):
            draw = Draw(preset, number, {"x": float(generator.uniform()), "y": float(generator.normal())})
            training = STAGES[0].training.model_copy(update={"learning_rate": 0.001 * (len(draws) + 1)})
            stages = (STAGES[0].model_copy(update={"training": training}),)
            draws.append(draw)
            cells.append(Cell(draw.name, COLUMN, tiny(stages=stages, penalties=()), "only", Best("mse", "lower")))
    known = {
        "name": "paper/study",
        "scale": "quick",
        "title": "A study",
        "source": "Source",
        "metric": "Error",
        "unit": "units",
        "better": "lower",
        "seeds": (3,),
        "cells": tuple(cells),
        "draws": tuple(draws),
        "plan": Plan(seeds=(3,), failure_threshold=CONSTANT),
        "bins": (Bins("x", (0.25, 0.5), (0.5, None, 0.7)),),
    }
    return Study(**known | fields)


def fill(store: Store, table: Study, losses) -> None:
    """Write a run per draw whose smallest loss is given: infinite for a run that diverged, nan for none."""
    metric = table.cells[0].reading.metric
    for job, loss in zip(table.jobs(), losses, strict=True):
        if not math.isnan(loss):
            store.put(_result(job, float(loss), metric), label=job.label)


def filled(table: Study, losses) -> Summary:
    """Return the study with finite losses, without a store."""
    results = [_result(job, float(loss), "mse") for job, loss in zip(table.jobs(), losses, strict=True)]
    return Summary(
        table, {cell.place: FilledCell(cell, {3: each}) for cell, each in zip(table.cells, results, strict=True)}
    )


def _result(job, loss, metric) -> Result:
    environment = describe(job.experiment.task.kind, Conditions("cpu"))
    run = {"key": job.key, "experiment": job.experiment, "seed": job.seed, "environment": environment, "seconds": 1.0}
    if math.isinf(loss):
        return Result.model_validate(run | {"status": "diverged", "reason": "loss is not finite"})
    (stage,) = job.experiment.stages
    values = (loss, *[1.5 * loss] * (stage.training.epochs - 1))
    history = [{"loss": value, "penalty": 0.0, "density": 1.0, "metrics": {metric: value}} for value in values]
    fields = {"name": stage.name, "metrics": {metric: 2 * loss}, "densities": {}, "history": history, "steps": 2}
    times = {"step_ms": 1.0, "peak_memory_mb": None}
    return Result.model_validate(run | {"status": "done", "stages": [fields | times]})
