"""Time to make the series of Random Anomaly Detection, to open them again, and to read batches of them.

    SRNN_DATA=... python benchmarks/anomaly.py [--series 30000] [--threads 2] [--chunks 10 50 1000]

Opens the task with an empty cache in a temporary folder (45 kB per series of 9 images), which draws the record, renders
the images and stores them, then opens it again and reads training batches. After that, one part of the record is
rendered in chunks of other sizes. Wall time and CPU time (over all threads) are given: on a busy machine the wall time
means little; set OMP_WAIT_POLICY=passive then, otherwise the time of waiting threads counts too.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from itertools import islice

import torch

from srnn_tasks import RandomAnomaly, RandomAnomalySource
from srnn_tasks.anomaly import draw_record, render
from srnn_tasks.images import load_mnist

BATCHES, ROWS = 100, 64
HELD_OUT = 10  # series of the two other splits, so that hardly anything but train is timed
RENDERED = 1000  # series, for the sizes of chunks


def timed(name: str, function: Callable[[], object], repeats: int = 1) -> object:
    """Print the wall and CPU seconds of a call, per repeat, and return what it returns."""
    begin, before = time.perf_counter(), time.process_time()
    result = function()
    wall, cpu = time.perf_counter() - begin, time.process_time() - before
    print(f"{name:<44} {wall / repeats:9.4f} s wall {cpu / repeats:9.4f} s CPU", flush=True)
    return result


def opened(task: RandomAnomaly) -> RandomAnomalySource:
    """Open the task on the CPU."""
    return task.open(device="cpu", generator=torch.Generator().manual_seed(0))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=30_000, help="training series")
    parser.add_argument("--images", type=int, default=9, choices=(9, 10))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--chunks", type=int, nargs="*", default=[10, 25, 50, 100, 1000])
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    task = RandomAnomaly(series=arguments.series, images=arguments.images, held_out=HELD_OUT)
    print(f"{task.series} series of {task.images} images, {arguments.threads} threads, torch {torch.__version__}")
    mnist = load_mnist()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SRNN_CACHE"] = folder
        timed("first opening: draw, render and store", lambda: opened(task))
        source = opened(task)
        timed("opening again", lambda: opened(task))
        generator = torch.Generator().manual_seed(1)
        stream = source.batches(ROWS, generator=generator)
        next(stream)
        timed(f"a batch of {ROWS}", lambda: list(islice(stream, BATCHES)), BATCHES)
    record = draw_record(mnist.train_labels, series=RENDERED, images=arguments.images, generator=generator)
    for chunk in arguments.chunks:
        parts = [record[begin : begin + chunk] for begin in range(0, RENDERED, chunk)]

        def all_parts(parts: list = parts) -> None:
            for part in parts:
                render(part, mnist.train_images)

        timed(f"render {RENDERED} series, {chunk} at once", all_parts)


if __name__ == "__main__":
    main()
