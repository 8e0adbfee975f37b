"""Kept weights are read as the run left them, and where neurons sit is known even of files that do not say it."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from srnn_bench import Conditions, Job, Penalty, Stage, Store, Training, Watcher, sweep
from srnn_bench.papers._embedding import embedding
from srnn_bench.store import weights
from srnn_manifolds import L1, Circle, Moduli, Shuffled, Trained

NAME = "recurrence.weight_hh"
SHORT = Training(epochs=2, batches=2, batch_size=4, learning_rate=1e-2)


@pytest.fixture
def stored(tmp_path, tiny):
    """Give a function that makes a run with its weights, and returns store and result."""

    def make(keep=True, **changes):
        experiment, store = tiny(**changes), Store(tmp_path)
        jobs = [Job(experiment, 3, "tiny")]
        sweep(jobs, store, keep_weights=keep, conditions=Conditions(device="cpu"), watcher=Watcher())
        return store, store.get(experiment.key(3))

    return make


def test_weights_are_those_of_the_file(stored):
    store, result = stored()
    for stage in ("sparse", "lottery"):
        held = weights(store, result, stage)
        file = load_file(store.folder / "weights" / result.key / f"{stage}.safetensors")
        assert held.keys() == file.keys() and all(torch.equal(held[name], file[name]) for name in file)
        mask = held[f"{NAME}_mask"]
        assert mask.dtype == torch.bool and not held[NAME][~mask].any()
        assert mask.double().mean() == pytest.approx(result.stage(stage).densities[NAME])
    assert not torch.equal(weights(store, result, "sparse")[NAME], weights(store, result, "lottery")[NAME])


def test_what_is_missing_names_the_command(stored):
    store, result = stored(keep=False)
    with pytest.raises(ValueError, match=r"expected .*sparse.safetensors; make it by `srnn run \.\.\. --save-weights`"):
        weights(store, result, "sparse")
    with pytest.raises(ValueError, match="make it by `srnn run this`"):
        weights(store, result, "lottery", command="srnn run this")
    with pytest.raises(ValueError, match=f"run {result.key} finished, sparse, lottery, got 'dense'"):
        weights(store, result, "dense")


@pytest.mark.parametrize(
    "regularizer", [Moduli(), Shuffled(base=Moduli(manifold=Circle()))], ids=lambda value: value.kind
)
@pytest.mark.parametrize("again", ["same", "fresh"])
def test_a_fixed_embedding_is_drawn_again_with_the_same_bits(stored, regularizer, again):
    store, result = stored(
        penalties=(Penalty(parameter="*weight_hh*", regularizer=regularizer, strength=0.1),),
        stages=(
            Stage(name="first", training=SHORT),
            Stage(name="second", training=SHORT, start="reinitialize", regularizer=again),
            Stage(name="third", training=SHORT),
        ),
    )
    for stage in ("first", "second", "third"):
        held = weights(store, result, stage)
        kept = held.pop(f"points.{NAME}")
        assert kept.shape == (1, 6, 2)
        assert torch.equal(embedding(result, stage, {f"points.{NAME}": kept + 1}, NAME), kept + 1), "the file's own"
        assert torch.equal(embedding(result, stage, held, NAME), kept)
    first, second = (embedding(result, stage, {}, NAME) for stage in ("first", "second"))
    assert torch.equal(first, second) == (again == "same")


def test_an_embedding_that_is_not_known_is_refused(stored, tmp_path):
    trained = Penalty(parameter="*weight_hh*", regularizer=Trained(base=Moduli()), strength=0.1)
    store, result = stored(penalties=(trained,))
    held = weights(store, result, "sparse")
    begun = embedding(result, "sparse", held, NAME)
    assert begun.shape == (1, 6, 2)
    path = store.folder / "weights" / result.key / "sparse.safetensors"
    save_file({name: tensor for name, tensor in held.items() if not name.startswith("points.")}, path)
    with pytest.raises(ValueError, match="it is trained, and was not kept; make it by `srnn run that`"):
        embedding(result, "sparse", weights(store, result, "sparse"), NAME, command="srnn run that")
    shutil.rmtree(tmp_path)
    plain = Penalty(parameter="*weight_hh*", regularizer=L1(), strength=0.1)
    store, result = stored(penalties=(plain,))
    with pytest.raises(ValueError, match="expected a penalty with places"):
        embedding(result, "sparse", weights(store, result, "sparse"), NAME)
