"""Tests for the authors of tasks: `check_task(MyTask())` raises an AssertionError if the task breaks the contract.

The first word of the message names the part that is wrong.
"""

from itertools import islice

from .checks import (
    Probe,
    check_batch,
    check_evaluate,
    check_loss,
    check_seeds,
    check_source,
    check_state,
    check_value,
    globals_untouched,
    opened,
    require,
    seeded_generator,
)
from .contract import Split, Task

__all__ = ["Probe", "check_task"]


def check_task(
    task: Task, *, size: int = 3, seeded: bool = True, splits: tuple[Split, ...] = ("validation", "test")
) -> None:
    """Raise an AssertionError if `task` breaks the contract. The task is opened several times, on the CPU.

    size: rows of the batches that are drawn. seeded: whether training batches depend on the generator, so that another
    seed must give other batches; False for a text that is read in order. splits: the splits to evaluate.

    >>> from srnn_tasks import Adding
    >>> check_task(Adding(steps=5, held_out=20))
    """
    with globals_untouched():
        check_value(task)
        source = opened(task)
        check_source(source, size)
        batches = list(islice(source.batches(size, generator=seeded_generator(1)), 3))
        require(len(batches) == 3, "batches: the iterator ended; it must be endless")
        for batch in batches:
            check_batch(batch, source.spec, size)
        check_seeds(task, batches, size, seeded)
        check_loss(source, batches[0])
        for split in splits:
            check_evaluate(task, split, size)
        check_state(task, size)
