"""The command line of a benchmark of engines that prints one table, and may write it to `docs/results/speed`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable

import page
import torch
from engine_speed import RESULT


def run(rows: Callable[[argparse.Namespace], Iterable[str]], name: str, title: str, docstring: str) -> None:
    """Measure, and print or write a Markdown table, whose lines `rows` gives one by one."""
    parser = argparse.ArgumentParser(description=docstring, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=7, help="rounds of timings per row")
    parser.add_argument("--scale", type=float, default=1, help="factor of the number of neurons")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    lines = []
    for line in rows(arguments):
        print(line, flush=True)
        lines.append(line)
    if arguments.write:
        page.write(RESULT / name, title, docstring, lines)
