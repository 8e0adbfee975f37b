"""Write `data/demo.csv` from a store in which `srnn demo` has run: `python docs/pictures/collect_demo.py results`.

One row per evaluation: on the validation split while a network trains, and on the test split at its end.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from srnn_bench import Store, papers, summarise
from srnn_bench.tables import evaluations

HEAD = ("network", "seed", "split", "steps", "decision_accuracy")


def collect(results: Path, path: Path) -> None:
    summary = summarise(papers.table("modcog/demo", "quick"), Store(results))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEAD)
        for row in summary.table.rows:
            for seed, stage in summary.cells[row, "decision accuracy"].stages.items():
                for steps, share in evaluations(stage, "decision_accuracy"):
                    writer.writerow((row, seed, "validation", steps, f"{share:.4f}"))
                writer.writerow((row, seed, "test", stage.steps, f"{stage.metrics['decision_accuracy']:.4f}"))


if __name__ == "__main__":
    collect(Path(sys.argv[1]), Path(__file__).parent / "data" / "demo.csv")
