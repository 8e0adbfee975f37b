"""Runs by other engines than the loop: the same numbers, the engines of each stage, and what is refused."""

import pytest

from srnn_bench import BenchError, Conditions, Masked, Stage, Training, run
from srnn_bench.training import CheckpointPolicy, run_together
from srnn_masks import Bernoulli
from srnn_models import GRU, LSTM, BlockRNN, ElmanRNN, LeakyRNN, ModelError, PeepholeLSTM, SequenceModel
from srnn_pruning import SNIP, GraSP, Magnitude, Pruning
from srnn_tasks import Adding

TRAINING = Training(epochs=4, batches=2, batch_size=8, learning_rate=1e-2)
MASK = (Masked(parameter="*weight_hh*", pattern=Bernoulli(density=0.3)),)
CELLS = {
    "elman": ElmanRNN(hidden=6),
    "leaky": LeakyRNN(hidden=6, alpha=0.3),
    "gru": GRU(hidden=6),
    "lstm": LSTM(hidden=6),
}
cells = pytest.mark.parametrize("cell", CELLS)


def by(engine):
    return Conditions("cpu", engine=engine)


def pruned(criterion):
    """A stage without a mask, one that prunes at the start of each epoch, and one that trains what is left."""
    pruning = Pruning(sparsity=0.5, criterion=criterion)
    return (
        Stage(name="dense", training=TRAINING),
        Stage(name="prune", training=TRAINING, pruning=pruning, evidence_rows=8),
        Stage(name="lottery", training=TRAINING, start="reinitialize"),
    )


def engines(result):
    return [stage.engines for stage in result.stages]


def assert_alike(one, other):
    """The two results are those of one run, up to rounding."""
    assert (one.key, one.status) == (other.key, "done")
    for ours, theirs in zip(one.stages, other.stages, strict=True):
        assert (ours.densities, ours.kept, ours.steps) == (theirs.densities, theirs.kept, theirs.steps)
        assert ours.metrics == pytest.approx(theirs.metrics, rel=1e-3)
        for our_epoch, their_epoch in zip(ours.history, theirs.history, strict=True):
            assert our_epoch.numbers == pytest.approx(their_epoch.numbers, rel=1e-3)


@cells
@pytest.mark.parametrize("engine", ["dense", "sparse"])
def test_an_engine_gives_the_numbers_of_the_loop_under_masks(tiny, cell, engine):
    stages = (Stage(name="only", training=TRAINING),)
    experiment = tiny(model=SequenceModel(recurrence=CELLS[cell]), masks=MASK, stages=stages)
    result = run(experiment, seed=0, conditions=by(engine))
    assert engines(result) == [(engine,)] and result.environment.engine == engine
    loop = run(experiment, seed=0, conditions=Conditions("cpu"))
    assert engines(loop) == [()] and loop.environment.engine == "loop"
    assert_alike(result, loop)


@pytest.mark.parametrize(
    ("cell", "criterion"), [("elman", SNIP()), ("elman", GraSP()), ("gru", Magnitude()), ("lstm", SNIP())]
)
def test_sparse_is_the_loop_until_there_are_masks(tiny, cell, criterion):
    experiment = tiny(model=SequenceModel(recurrence=CELLS[cell]), penalties=(), stages=pruned(criterion))
    result = run(experiment, seed=0, conditions=by("sparse"))
    dense, prune, lottery = engines(result)
    assert (dense, lottery) == (("loop",), ("sparse",)), "each stage has its own"
    assert prune == ("loop", "sparse"), "the schedule removes nothing in the first epoch"
    loop = run(experiment, seed=0, conditions=Conditions("cpu"))
    assert result.stages[0].history == loop.stages[0].history, "bit for bit"
    assert_alike(result, loop)


def test_auto_is_the_loop_for_small_networks(tiny):
    assert engines(run(tiny(), seed=0, conditions=by("auto"))) == [("loop",), ("loop",)]


