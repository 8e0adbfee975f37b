"""`override_table` (`--set` for tables): the experiments that it changes, and its error messages."""

from dataclasses import replace

import pytest

from srnn_bench import (
    BenchError,
    Cell,
    Experiment,
    Penalty,
    Published,
    Stage,
    Table,
    Training,
    override,
    override_table,
    papers,
)
from srnn_manifolds import Moduli
from srnn_models import ElmanRNN, SequenceModel
from srnn_pruning import Pruning
from srnn_tasks import Adding

TRAINING = Training(epochs=3, batches=2, batch_size=8, learning_rate=1e-2)
TWO_STAGES = Experiment(
    task=Adding(steps=5, held_out=50),
    model=SequenceModel(recurrence=ElmanRNN(hidden=9)),
    penalties=(Penalty(parameter="*weight_hh*", regularizer=Moduli(), strength=1),),
    stages=(
        Stage(name="sparse", training=TRAINING, pruning=Pruning(sparsity=0.5)),
        Stage(name="lottery", training=TRAINING, start="reinitialize"),
    ),
)


def table_of(*cells, **changes) -> Table:
    fields = {
        "name": "paper/table",
        "scale": "smoke",
        "title": "A title",
        "source": "A paper",
        "metric": "Error",
        "unit": "units",
        "better": "lower",
        "seeds": (0, 1),
        "cells": cells,
    }
    return Table(**fields | changes)


def dense(**changes) -> Experiment:
    return TWO_STAGES.model_copy(update={"stages": (Stage(name="dense", training=TRAINING),), **changes})


def test_a_setting_changes_the_experiments_that_have_its_path():
    table = table_of(
        Cell("dense", "A", dense(), "dense", "mse", Published(1.0)),
        Cell("sparse", "A", TWO_STAGES, "sparse", "mse"),
        Cell("lottery", "A", TWO_STAGES, "lottery", "mse"),
        remarks=lambda summary: ["a remark"],
    )
    settings = ["stages.1.training.epochs=9", "stages.0.pruning.sparsity=0.25"]
    changed = override_table(table, settings)
    assert changed.title == "A title [set: stages.1.training.epochs=9, stages.0.pruning.sparsity=0.25]"
    assert [cell.experiment for cell in changed.cells] == [dense(), *2 * [override(TWO_STAGES, settings)]]
    assert changed.settings == tuple(settings)
    assert replace(changed, title=table.title, cells=table.cells, settings=()) == table, "everything else is unchanged"
    assert [replace(new, experiment=old.experiment) for new, old in zip(changed.cells, table.cells, strict=True)] == [
        *table.cells
    ]
    assert override_table(table, []) is table


@pytest.mark.parametrize("name", papers.table_names())
def test_the_tables_of_the_papers_accept_settings(name):
    table = papers.table(name, "smoke")
    changed = override_table(table, ["stages.0.training.batch_size=3", "stages.0.training.clip_norm=7"])
    assert len(changed.jobs()) == len(table.jobs())
    for cell in changed.cells:
        training = cell.experiment.stages[0].training
        assert (training.batch_size, training.clip_norm) == (3, 7)
    assert not {job.key for job in changed.jobs()} & {job.key for job in table.jobs()}


def strengths() -> Table:
    def at(strength):
        return dense(penalties=(Penalty(parameter="*weight_hh*", regularizer=Moduli(), strength=strength),))

    return table_of(
        Cell("1", "Torus", at(1), "dense", "mse"),
        Cell("2", "Torus", at(2), "dense", "mse"),
        Cell("1", "No reg.", dense(penalties=()), "dense", "mse"),
        Cell("2", "No reg.", dense(penalties=()), "dense", "mse"),
    )


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "penalties.0.strength=3",
            "set: penalties.0.strength=3 makes the experiments of 1, Torus and 2, Torus in paper/table equal",
        ),
        ("penalties.0.strength=2", "makes the experiments of 1, Torus and 2, Torus in paper/table equal"),
        ("penalties=[]", "makes the experiments of 1, Torus and 2, Torus in paper/table equal"),
        (
            "stages.0.name=other",
            "no stage 'dense', which 1, Torus of paper/table shows; the stages would be other",
        ),
        ("penalties.1.strength=3", "'penalties' is a list of 1; expected a number from 0 to 0, got '1'"),
        ("penalties.0.regularizer.powr=3", "did you mean 'penalties.0.regularizer.power'"),
        ("power=3", "unknown path 'power'; did you mean 'penalties.0.regularizer.power'?"),
        ("stages.0.training.epochs=0", "stages.0.training.epochs: expected a number greater than 0, got 0 (1, Torus)"),
        ("stages.0.pruning.sparsity=0", "'stages.0.pruning' is null"),
    ],
)
def test_a_table_refuses(setting, message):
    with pytest.raises(BenchError, match=r"^set: ") as raised:
        override_table(strengths(), [setting])
    assert message in str(raised.value)


def test_cells_that_share_an_experiment_still_share_it():
    changed = override_table(strengths(), ["model.recurrence.hidden=4"])
    assert changed.cells[2].experiment == changed.cells[3].experiment
    assert len(changed.jobs()) == len(strengths().jobs()) == 6
