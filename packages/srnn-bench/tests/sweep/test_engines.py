"""Sweeps by another engine than the loop: it is passed on, nothing is stacked, other results are shown or re-run."""

import pytest

from srnn_bench import BenchError, Conditions, Job, Masked, Store, sweep
from srnn_bench.sweep import Watcher
from srnn_masks import Bernoulli

MASK = (Masked(parameter="*weight_hh*", pattern=Bernoulli(density=0.3)),)
LOOP, SPARSE = Conditions("cpu"), Conditions("cpu", engine="sparse")


class Log(Watcher):
    """A watcher that records which results are reused, with what differs."""

    def __init__(self):
        self.reuses, self.ends = [], []

    def reused(self, job, result, difference):
        self.reuses.append((job.seed, difference))

    def ended(self, job, result):
        self.ends.append((job.seed, result.status))


def jobs(experiment, seeds):
    return [Job(experiment, seed, f"seed {seed}") for seed in seeds]


def engines(store):
    return {(result.environment.engine, stage.engines) for result in store for stage in result.stages}


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_engine_is_passed_on_and_its_runs_are_not_stacked(tiny, tmp_path, workers):
    one = tiny(masks=MASK, penalties=(), stages=tiny().stages[:1])
    for name, conditions, stack, size in (("loop", LOOP, "always", 4), ("sparse", SPARSE, "auto", 1)):
        store, log = Store(tmp_path / name), Log()
        sweep(jobs(one, range(4)), store, workers=workers, conditions=conditions, stack=stack, watcher=log)
        assert sorted(log.ends) == [(seed, "done") for seed in range(4)]
        assert [result.environment.stacked for result in store] == [size] * 4
    assert engines(Store(tmp_path / "loop")) == {("loop", ())}
    assert engines(Store(tmp_path / "sparse")) == {("sparse", ("sparse",))}


def test_runs_by_another_engine_cannot_be_asked_to_be_stacked(tiny, tmp_path):
    with pytest.raises(BenchError, match="stack: expected auto or never with the engine 'sparse', got 'always'"):
        sweep(jobs(tiny(masks=MASK), (0, 1)), Store(tmp_path), conditions=SPARSE, stack="always", watcher=Log())


def test_a_result_of_another_engine_is_reused_with_the_difference_or_refreshed(tiny, tmp_path):
    one, store, log = tiny(masks=MASK, penalties=(), stages=tiny().stages[:1]), Store(tmp_path), Log()
    sweep(jobs(one, (0,)), store, conditions=LOOP, watcher=log)
    sweep(jobs(one, (0,)), store, conditions=SPARSE, watcher=log)
    assert log.reuses == [(0, "engine loop, now sparse")]
    assert engines(store) == {("loop", ())}
    sweep(jobs(one, (0,)), store, conditions=SPARSE, refresh=True, watcher=log)
    assert len(log.ends) == 2 and engines(store) == {("sparse", ("sparse",))}
    sweep(jobs(one, (0,)), store, conditions=SPARSE, refresh=True, watcher=log)
    assert log.reuses[1:] == [(0, None)]
