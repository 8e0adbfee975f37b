"""Draw the learning curves of the demonstration from `data/demo.csv`, which `collect_demo.py` writes."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

from _picture import HERE, WIDTH, main, write
from matplotlib.figure import Figure

from srnn_bench.drawing import INK, series

ALWAYS_FIXATE = 0.1  # share of right decisions of a network that never answers

NUDGES = (-5, 5, 0)  # points by which the names of the networks are moved up, so that they do not overlap


def learning(folder: Path) -> Path:
    values: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    with (HERE / "data" / "demo.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] == "validation":
                values[row["network"]][int(row["steps"])].append(float(row["decision_accuracy"]))

    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    axes = figure.add_subplot()
    for index, (network, by_step) in enumerate(values.items()):
        look = series(index)
        steps = sorted(by_step)
        means = [sum(by_step[step]) / len(by_step[step]) for step in steps]
        axes.plot(steps, means, lw=1.8, markersize=4, **look)
        low, high = ([pick(by_step[step]) for step in steps] for pick in (min, max))
        axes.fill_between(steps, low, high, color=look["color"], alpha=0.2, lw=0)
        axes.annotate(
            network, (steps[-1], means[-1]), xytext=(6, NUDGES[index]), textcoords="offset points", va="center"
        )
    last = max(steps)
    axes.axhline(ALWAYS_FIXATE, color=INK, lw=0.8, linestyle="dashed")
    axes.text(5, ALWAYS_FIXATE - 0.01, "never answers", ha="left", va="top", fontsize=8.5)
    axes.set(xlabel="training steps", ylabel="right decisions", xlim=(0, last * 1.16), ylim=(0, None))
    axes.set_xticks(range(0, last + 1, 100))
    runs = {len(each) for by_step in values.values() for each in by_step.values()}
    caption = (
        "Share of right decisions of three networks of 400 units on 20 cognitive tasks while they train: units "
        "connected to themselves only (d = 0), to themselves and four neighbours (d = 1), and to all (dense). Lines "
        f"are means of {max(runs)} seeds, bands span all seeds. The masked networks learn faster."
    )
    return write("learning", "Learning curves of masked and dense networks", caption, figure, folder)


if __name__ == "__main__":
    main(learning)
