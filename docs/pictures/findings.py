"""Draw the six figures of the README's findings from the tables in docs/findings and docs/results."""

from __future__ import annotations

from pathlib import Path

from _pages import table
from _picture import main, write
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from srnn_bench.drawing import COLOURS, INK, logarithmic, series

SIZE = (3.4, 2.3)  # inches

MODCOG, MODULI, SPECTRUM = "findings/modcog.md", "findings/moduli.md", "results/spectrum-quick.md"


def canvas() -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE, layout="constrained")
    return figure, figure.add_subplot()


def points(axes: Axes, index: int, places: list[float], values: list[tuple[float, float]], name: str) -> None:
    """Draw means and standard deviations as a line, with its name at the right end."""
    means, spreads = zip(*values, strict=True)
    look = series(index)
    axes.errorbar(places, means, yerr=spreads, lw=1.6, markersize=4, capsize=2, **look)
    axes.annotate(name, (places[-1], means[-1]), xytext=(7, 0), textcoords="offset points", va="center")


def faster(folder: Path) -> Path:
    """Steps to half of the answers, by network."""
    rows = table(MODCOG, "N = 400", "after 500 steps")
    steps = {short(row): columns["steps to .5"] for row, columns in rows.items()}
    figure, axes = canvas()
    for place, (name, (mean, spread)) in enumerate(steps.items()):
        colour = COLOURS[0] if name.startswith("d =") else COLOURS[1]
        axes.barh(place, mean, xerr=spread, color=colour, height=0.7, error_kw={"ecolor": INK, "lw": 1})
    axes.set_yticks(range(len(steps)), labels=list(steps))
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set(xlabel="steps to 50 % right")
    caption = (
        "Training steps until half of the answers on 20 cognitive tasks are right, by network; a small dense network "
        "has as many weights as the mask in brackets: "
        + "; ".join(f"{name} {mean:.0f}" for name, (mean, _) in steps.items())
    )
    return write("finding-faster", "Masked networks learn faster", caption, figure, folder)


def short(row: str) -> str:
    """Return a shorter name of a network: "small dense (d = 2)" has as many weights as the mask of radius 2."""
    kind, _, mask = row.rpartition("as d = ")
    return f"small dense (d = {mask})" if kind else row.partition(" (")[0]


def rates(folder: Path) -> Path:
    """Accuracy by learning rate."""
    rows = table(MODCOG, "learning rate (`modcog/rates`)")
    figure, axes = canvas()
    for index, name in enumerate(("d = 2", "dense")):
        by_rate = {float(rate): value for rate, value in rows[name].items()}
        places = sorted(by_rate)
        points(axes, index, places, [by_rate[place] for place in places], name)
    logarithmic(axes, "x", ticks=tuple(places))
    axes.set(xlabel="learning rate", ylabel="right decisions", ylim=(0, 1), xlim=(places[0] / 1.3, places[-1] * 3.2))
    caption = "Share of right decisions on 20 cognitive tasks by learning rate, for a mask of radius 2 and dense"
    return write("finding-rates", "Accuracy by learning rate", caption, figure, folder)


def density(folder: Path) -> Path:
    """Accuracy on 84 tasks by density."""
    rows = table(MODCOG, "N = 400", "density")
    places = [columns["density"][0] for columns in rows.values()]
    figure, axes = canvas()
    means, spreads = zip(*(columns["decision accuracy"] for columns in rows.values()), strict=True)
    axes.errorbar(places, means, yerr=spreads, lw=1.6, markersize=4, capsize=2, **series(0))
    best = max(range(len(means)), key=means.__getitem__)
    label = f"{100 * places[best]:.0f} %"
    axes.annotate(label, (places[best], means[best]), xytext=(-6, 4), textcoords="offset points", ha="right")
    logarithmic(axes, "x", ticks=(0.003, 0.01, 0.03, 0.1, 0.3, 1), percent=True)
    axes.set(xlabel="recurrent weights present", ylabel="right decisions", ylim=(0.3, 0.75))
    caption = "Share of right decisions on 84 cognitive tasks, by the share of recurrent weights present"
    return write("finding-density", "Accuracy by density", caption, figure, folder)


