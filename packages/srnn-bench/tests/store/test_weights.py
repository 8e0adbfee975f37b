"""Kept weights are read as the run left them."""

import pytest
import torch
from safetensors.torch import load_file

from srnn_bench import BenchError, Conditions, Job, Store, Training, Watcher, sweep
from srnn_bench.store import weights

NAME = "recurrence.weight_hh"
SHORT = Training(epochs=2, batches=2, batch_size=4, learning_rate=1e-2)


@pytest.fixture
def stored(tmp_path, tiny):
    """Return a function that executes a run with its weights, and returns store and result."""

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
    command = r"`srnn run \.\.\. --save-weights`"
    with pytest.raises(BenchError, match=f"expected the file .*sparse.safetensors, .*; create it with {command}"):
        weights(store, result, "sparse")
    with pytest.raises(ValueError, match="create it with `srnn run this`"):
        weights(store, result, "lottery", command="srnn run this")
    with pytest.raises(ValueError, match=rf"run {result.key} finished \(sparse, lottery\), got 'dense'"):
        weights(store, result, "dense")
