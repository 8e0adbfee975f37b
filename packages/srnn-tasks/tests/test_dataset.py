"""Batches drawn by worker processes."""

import pickle
from itertools import islice
from types import SimpleNamespace
from typing import Literal

import pytest
import torch
from torch.utils import data
from torch.utils.data import DataLoader

from srnn_tasks import Adding, BaseSource, Batch, BatchDataset, Cognitive, Metric, Task, TaskError, TaskSpec
from srnn_tasks.cognitive import Streams

# three workers are more than small machines have cores
pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")


class Parts(Task):
    """Draws one number when it is opened; the inputs of a row are this number and another, drawn for the row."""

    kind: Literal["parts"] = "parts"

    def open(self, *, device, generator):
        spec = TaskSpec(inputs=2, outputs=1, loss="mean_squared_error", metrics=(Metric(name="loss", better="lower"),))
        source = PartsSource(spec, device=device)
        source.fixed = torch.rand((), generator=generator, dtype=torch.float64)
        return source


class PartsSource(BaseSource):
    def draw(self, size, *, generator):
        drawn = torch.rand(1, size, generator=generator, dtype=torch.float64)
        return Batch(inputs=torch.stack([self.fixed.expand(1, size), drawn], -1), targets=torch.zeros(1, size, 1))


def taken(task, number, *, seed=0, workers=0, size=4) -> list[Batch]:
    loader = DataLoader(BatchDataset(task, size, seed), batch_size=None, num_workers=workers)
    return list(islice(loader, number))


def same(one: Batch, two: Batch) -> bool:
    return torch.equal(one.inputs, two.inputs) and torch.equal(one.targets, two.targets)


def rows(batches: list[Batch]) -> list[bytes]:
    return [row.contiguous().numpy().tobytes() for batch in batches for row in batch.inputs.unbind(1)]


TASKS = [Adding(steps=5, held_out=10), Cognitive(tasks=("dm1", "dmc-intr")), Parts()]


def test_workers_have_seeds_one_after_the_other(monkeypatch):
    # torch's CPU generator uses only the low 32 bits of its seed: hashes of the workers' numbers would collide
    given = []
    monkeypatch.setattr(BaseSource, "batches", lambda self, size, *, generator: given.append(generator) or iter(()))
    numbers = (0, 1, 2, 50_000, 2**32 - 1)
    for number in numbers:
        monkeypatch.setattr(data, "get_worker_info", lambda n=number: SimpleNamespace(id=n, num_workers=2**32))
        iter(BatchDataset(Parts(), 1, seed=3))
    seeds = [generator.initial_seed() for generator in given]
    assert [(seed - seeds[0]) % 2**32 for seed in seeds] == list(numbers)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_streams_of_workers_do_not_overlap(task):
    seen = rows(taken(task, 30, workers=3))
    assert len(seen) == 30 * 4
    assert len(set(seen)) == len(seen)
    assert not set(seen) & set(rows(taken(task, 30, workers=3, seed=1)))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
@pytest.mark.parametrize("workers", [0, 3])
def test_the_seed_determines_all_batches(task, workers):
    torch.manual_seed(0)
    first = taken(task, 6, workers=workers)
    torch.manual_seed(1)  # torch gives workers a seed from here; it has no influence
    again = taken(task, 6, workers=workers)
    other = taken(task, 6, workers=workers, seed=1)
    assert all(map(same, first, again))
    assert not any(map(same, first, other))


def test_workers_take_turns_and_the_first_stream_is_that_without_workers():
    alone, one, three = taken(Parts(), 4), taken(Parts(), 4, workers=1), taken(Parts(), 12, workers=3)
    assert all(map(same, alone, one))
    assert all(map(same, alone, three[::3]))


def test_what_is_drawn_at_opening_is_the_same_in_all_workers():
    fixed = {float(batch.inputs[0, 0, 0]) for batch in taken(Parts(), 9, workers=3)}
    assert len(fixed) == 1
    assert {float(batch.inputs[0, 0, 0]) for batch in taken(Parts(), 9, seed=1, workers=3)} != fixed


def test_a_batch_comes_whole_out_of_another_process():
    (batch,) = taken(Cognitive(tasks=("dms",)), 1, workers=1)
    (here,) = taken(Cognitive(tasks=("dms",)), 1)
    assert same(batch, here)
    assert torch.equal(batch.weight, here.weight)
    assert list(batch.info) == list(here.info)
    assert all(torch.equal(batch.info[name], here.info[name]) for name in here.info)
    again = pickle.loads(pickle.dumps(batch))
    assert same(again, batch)
    assert again.reset is None
    with pytest.raises(AttributeError):
        again.inputs = None


def test_a_carried_state_requires_one_stream():
    task = Cognitive(tasks=("go",), layout=Streams(steps=20))
    assert all(map(same, taken(task, 3, workers=1), taken(task, 3)))
    with pytest.raises(TaskError, match=r"num_workers: expected 0 or 1, as task 'cognitive' carries its state.* got 2"):
        taken(task, 1, workers=2)


def test_each_iterator_starts_again_and_bad_arguments_are_errors():
    dataset = BatchDataset(Parts(), 4, 0)
    assert same(next(iter(dataset)), next(iter(dataset)))
    with pytest.raises(TaskError, match="size: expected at least 1 row; got 0"):
        BatchDataset(Parts(), 0, 0)
    with pytest.raises(TaskError, match="seed: expected at least 0; got -1"):
        BatchDataset(Parts(), 4, -1)
