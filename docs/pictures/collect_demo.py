"""Write `data/demo.csv` and the table of the README from a store in which `srnn demo` has run.

`python docs/pictures/collect_demo.py results`; then `python docs/pictures/learning.py` draws the learning curves. The
file has one row per evaluation: on the validation split while a network trains, and on the test split at its end.
"""

from __future__ import annotations

import csv
import re
import statistics
import sys
from pathlib import Path

from srnn_bench import Store, papers, summarise
from srnn_bench.tables import evaluations

ROOT = Path(__file__).parents[2]

FILE = Path(__file__).parent / "data" / "demo.csv"

HEAD = ("network", "seed", "split", "steps", "decision_accuracy")

NETWORKS = {"d = 0": "itself", "d = 1": "itself and its 4 neighbours", "dense": "all 400"}

BLOCK = re.compile(r"(?<=<!-- demo -->\n).*?(?=<!-- end of demo -->)", re.DOTALL)


def collect(results: Path, path: Path) -> None:
    """Write the evaluations of all runs of the demonstration."""
    summary = summarise(papers.table("modcog/demo", "quick"), Store(results))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEAD)
        for row in summary.table.rows:
            for seed, stage in summary.cells[row, "decision accuracy"].stages.items():
                for steps, share in evaluations(stage, "decision_accuracy"):
                    writer.writerow((row, seed, "validation", round(steps), f"{share:.4f}"))
                writer.writerow((row, seed, "test", stage.steps, f"{stage.metrics['decision_accuracy']:.4f}"))


def table(path: Path) -> str:
    """Return the table of the README: the share of right decisions on the test split, by network."""
    shares: dict[str, list[float]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] == "test":
                shares.setdefault(row["network"], []).append(float(row["decision_accuracy"]))
    lines = ["| network | a unit gets input from | right decisions after 500 steps | seeds |", "|---|---|---:|---:|"]
    for network, values in shares.items():
        share = f"{statistics.fmean(values):.2f} ± {statistics.stdev(values):.2f}"
        lines.append(f"| {network} | {NETWORKS[network]} | {share} | {len(values)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    collect(Path(sys.argv[1]), FILE)
    readme = ROOT / "README.md"
    readme.write_text(BLOCK.sub(table(FILE), readme.read_text(encoding="utf-8")), encoding="utf-8")
