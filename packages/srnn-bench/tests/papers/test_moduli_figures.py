"""Figures of the moduli paper, made of smoke runs: the files, and the numbers in them."""

import math
import re
from itertools import pairwise

import numpy as np
import pytest
import torch

from srnn_bench import BenchError, Store, papers
from srnn_bench.analysis import graph_measures, largest_cluster, longest_bar, weights_on_manifold
from srnn_bench.drawing import significant, write_drawing
from srnn_bench.papers import FigureRequest, KeptRun, required_runs
from srnn_bench.papers.moduli.figures import (
    INHIBITORS,
    PARAMETER,
    costs_from,
    draw_attractors,
    draw_maps,
    embedding_of,
    graph_table,
    measure_attractors,
    report_attractors,
)
from srnn_manifolds import Circle, DifferenceOfGaussians, Euclidean, KleinBottle, Moduli, Sphere, Torus

GAINS, INHIBITIONS = (2.0, 16.0), (0.5, 4.0)
FIGURE_4 = [
    f"moduli-figure4-smoke-{part}"
    for part in (
        "diagrams",
        "pairs",
        "longest-bar-of-H1",
        "longest-bar-of-H1-modulo-3",
        "longest-bar-of-H1-core",
        "longest-bar-of-H2",
        "longest-bar-of-H2-core",
        "pairs-on-the-ring",
    )
]


@pytest.fixture
def runs(results):
    """Return a function that gives the kept runs of a cell."""

    def read(name, row, column):
        return required_runs(Store(results), papers.table(name, "smoke"), row, column)

    return read


@pytest.fixture(scope="module")
def figure4(results, tmp_path_factory):
    """Return the paths of Figure 4 with 3 random clouds per test."""
    table = papers.table("moduli/table3", "smoke")
    store = Store(results)
    several = {column: required_runs(store, table, "90% sparse", column) for column in ("R3 trained", "Torus trained")}
    return embedding_of(several, FigureRequest(store, "smoke", tmp_path_factory.mktemp("figure4")), clouds=3)


@pytest.fixture(scope="module")
def stability():
    """Return the measured attractors of few neurons on a small grid."""
    return measure_attractors(36, GAINS, INHIBITIONS)


def points_of(run):
    return run.points(PARAMETER)[0]


def check_files(paths, drawings, text=None):
    """Check that a figure wrote these drawings and this text, and nothing else, in their formats."""
    expected = {f"{name}{suffix}" for name in drawings for suffix in (".svg", ".png")}
    expected |= set() if text is None else {f"{text}.md"}
    assert {path.name for path in paths} == expected and len(paths) == len(expected)
    assert set(paths[0].parent.iterdir()) == set(paths)
    for path in paths:
        assert path.read_bytes().startswith({".svg": b"<?xml", ".png": b"\x89PNG", ".md": b"# "}[path.suffix])
        if path.suffix == ".md":
            check_tables(path.read_text())


def check_tables(text):
    widths = [line.count("|") for line in text.splitlines()]
    assert all(a == b for a, b in pairwise(widths) if a and b), "a table with ragged rows"


def test_figures_are_files(drawn, figure4):
    check_files(drawn("moduli/figure3"), ["moduli-figure3-smoke"], "moduli-figure3-smoke")
    check_files(drawn("moduli/graph"), [], "moduli-graph-smoke")
    check_files(figure4, FIGURE_4, "moduli-figure4-smoke")


def test_maps_are_files(tmp_path):
    check_files(write_drawing(draw_maps("maps", INHIBITORS, surface=(12, 8)), tmp_path), ["maps"])


def test_attractors_are_drawn_and_counted(stability, tmp_path, rows_of):
    bumps = {neurons: {title: each.bumps for title, each in row.items()} for neurons, row in stability.items()}
    check_files(write_drawing(draw_attractors("bumps", bumps, GAINS, INHIBITIONS), tmp_path), ["bumps"])
    text = report_attractors(stability)
    check_tables(text)
    rows = rows_of(text)
    for neurons, by_function in stability.items():
        for function, each in by_function.items():
            holding = sum(test.holds for test in each.bumps.values())
            counts = rows[f"{neurons}, {function}"][:3]
            assert counts[1:] == [f"{holding} of 4", f"{sum(each.with_noise)} of {holding}"]
            assert int(counts[0].split()[0]) >= holding and len(each.bumps) == 4


def test_the_table_of_figure_3_holds_the_numbers_of_every_run(drawn, runs, rows_of):
    rows = rows_of(drawn("moduli/figure3")[-1].read_text())
    for row, label in (("Baseline", "dense"), ("90% sparse", "90 % sparse")):
        several = runs("moduli/table2", row, "Circle")
        assert [run.result.seed for run in several] == [0, 1]
        for run in several:
            stage = run.result.stage("dense" if row == "Baseline" else "sparse")
            placed = weights_on_manifold(run.weights[PARAMETER], points_of(run), Moduli(manifold=Circle()))
            share, correlation, *_ = rows[f"{label}, seed {run.result.seed}"]
            assert float(share) == pytest.approx(stage.densities[PARAMETER], rel=0.01)
            assert correlation == significant(placed.rank_correlation)


