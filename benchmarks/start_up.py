"""Time from the start of Python to the end of `srnn --help` and `srnn list`, compared with `import torch` alone.

    python benchmarks/start_up.py [--rounds 10]

Each round starts all commands in turn, so that whatever else the machine does affects all alike; the differences to
`import torch` are taken within each round. The first round, which reads the files from the disk, is not counted.
Wall time and CPU time are given: on a busy machine only the latter means anything.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

SRNN = str(Path(sysconfig.get_path("scripts")) / "srnn")
TORCH = "import torch"
COMMANDS = {
    TORCH: [sys.executable, "-c", "import torch"],
    "import srnn_bench": [sys.executable, "-c", "import srnn_bench"],
    "srnn --help": [sys.executable, SRNN, "--help"],
    "srnn list": [sys.executable, SRNN, "list"],
}


def seconds(command: list[str], folder: str) -> tuple[float, float]:
    """Return the wall time and the CPU time of a command."""
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def spread(values: list[float]) -> str:
    """Return median and quartiles."""
    first, _, third = quantiles(values, n=4)
    return f"{median(values):6.2f} ({first:.2f} to {third:.2f})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="rounds that are counted, at least 2")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        times = [{name: seconds(command, folder) for name, command in COMMANDS.items()} for _ in range(1 + rounds)][1:]
    for number, clock in enumerate(("wall", "CPU")):
        print(f"{clock + ' time, s':<20} median of {rounds} (quartiles)   more than {TORCH}")
        for name in COMMANDS:
            values = [each[name][number] for each in times]
            more = [each[name][number] - each[TORCH][number] for each in times]
            print(f"{name:<20} {spread(values):<24}   {spread(more) if name != TORCH else ''}".rstrip())


if __name__ == "__main__":
    main()
