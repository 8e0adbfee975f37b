"""A tiny experiment that trains in a fraction of a second."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from srnn_bench import Experiment, Penalty, Stage, Training
from srnn_manifolds import Moduli
from srnn_models import ElmanRNN, SequenceModel
from srnn_pruning import Pruning
from srnn_tasks import Adding

sys.path.insert(0, str(Path(__file__).parent))  # for the module `damage`

TINY = Training(epochs=3, batches=2, batch_size=8, learning_rate=1e-2)


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Experiment]:
    """Give a function that returns the tiny experiment with some fields changed."""
    return _tiny


def _tiny(**changes) -> Experiment:
    fields = {
        "task": Adding(steps=5, held_out=50),
        "model": SequenceModel(recurrence=ElmanRNN(hidden=6)),
        "penalties": (Penalty(parameter="*weight_hh*", regularizer=Moduli(), strength=0.1),),
        "stages": (
            Stage(name="sparse", training=TINY, pruning=Pruning(sparsity=0.5)),
            Stage(name="lottery", training=TINY, start="reinitialize"),
        ),
    }
    return Experiment(**fields | changes)


@pytest.fixture(autouse=True)
def the_global_generator_is_left_alone():
    """Fail any test after which torch's global generator is not as it was."""
    before = torch.random.get_rng_state()
    yield
    assert torch.equal(torch.random.get_rng_state(), before)