def random(folder: Path) -> Path:
    """Accuracy on 84 tasks of neighbours and of random connections."""
    rows = table(MODCOG, "in-degree", "locality", "random")
    places = [float(row.split()[0]) for row in rows]
    figure, axes = canvas()
    for index, (column, name) in enumerate({"locality": "neighbours", "random": "random"}.items()):
        points(axes, index, places, [columns[column] for columns in rows.values()], "")
        mean = rows[next(iter(rows))][column][0]
        axes.annotate(name, (places[0], mean), xytext=(4, -9 if index else 18), textcoords="offset points", va="center")
    logarithmic(axes, "x", ticks=tuple(places))
    axes.set(xlabel="inputs per unit", ylabel="right decisions", ylim=(0.2, 0.65))
    caption = "Share of right decisions on 84 cognitive tasks, by inputs per unit, neighbours and random"
    return write("finding-random", "Neighbours and random connections", caption, figure, folder)


def pruned(folder: Path) -> Path:
    """Navigation error before and after 90 % of W_hh is pruned, by penalty."""
    rows = table(MODULI, "cm, 90 % of W_hh removed")
    shown = ("Torus", "Shuffled", "No reg.", "L1 matched")
    figure, axes = canvas()
    for index, (row, name) in enumerate({"Baseline": "not pruned", "sparse": "90 % pruned"}.items()):
        values = [rows[row][column] for column in shown]
        places = [place + 0.38 * (index - 0.5) for place in range(len(shown))]
        means, spreads = zip(*values, strict=True)
        style = {"error_kw": {"ecolor": INK, "lw": 1}, "label": name, "color": COLOURS[(6, 0)[index]]}
        axes.bar(places, means, yerr=spreads, width=0.36, **style)
    axes.set_xticks(range(len(shown)), labels=("torus", "shuffled", "none", "L1"))
    axes.grid(visible=False, axis="x")
    axes.set(ylabel="position error, cm")
    axes.legend(loc="upper left")
    errors = (f"{column} {rows['Baseline'][column][0]:g} and {rows['sparse'][column][0]:g} cm" for column in shown)
    caption = f"Position error before and after 90 % of W_hh is pruned, by penalty: {'; '.join(errors)}"
    return write("finding-pruned", "Error before and after pruning", caption, figure, folder)


def before(folder: Path) -> Path:
    """Test error of a GRU by way of pruning, before training and during it."""
    rows = table(SPECTRUM, "", "N = 50", "N = 100")
    shown = {
        "published score": "ours, N(0, 0.1), gamma",
        "SNIP": "SNIP, N(0, 0.1)",
        "GraSP": "GraSP, N(0, 0.1)",
        "random": "random, N(0, 0.1)",
        "magnitude, during training": "L2, compressed",
        "dense": "dense, N(0, 0.1)",
    }
    figure, axes = canvas()
    for place, row in enumerate(shown.values()):
        mean, spread = rows[row]["N = 100"]
        colour = COLOURS[1 if place < 3 else 0 if place == 3 else 6]
        axes.barh(place, mean, xerr=spread, color=colour, height=0.7, error_kw={"ecolor": INK, "lw": 1})
    axes.set_yticks(range(len(shown)), labels=list(shown))
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set(xlabel="test error, %")
    errors = (f"{name} {rows[row]['N = 100'][0]:g} %" for name, row in shown.items())
    caption = f"Test error of a GRU of 100 units on sequential MNIST, 5 % of its weights kept: {'; '.join(errors)}"
    return write("finding-before", "Test error by way of pruning", caption, figure, folder)


if __name__ == "__main__":
    main(faster, rates, density, random, pruned, before)