def test_auto_is_sparse_for_a_large_network_with_a_mask(tiny):
    mask = (Masked(parameter="*weight_hh*", pattern=Bernoulli(density=0.1)),)
    stage = Stage(name="only", training=TRAINING.model_copy(update={"epochs": 1}))
    large = tiny(model=SequenceModel(recurrence=ElmanRNN(hidden=256)), masks=mask, penalties=(), stages=(stage,))
    assert engines(run(large, seed=0, conditions=by("auto"))) == [("sparse",)]


class Stop(BaseException):
    """Stands for the death of the process."""


@pytest.mark.parametrize("last", range(1, 13))
def test_a_run_that_is_resumed_has_the_engines_of_the_whole_stage(tiny, tmp_path, last):
    """A checkpoint is written after every step; the process dies after epoch `last`."""
    experiment = tiny(penalties=(), stages=pruned(Magnitude()))
    policy, ends = CheckpointPolicy(tmp_path, every=0.0), []

    def stop(end):
        ends.append(end)
        if len(ends) == last:
            raise Stop

    with pytest.raises(Stop):
        run_together(experiment, (0,), conditions=by("sparse"), policy=policy, on_epoch=stop)
    (resumed,) = run_together(experiment, (0,), conditions=by("sparse"), policy=policy, on_note=pytest.fail)
    whole = run(experiment, seed=0, conditions=by("sparse"))
    assert engines(resumed.result) == engines(whole)
    assert [stage.history for stage in resumed.result.stages] == [stage.history for stage in whole.stages]


@pytest.mark.parametrize(
    ("model", "message", "engine"),
    [
        (SequenceModel(recurrence=PeepholeLSTM(hidden=6)), "its own backward pass, got PeepholeLSTMModule", "loop"),
        (BlockRNN(hidden=6), "sparse products, got BlockModule", "dense"),
    ],
    ids=["peephole", "block"],
)
def test_a_cell_that_cannot_be_sparse_is_refused_before_it_trains(tiny, model, message, engine):
    """Also where no mask is there yet. "auto" runs it by the loop, or by its backward pass with all entries."""
    experiment = tiny(model=model, penalties=(), stages=pruned(Magnitude()))
    with pytest.raises(ModelError, match=f"'sparse': expected a cell with {message}"):
        run(experiment, seed=0, conditions=by("sparse"), on_epoch=pytest.fail)
    result, loop = (run(experiment, seed=0, conditions=by(each)) for each in ("auto", "loop"))
    assert engines(result) == [(engine,)] * 3
    for ours, theirs in zip(result.stages, loop.stages, strict=True):
        if engine == "loop":
            assert ours.history == theirs.history
        assert [each.loss for each in ours.history] == pytest.approx([each.loss for each in theirs.history], rel=1e-5)


def test_runs_by_another_engine_are_not_stacked(tiny):
    with pytest.raises(BenchError, match="engine: expected loop for stacked runs, got 'auto'"):
        run_together(tiny(), (0, 1), conditions=by("auto"))


def test_conditions_refuse_an_unknown_engine_and_one_that_could_not_run():
    with pytest.raises(BenchError, match="engine: expected one of loop, auto, dense, sparse, got 'fast'"):
        by("fast")
    with pytest.raises(BenchError, match="engine: expected loop or auto with precision bfloat16, got 'sparse'"):
        Conditions("cpu", precision="bfloat16", engine="sparse")
    assert Conditions("cpu", precision="bfloat16", engine="auto").engine == "auto"


def test_the_engine_is_not_part_of_the_key(tiny):
    """The keys of all experiments of the papers are those of `test_run_keys.py`."""
    results = {engine: run(tiny(), seed=0, conditions=by(engine)) for engine in ("loop", "auto", "dense", "sparse")}
    assert {result.key for result in results.values()} == {tiny().key(0)} != {tiny(task=Adding(steps=6)).key(0)}
