"""The figures of the paper, made of tiny runs: what is written, and what is said where runs lack."""

import math
import re
import shutil
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from srnn_bench.papers.moduli._figures import FIGURES, NEEDS, PARAMETER

from srnn_bench import Conditions, Job, Store, Watcher, sweep
from srnn_bench.analysis import largest_cluster, longest_bar, measures, weights_on_manifold
from srnn_bench.cli import main
from srnn_bench.drawing import markdown_table, significant
from srnn_bench.papers import table
from srnn_bench.papers._kept_runs import KeptRun, needed_runs
from srnn_bench.papers.moduli import _figures
from srnn_bench.papers.moduli.figures import _draw_maps
from srnn_bench.papers.moduli.figures._draw_maps import costs_from
from srnn_manifolds import Circle, DifferenceOfGaussians, Euclidean, KleinBottle, Moduli, Sphere, Torus

PLACES = {
    "moduli/table1": (("90% sparse",), ("Torus", "No reg.")),
    "moduli/table2": (("Baseline", "90% sparse"), ("Circle",)),
    "moduli/table3": (("90% sparse",), ("R3 trained", "Torus trained")),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Smoke runs of cells of three tables, with their weights."""
    folder = tmp_path_factory.mktemp("runs") / "results"
    jobs = []
    for name, (lines, columns) in PLACES.items():
        held = table(name, "smoke")
        cells = [cell for cell in held.cells if cell.row in lines and cell.column in columns]
        jobs += [Job(cell.experiment, seed, cell.name) for seed in held.seeds for cell in cells]
    sweep(jobs, Store(folder), keep_weights=True, conditions=Conditions(device="cpu"), watcher=Watcher())
    return folder


@pytest.fixture(scope="module")
def drawn(results, tmp_path_factory):
    """All figures, with fewer random clouds and masks, in a smaller grid: paths by name."""
    folder = tmp_path_factory.mktemp("drawn")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_figures, "CLOUDS", 3)
        patch.setattr(_figures, "MASKS", 3)
        patch.setattr(_draw_maps, "SURFACE", (12, 8))
        patch.setattr(_figures, "GAINS", (2.0, 16.0))
        patch.setattr(_figures, "INHIBITIONS", (0.5, 4.0))
        return {name: draw(Store(results), "smoke", folder / name) for name, draw in FIGURES.items()}


@pytest.fixture
def srnn(monkeypatch, capsys, tmp_path):
    """Give a function that runs the command in an empty folder: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["srnn", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        printed = capsys.readouterr()
        return left.value.code or 0, printed.out, printed.err

    return call


def cells_of(text):
    """The rows of the Markdown tables of a text, by their first cell."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {line[0]: line[1:] for line in lines}


EXPECTED = {
    "moduli/figure2": ["moduli-figure2"],
    "moduli/figure3": ["moduli-figure3-smoke"],
    "moduli/figure4": [
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
    ],
    "moduli/graph": [],
    "moduli/attractors": ["moduli-attractors"],
}
TEXTS = {
    "moduli/figure3": "moduli-figure3-smoke",
    "moduli/figure4": "moduli-figure4-smoke",
    "moduli/graph": "moduli-graph-smoke",
    "moduli/attractors": "moduli-attractors",
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_files_and_gives_their_paths(drawn, name):
    expected = {f"{file}{end}" for file in EXPECTED[name] for end in (".svg", ".png")}
    expected |= {f"{TEXTS[name]}.md"} if name in TEXTS else set()
    assert {path.name for path in drawn[name]} == expected and len(drawn[name]) == len(expected)
    assert set(drawn[name][0].parent.iterdir()) == set(drawn[name])
    for path in drawn[name]:
        assert path.read_bytes().startswith({".svg": b"<?xml", ".png": b"\x89PNG", ".md": b"# "}[path.suffix])
        if path.suffix == ".md":
            widths = [line.count("|") for line in path.read_text().splitlines()]
            assert all(a == b for a, b in pairwise(widths) if a and b), "a table with ragged rows"


def test_the_command_draws_and_prints_paths(srnn, results, tmp_path):
    code, out, err = srnn("figure", "moduli/figure3", "--scale", "smoke", "--results", str(results), "--out", "here")
    assert (code, err) == (0, "")
    assert {tmp_path / line for line in out.splitlines()} == set((tmp_path / "here").iterdir()) and len(out) > 3


def test_names_are_listed_with_what_they_need(srnn, tmp_path):
    code, out, err = srnn("figure")
    assert (code, err) == (0, "")
    for name in FIGURES:
        assert name in out
    assert "srnn run moduli/table3 --scale quick --save-weights" in out and out.count("needs no runs") == 4
    assert list(tmp_path.iterdir()) == [], "listing makes no folder"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("moduli/figure9",), "figure: expected some of moduli/figure2,"),
        (("moduli/figure2", "--scale", "huge"), "scale: expected one of smoke, quick, paper, got 'huge'"),
        (("moduli/figure3",), "results: no such folder"),
        (
            ("moduli/figure3", "--results", "empty"),
            "make them by `srnn run moduli/table2 --scale quick --save-weights`",
        ),
        (
            ("moduli/figure4", "--results", "empty"),
            "make them by `srnn run moduli/table3 --scale quick --save-weights`",
        ),
        (("moduli/graph", "--results", "empty"), "make them by `srnn run moduli/table1 moduli/table2 --scale quick"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_line(srnn, tmp_path, arguments, said):
    Store(tmp_path / "empty")
    code, _, err = srnn("figure", *arguments)
    assert code == 2 and err.startswith("srnn: ") and said in err and "Traceback" not in err


def test_runs_without_weights_are_as_good_as_none(srnn, results, tmp_path):
    shutil.copytree(results, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "weights")
    code, _, err = srnn("figure", "moduli/figure3", "--scale", "smoke", "--results", "copy")
    assert code == 2 and "expected runs with weights in copy, found none; make them by `srnn run moduli/table2" in err


def kept(results, name, row, column):
    return needed_runs(Store(results), table(name, "smoke"), row, column)


def test_the_table_of_figure_3_holds_the_numbers_of_every_run(drawn, results):
    found = cells_of(drawn["moduli/figure3"][-1].read_text())
    for row, label in (("Baseline", "dense"), ("90% sparse", "90 % sparse")):
        several = kept(results, "moduli/table2", row, "Circle")
        assert [one.result.seed for one in several] == [0, 1]
        for one in several:
            stage = one.result.stage("dense" if row == "Baseline" else "sparse")
            placed = weights_on_manifold(one.held[PARAMETER], _figures._points(one), Moduli(manifold=Circle()))
            share = float(found[f"{label}, seed {one.result.seed}"][0])
            assert share == pytest.approx(stage.densities[PARAMETER], rel=0.01)
            assert found[f"{label}, seed {one.result.seed}"][1] == significant(placed.follows)


def test_the_table_of_figure_4_holds_what_clouds_and_cores_have(drawn, results):
    found = cells_of(drawn["moduli/figure4"][-1].read_text())
    for column, manifold in (("R3 trained", Euclidean()), ("Torus trained", Torus())):
        for one in kept(results, "moduli/table3", "90% sparse", column):
            place = f"{column}, seed {one.result.seed}"
            points = _figures._points(one)
            core = points[largest_cluster(manifold, points, 0.8879)]
            assert found[place][0] == significant(len(core) / 16)
            for null in ("random", "permuted"):
                assert found[f"{place}, longest bar of H1, {null}"][0] == significant(longest_bar(manifold, points))
                assert found[f"{place}, longest bar of H2, core, {null}"][0] == significant(
                    longest_bar(manifold, core, dimension=2)
                )
                _, mean, least, greatest, above, below = map(float, found[f"{place}, pairs on the ring, {null}"])
                assert least <= mean <= greatest and {above, below} <= {0.25, 0.5, 0.75, 1.0}


def test_figure_4_looks_at_what_was_trained(results):
    for column, coordinates in (("R3 trained", 3), ("Torus trained", 2)):
        for one in kept(results, "moduli/table3", "90% sparse", column):
            points = _figures._points(one)
            assert points.shape == (16, coordinates)
            assert torch.equal(one.held[f"points.{PARAMETER}"][0], points)


def test_the_table_of_graphs_holds_measures_or_says_that_too_little_is_left(drawn, results):
    text = drawn["moduli/graph"][0].read_text()
    assert "Not kept, and so not here: moduli/table1, L1; moduli/table1, Shuffled; moduli/table2, Sphere;" in text
    parts = dict(re.findall(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert set(parts) == {"Torus (moduli/table1)", "No reg. (moduli/table1)", "Circle (moduli/table2)"}
    measured = few = 0
    for title, part in parts.items():
        column, name = title[:-1].split(" (")
        for one in kept(results, name, "90% sparse", column):
            mask, seed = one.held[f"{PARAMETER}_mask"], one.result.seed
            if mask.sum() < 16:
                few += 1
                assert f"Seed {seed}: {int(mask.sum())} entries are left" in part
                continue
            measured += 1
            head = cells_of(part)["measure"]
            for measure, value in measures(mask).items():
                assert cells_of(part)[measure][head.index(f"seed {seed}")] == significant(value)
    assert measured + few == 6


def test_a_mask_with_almost_nothing_left_is_not_measured(results):
    (one, *_) = kept(results, "moduli/table2", "90% sparse", "Circle")
    mask = torch.zeros(16, 16, dtype=torch.bool)
    mask[0, :3] = True
    said = _figures._graph_of([KeptRun(one.result, "sparse", {f"{PARAMETER}_mask": mask, PARAMETER: mask}, "")])
    assert said == "Seed 0: 3 entries are left, 0.19 a neuron: no graph to measure.\n"


def test_z_of_a_graph_is_the_mean_over_seeds(results, monkeypatch):
    monkeypatch.setattr(_figures, "MASKS", 5)
    (one, two) = kept(results, "moduli/table2", "90% sparse", "Circle")
    masks = [torch.rand(16, 16, generator=torch.Generator().manual_seed(seed)) < 0.3 for seed in (5, 6)]
    several = [
        KeptRun(each.result, "sparse", {f"{PARAMETER}_mask": mask, PARAMETER: mask}, "")
        for each, mask in zip((one, two), masks, strict=True)
    ]
    found = cells_of(_figures._graph_of(several))
    own = [measures(mask)["reciprocity"] for mask in masks]
    assert found["reciprocity"][:3] == [significant(own[0]), significant(own[1]), significant(sum(own) / 2)]
    assert found["density"][3].endswith("± 0") and found["density"][4] == "-", "as many entries"
    assert found["in-degree CV"][6] == "-", "rewired masks have the same degrees"


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


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.123456, "0.123"),
        (12345.6, "12346"),
        (-0.5, "-0.5"),
        (math.nan, "-"),
        (0.0, "0"),
        (123.4, "123"),
        (1e-5, "1e-05"),
    ],
)
def test_numbers_are_short(value, said):
    assert significant(value) == said


def test_a_table_is_markdown():
    assert markdown_table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | ---: |\n| x | 1 |\n"


def test_every_figure_that_needs_runs_is_one():
    assert set(NEEDS) <= set(FIGURES) and all(needs.split() for needs in NEEDS.values())