def test_the_table_of_figure_4_holds_the_numbers_of_clouds_and_cores(figure4, runs, rows_of):
    rows = rows_of(figure4[-1].read_text())
    for column, manifold in (("R3 trained", Euclidean()), ("Torus trained", Torus())):
        for run in runs("moduli/table3", "90% sparse", column):
            name = f"{column}, seed {run.result.seed}"
            points = points_of(run)
            core = points[largest_cluster(manifold, points, 0.8879)]
            assert rows[name][0] == significant(len(core) / 16)
            for null in ("random", "permuted"):
                assert rows[f"{name}, longest bar of H1, {null}"][0] == significant(longest_bar(manifold, points))
                longest = significant(longest_bar(manifold, core, dimension=2))
                assert rows[f"{name}, longest bar of H2, core, {null}"][0] == longest
                _, mean, least, greatest, above, below = map(float, rows[f"{name}, pairs on the ring, {null}"])
                assert least <= mean <= greatest and {above, below} <= {0.25, 0.5, 0.75, 1.0}


def test_points_are_those_kept_with_the_weights(runs):
    for column, coordinates in (("R3 trained", 3), ("Torus trained", 2)):
        for run in runs("moduli/table3", "90% sparse", column):
            assert points_of(run).shape == (16, coordinates)
            assert torch.equal(run.weights[f"points.{PARAMETER}"][0], points_of(run))


def test_missing_points_are_an_error_with_the_command(runs):
    (run, *_) = runs("moduli/table2", "90% sparse", "Circle")
    weights = {name: tensor for name, tensor in run.weights.items() if not name.startswith("points.")}
    without = KeptRun(run.result, run.stage, weights, run.command)
    with pytest.raises(BenchError, match=r"expected 'points.recurrence.weight_hh'.*`srnn run moduli/table2 --scale"):
        points_of(without)


def test_the_table_of_graphs_holds_measures_or_names_masks_with_too_few_entries(drawn, runs, rows_of):
    text = drawn("moduli/graph")[0].read_text()
    assert "no weights are kept: moduli/table1, L1; moduli/table1, Shuffled; moduli/table2, Sphere;" in text
    parts = dict(re.findall(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert set(parts) == {"Torus (moduli/table1)", "No reg. (moduli/table1)", "Circle (moduli/table2)"}
    measured = few = 0
    for title, part in parts.items():
        column, name = title[:-1].split(" (")
        for run in runs(name, "90% sparse", column):
            mask, seed = run.weights[f"{PARAMETER}_mask"], run.result.seed
            if mask.sum() < 16:
                few += 1
                assert f"Seed {seed}: {int(mask.sum())} entries are left" in part
                continue
            measured += 1
            rows = rows_of(part)
            for measure, value in graph_measures(mask).items():
                assert rows[measure][rows["measure"].index(f"seed {seed}")] == significant(value)
    assert measured + few == 6


def test_a_mask_with_almost_no_entries_is_not_measured():
    mask = torch.zeros(16, 16, dtype=torch.bool)
    mask[0, :3] = True
    note = "Seed 0: 3 entries are left, 0.19 per neuron: no graph to measure.\n"
    assert graph_table({0: mask}, random_masks=5) == note


def test_z_of_a_graph_is_the_mean_over_seeds(rows_of):
    masks = {seed: torch.rand(16, 16, generator=torch.Generator().manual_seed(seed)) < 0.3 for seed in (5, 6)}
    rows = rows_of(graph_table(masks, random_masks=5))
    own = [graph_measures(mask)["reciprocity"] for mask in masks.values()]
    assert rows["reciprocity"][:3] == [significant(own[0]), significant(own[1]), significant(sum(own) / 2)]
    assert rows["density"][3].endswith("± 0") and rows["density"][4] == "-", "as many entries"
    assert rows["in-degree CV"][6] == "-", "rewired masks have the same degrees"


def on_circle(a, b):
    return 5 * abs(math.remainder(a - b, 2 * math.pi))


def on_torus(a, b):
    return math.hypot(*(abs(math.remainder(x - y, 10)) for x, y in zip(a, b, strict=True)))


def on_klein(a, b):
    images = [
        (b[0] + 10 * m, (b[1] if m % 2 == 0 else 10 - b[1]) + 10 * n) for m in (-1, 0, 1) for n in (-2, -1, 0, 1, 2)
    ]
    return min(math.dist(a, image) for image in images)


@pytest.mark.parametrize("space", ["circle", "sphere", "torus", "klein"])
def test_maps_show_the_cost_from_one_point(space):
    generator = np.random.default_rng(0)
    if space == "circle":
        angles = generator.uniform(0, 6, 30)
        points, manifold = np.stack([np.cos(angles), np.sin(angles)], axis=-1), Circle()
        distances = [on_circle(angles[0], angle) for angle in angles]
    elif space == "sphere":
        points, manifold = generator.normal(size=(30, 3)), Sphere()
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        distances = [5 * math.acos(min(1.0, float(points[0] @ point))) for point in points]
    else:
        points = generator.uniform(0, 10, (30, 2))
        manifold, by = (Torus(), on_torus) if space == "torus" else (KleinBottle(), on_klein)
        distances = [by(points[0], point) for point in points]
    costs = [10 - 10 * (math.exp(-d * d / 5) - math.exp(-d * d)) for d in distances]
    expected = [(cost - min(costs)) / (max(costs) - min(costs)) for cost in costs]
    inhibitor = DifferenceOfGaussians(amplitude=10, wide=5, narrow=1, ceiling="amplitude")
    drawn = costs_from(manifold, inhibitor, torch.from_numpy(points[0]), torch.from_numpy(points))
    assert drawn.tolist() == pytest.approx(expected, abs=1e-6)
