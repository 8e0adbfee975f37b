"""Time from the start of Python to the end of `srnn --help` and `srnn list`, beside `import torch` alone.

    python benchmarks/start_up.py [--rounds 10]

Each round starts all commands in turn, so that whatever else the machine does affects all alike; the differences to
`import torch` are taken within each round. The first round, which reads the files from the disk, is not counted.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

SRNN = str(Path(sysconfig.get_path("scripts")) / "srnn")
COMMANDS = {
    "import torch": [sys.executable, "-c", "import torch"],
    "import srnn_bench": [sys.executable, "-c", "import srnn_bench"],
    "srnn --help": [sys.executable, SRNN, "--help"],
    "srnn list": [sys.executable, SRNN, "list"],
}


def seconds(command: list[str], folder: str) -> float:
    """Return the wall time of a command."""
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


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
    print(f"seconds, median of {rounds} (quartiles)        more than import torch")
    for name in COMMANDS:
        more = [each[name] - each["import torch"] for each in times]
        print(f"{name:<20} {spread([each[name] for each in times])}   {spread(more) if any(more) else ''}")


if __name__ == "__main__":
    main()
