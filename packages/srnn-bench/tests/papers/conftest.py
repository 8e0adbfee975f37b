"""A store of smoke runs with their weights, shared by the tests of all figures."""

from pathlib import Path

import pytest

from srnn_bench import Conditions, Job, Store, Watcher, papers, sweep

MODULI = {
    "moduli/table1": (("90% sparse",), ("Torus", "No reg.")),
    "moduli/table2": (("Baseline", "90% sparse"), ("Circle",)),
    "moduli/table3": (("90% sparse",), ("R3 trained", "Torus trained")),
}
MODCOG = {"modcog/figure2a": ("LM d = 0",), "modcog/figure7b": ("LM d = 0", "LM d = 1", "LM d = 2", "dense")}


@pytest.fixture(scope="session")
def results(tmp_path_factory) -> Path:
    """Return a folder with smoke runs: cells of three tables of moduli, and one seed of networks of two of modcog."""
    folder = tmp_path_factory.mktemp("runs") / "results"
    jobs = []
    for name, (rows, columns) in MODULI.items():
        table = papers.table(name, "smoke")
        cells = [cell for cell in table.cells if cell.row in rows and cell.column in columns]
        jobs += [Job(cell.experiment, seed, cell.name) for seed in table.seeds for cell in cells]
    for name, rows in MODCOG.items():
        cells = [cell for cell in papers.table(name, "smoke").cells if cell.row in rows]
        jobs += [Job(cell.experiment, 0, cell.name) for cell in cells]
    sweep(jobs, Store(folder), keep_weights=True, conditions=Conditions(device="cpu"), watcher=Watcher())
    return folder


@pytest.fixture(scope="session")
def drawn(results, tmp_path_factory):
    """Return a function that draws a figure at scale smoke, once per session, and returns the paths of its files."""
    paths = {}

    def draw(name):
        if name not in paths:
            figure = papers.figure(name)
            store = Store(results) if figure.needs else None
            paths[name] = figure.draw(papers.FigureRequest(store, "smoke", tmp_path_factory.mktemp("drawn")))
        return paths[name]

    return draw


@pytest.fixture(scope="session")
def rows_of():
    """Return a function that reads the rows of the Markdown tables of a text, by their first cell."""

    def read(text):
        lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
        return {line[0]: line[1:] for line in lines}

    return read
