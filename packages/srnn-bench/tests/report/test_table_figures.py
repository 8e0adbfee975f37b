"""Figures of tables: they draw the numbers of the results, and the same results give the same bytes."""

import statistics
from itertools import pairwise
from types import SimpleNamespace
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from srnn_bench import Cell, Conditions, Published, Result, Stage, Summary, Table, Training
from srnn_bench.drawing import file_svg, inline_svg
from srnn_bench.report import drawings, section, write_figures
from srnn_bench.tables import AtStep, FilledCell, StepsTo, WeightsPresent
from srnn_bench.training import describe

ENVIRONMENT = describe("adding", Conditions("cpu"))
SVG = "{http://www.w3.org/2000/svg}"


def result_of(experiment, seed, *stages: tuple[str, float, float, list[float]]) -> Result:
    """Return a result with name, metric, density and loss by epoch of each stage."""
    return Result.model_validate(
        {
            "key": experiment.key(seed),
            "experiment": experiment,
            "seed": seed,
            "status": "done" if len(stages) == len(experiment.stages) else "diverged",
            "stages": [
                {
                    "name": name,
                    "metrics": {"mse": metric, "accuracy": metric},
                    "densities": {"w": density, "readout": 1.0},
                    "present": {"w": 10, "readout": 10},
                    "history": [{"loss": loss, "penalty": 0.0, "density": (1 + density) / 2} for loss in losses],
                    "steps": 6,
                    "step_ms": 2.0 + seed,
                    "peak_memory_mb": None,
                }
                for name, metric, density, losses in stages
            ],
            "environment": ENVIRONMENT,
            "seconds": 1.0,
        }
    )


def summary_of(cells, results, *, metric="Error", seeds=(0, 1, 2)) -> Summary:
    """Return a summary with these results by experiment."""
    table = Table("paper/table", "quick", "A title", "A paper", metric, "units", "lower", seeds, tuple(cells))
    filled = {
        (cell.row, cell.column): FilledCell(cell, {seed: results.get(cell.experiment, {}).get(seed) for seed in seeds})
        for cell in cells
    }
    return Summary(table, filled)


@pytest.fixture
def example(tiny) -> SimpleNamespace:
    """Two columns of two rows: A has three runs, of which one has no lottery; B has one run."""
    a, b = tiny(), tiny(penalties=())
    results = {
        a: {
            0: result_of(a, 0, ("sparse", 1.0, 0.2, [3.0, 2.0, 1.0]), ("lottery", 2.0, 0.2, [4.0, 3.0, 2.0])),
            1: result_of(a, 1, ("sparse", 3.0, 0.3, [5.0, 3.0, 2.5])),
            2: result_of(a, 2, ("sparse", 8.0, 0.1, [4.0, 1.0, 1.0]), ("lottery", 5.0, 0.1, [6.0, 5.0, 4.5])),
        },
        b: {0: result_of(b, 0, ("sparse", 4.0, 0.5, [2.0, 2.0, 2.0]), ("lottery", 4.5, 0.5, [2.0, 2.0, 2.0]))},
    }
    places = [
        Cell(f"{stage} row", column, experiment, stage, "mse", Published(mean, 0.25, 5))
        for column, experiment, mean in (("A", a, 1.5), ("B", b, 2.5))
        for stage in ("sparse", "lottery")
    ]
    return SimpleNamespace(summary=summary_of(places, results), results=results, a=a, b=b)


def named(summary, *kinds) -> list:
    """Return the drawings of a summary whose names contain one of the kinds."""
    return [one for one in drawings(summary) if any(f"-{kind}" in one.name for kind in kinds)]


def curves(summary) -> list:
    return named(summary, "curves", "validation")


def lines(drawing, size=None, *, panel=0) -> list:
    """Return the lines of a panel as (x, y)."""
    axes = drawing.figure.axes[panel]
    return [
        (list(map(float, line.get_xdata())), list(map(float, line.get_ydata())))
        for line in axes.lines
        if size is None or line.get_markersize() == size
    ]


def test_learning_curves_are_means_with_the_range_of_the_runs(example):
    (drawing,) = curves(example.summary)  # both rows are filled by the same runs, so they share a panel
    sparse = [[3.0, 5.0, 4.0], [2.0, 3.0, 1.0], [1.0, 2.5, 1.0]]
    lottery = [[4.0, 6.0], [3.0, 5.0], [2.0, 4.5]]
    drawn = [line for line in lines(drawing) if len(line[0]) == 3]
    assert drawn == [
        ([1, 2, 3], [pytest.approx(statistics.fmean(values)) for values in sparse]),
        ([4, 5, 6], [pytest.approx(statistics.fmean(values)) for values in lottery]),
        ([1, 2, 3], [2.0, 2.0, 2.0]),
        ([4, 5, 6], [2.0, 2.0, 2.0]),
    ]
    bands = [band for band in drawing.figure.axes[0].collections if isinstance(band, PolyCollection)]
    assert len(bands) == 2, "one run has no band"
    for band, start, values in zip(bands, (1, 4), (sparse, lottery), strict=True):
        corners = {tuple(corner) for corner in band.get_paths()[0].vertices.tolist()}
        ends = {(start + epoch, end(of_epoch)) for epoch, of_epoch in enumerate(values) for end in (min, max)}
        assert corners == ends
    assert "Runs: A (3, then 2), B (1)." in drawing.caption
    assert [text.get_text() for text in drawing.figure.axes[0].texts] == ["sparse", "lottery"]


def test_rows_of_different_runs_have_separate_panels(example, tiny):
    other = tiny(masks=(), penalties=(), stages=example.a.stages[:1])
    places = [
        Cell("dense: a/b", "A", other, "sparse", "mse"),
        Cell("dense: a/b", "B", example.b, "sparse", "mse"),
        Cell("dense; a b", "A", example.a, "sparse", "mse"),
    ]
    results = example.results | {other: {0: result_of(other, 0, ("sparse", 1.0, 1.0, [1.0, 1.0]))}}
    (drawing,) = curves(summary_of(places, results))
    assert (drawing.name, drawing.title) == ("paper-table-quick-curves", "Learning curves")
    first, second = drawing.figure.axes
    assert [axes.get_title("left") for axes in (first, second)] == ["dense: a/b", "dense; a b"]
    assert [len(lines(drawing, 4, panel=panel)) for panel in (0, 1)] == [3, 2]
    assert first.get_ylim() == second.get_ylim()
    assert [axes.get_ylabel() for axes in (first, second)] == ["training loss", ""]
    assert drawing.caption.endswith("Runs per curve: 1 to 3.")


def test_long_names_of_panels_have_a_line_of_their_own(example):
    places = [
        Cell(name, "A", one, "sparse", "mse")
        for name, one in (("a very long name of a row " * 3, example.a), ("short", example.b))
    ] + [Cell("short", "B", example.a, "sparse", "mse")]
    (drawing,) = curves(summary_of(places, example.results))
    boxes = [axes.get_position() for axes in drawing.figure.axes]
    assert len({round(box.x0, 3) for box in boxes}) == 1
    assert "\n" in drawing.figure.axes[0].get_title("left")


def test_rows_whose_columns_read_one_run_are_lines_of_one_panel(evaluated, tiny):
    places = [
        Cell(row, column, one, "first", metric)
        for row, one in (("a", evaluated.a), ("b", evaluated.b), ("a again", evaluated.a))
        for column, metric in (("right", "accuracy"), ("wrong", "mse"))
    ]
    loss, right, wrong = curves(summary_of(places, evaluated.results))
    assert [loss.title, right.title, wrong.title] == [
        "Learning curves",
        "Validation accuracy",
        "Validation mse",
    ]
    assert right.name == "paper-table-quick-validation-accuracy"
    assert [text.get_text() for text in right.figure.legends[0].get_texts()] == ["a, a again", "b"]
    assert [line for line in lines(right, 4) if line[0]] == [
        ([10, 20], [pytest.approx(0.25), pytest.approx(0.75)]),
        ([30, 35], [0.0, 0.75]),
        ([10, 20], [0.125, 0.25]),
        ([30, 35], [0.5, 1.0]),
    ]
    assert right.caption.endswith("Runs: a, a again (3, then 1), b (1).")


@pytest.fixture
def evaluated(tiny) -> SimpleNamespace:
    """Two columns, evaluated on two metrics after every second of 4 + 3 epochs of 5 steps."""
    training = Training(epochs=4, batches=5, batch_size=8, learning_rate=1e-2, evaluate_every=2)
    stages = (Stage(name="first", training=training), Stage(name="then", training=training))
    a, b = tiny(stages=stages), tiny(stages=stages, penalties=())

    def run_of(one, seed, first, then=()):
        result = result_of(one, seed, ("first", 1.0, 0.5, [1.0] * 4), ("then", 1.0, 0.5, [1.0] * 3))
        stages = []
        for stage, values in zip(result.stages, (first, then), strict=True):
            after = dict(zip((2, 4) if len(stage.history) == 4 else (2, 3), values, strict=False))
            history = tuple(
                epoch.model_copy(update={"metrics": {"accuracy": after[at], "mse": -after[at]} if at in after else {}})
                for at, epoch in enumerate(stage.history, 1)
            )
            stages.append(stage.model_copy(update={"history": history, "steps": 5 * len(history)}))
        return result.model_copy(update={"stages": tuple(stages[: 2 if then else 1])})

    results = {
        a: {0: run_of(a, 0, (0.25, 0.5), (0.0, 0.75)), 1: run_of(a, 1, (0.5, 0.75)), 2: run_of(a, 2, (0.0, 1.0))},
        b: {0: run_of(b, 0, (0.125, 0.25), (0.5, 1.0))},
    }
    return SimpleNamespace(a=a, b=b, results=results)


def metric_panels(evaluated, *readings, stage="first"):
    """Return the panels of metrics, without those of losses, of a table with one row per reading."""
    places = [
        Cell(f"row {number}", column, one, stage, read)
        for number, read in enumerate(readings)
        for column, one in (("A", evaluated.a), ("B", evaluated.b))
    ]
    drawn = curves(summary_of(places, evaluated.results))
    assert drawn[0].title == "Learning curves"
    return drawn[1:]


def test_a_metric_is_drawn_over_the_optimizer_steps_of_its_evaluations(evaluated):
    (drawing,) = metric_panels(evaluated, StepsTo("accuracy", 0.5), AtStep("accuracy", 10), StepsTo("accuracy", 0.75))
    (axes,) = drawing.figure.axes
    assert [line for line in lines(drawing, 4) if line[0]] == [
        ([10, 20], [pytest.approx(0.25), pytest.approx(0.75)]),
        ([30, 35], [0.0, 0.75]),
        ([10, 20], [0.125, 0.25]),
        ([30, 35], [0.5, 1.0]),
    ]
    (band,) = [band for band in axes.collections if isinstance(band, PolyCollection)]
    corners = {tuple(corner) for corner in band.get_paths()[0].vertices.tolist()}
    assert corners == {(10, 0.0), (10, 0.5), (20, 0.5), (20, 1.0)}
    level = [line.get_ydata()[0] for line in axes.lines if list(line.get_xdata()) == [0, 1]]
    assert level == [0.5, 0.75], "the thresholds"
    assert [text.get_text() for text in axes.texts] == ["first", "then"]
    assert [line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [0, 1]] == [20]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("optimizer steps", "validation accuracy")
    assert drawing.title == "Validation accuracy"
    assert drawing.name == "paper-table-quick-validation-accuracy"
    assert drawing.caption.endswith("Dashed: 0.5, 0.75. Runs: A (3, then 1), B (1).")
    assert [text.get_text() for text in drawing.figure.legends[0].get_texts()] == ["A", "B"]


def test_a_metric_panel_needs_a_cell_that_reads_it_and_evaluations(evaluated):
    assert [one.title for one in metric_panels(evaluated, "mse", StepsTo("accuracy", 0.5))] == [
        "Validation mse",
        "Validation accuracy",
    ]
    (plain,) = metric_panels(evaluated, "accuracy")
    assert plain.title == "Validation accuracy" and "Dashed" not in plain.caption
    assert metric_panels(evaluated, WeightsPresent(("w",))) == []
    bare = SimpleNamespace(a=evaluated.a, b=evaluated.b, results={})
    for one, runs in evaluated.results.items():
        bare.results[one] = {
            seed: result_of(one, seed, *[(stage.name, 1.0, 0.5, [1.0, 2.0]) for stage in run.stages])
            for seed, run in runs.items()
        }
    assert metric_panels(bare, "mse") == [], "histories of other stores hold no metrics"


def test_losses_over_decades_have_a_logarithmic_axis(example):
    experiment = example.b
    place = Cell("row", "B", experiment, "sparse", "mse")
    for least, scale in ((0.01, "log"), (1.0, "linear"), (-0.01, "linear"), (0.0, "linear")):
        run = result_of(experiment, 0, ("sparse", 1.0, 0.5, [2.0, 1.0, least]))
        (drawing,) = curves(summary_of([place], {experiment: {0: run}}))
        assert drawing.figure.axes[0].get_yscale() == scale
        file_svg(drawing)


def test_cells_are_drawn_beside_the_numbers_of_the_paper(example):
    (drawing,) = named(example.summary, "cells")
    (axes,) = drawing.figure.axes
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["sparse row", "A (3)", "B (1, 2 not run)", "lottery row", "A (2, 1 diverged)", "B (1, 2 not run)"]
    values = {1: [1.0, 3.0, 8.0], 2: [4.0], 4: [2.0, 5.0], 5: [4.5]}
    assert [x for x, _ in lines(drawing, 3.5)] == list(values.values())
    means = {(round(y), filled): x for x, y, filled in _means(axes)}
    assert means == {(place, True): pytest.approx(statistics.fmean(of_cell)) for place, of_cell in values.items()} | {
        (place, False): mean for place, mean in {1: 1.5, 2: 2.5, 4: 1.5, 5: 2.5}.items()
    }
    spreads = sorted(float(np.ptp(segment[:, 0])) / 2 for bars in axes.collections for segment in bars.get_segments())
    assert spreads == pytest.approx(sorted([statistics.stdev([1, 3, 8]), statistics.stdev([2, 5]), *[0.25] * 4]))


def _means(axes):
    """Return the means drawn: x, y and whether filled."""
    return [
        (float(bar[0].get_xdata()[0]), float(bar[0].get_ydata()[0]), bar[0].get_fillstyle() == "full")
        for bar in axes.containers
    ]


def test_step_times_are_those_of_the_runs(example):
    (drawing,) = named(example.summary, "steps")
    assert [x for x, _ in lines(drawing, 3.5)] == [[2.0, 3.0, 4.0], [2.0], [2.0, 4.0], [2.0]]
    assert [x for x, _, _ in _means(drawing.figure.axes[0])] == [3.0, 2.0, 3.0, 2.0]


def test_columns_that_read_the_same_runs_have_one_step_time(example):
    places = [Cell("row", column, example.a, "sparse", metric) for column, metric in (("A", "mse"), ("B", "accuracy"))]
    (drawing,) = named(summary_of(places, example.results), "steps")
    assert [x for x, _ in lines(drawing, 3.5)] == [[2.0, 3.0, 4.0]]
    assert [text.get_text() for text in drawing.figure.axes[0].get_yticklabels()] == ["row", "sparse (3)"]


def test_a_metric_that_is_constant_has_no_figure_and_names_have_no_underscore(evaluated):
    def renamed(result, value):
        stages = []
        for stage in result.stages:
            history = [
                epoch.model_copy(
                    update={"metrics": {"all_right": value(epoch.metrics["accuracy"])} if epoch.metrics else {}}
                )
                for epoch in stage.history
            ]
            stages.append(stage.model_copy(update={"history": tuple(history), "metrics": {"all_right": 1.0}}))
        return result.model_copy(update={"stages": tuple(stages)})

    place = Cell("row", "A", evaluated.a, "first", "all_right")
    titles = []
    for value in (lambda one: 1.0, lambda one: one):
        results = {evaluated.a: {seed: renamed(run, value) for seed, run in evaluated.results[evaluated.a].items()}}
        titles.append([one.title for one in curves(summary_of([place], results))])
    assert titles == [["Learning curves"], ["Learning curves", "Validation all right"]]


@pytest.mark.parametrize(("least", "most"), [(0.0025, 1.0), (0.15, 1.0), (0.5, 1.0), (0.96, 1.0), (0.31, 0.37)])
def test_ticks_of_densities_are_several_and_their_labels_are_apart(tiny, least, most):
    thick, thin = tiny(), tiny(penalties=())
    places = [Cell("thick", "A", thick, "sparse", "mse"), Cell("thin", "A", thin, "sparse", "mse")]
    results = {
        one: {0: result_of(one, 0, ("sparse", 1.0, share, [1.0]))} for one, share in ((thick, most), (thin, least))
    }
    (drawing,) = named(summary_of(places, results), "density")
    drawing.figure.draw_without_rendering()
    for axes in drawing.figure.axes:
        low, high = axes.get_xlim()
        shown = [label for label in axes.get_xticklabels() if low <= label.get_position()[0] <= high]
        boxes = [label.get_window_extent() for label in shown]
        assert len(boxes) > 1
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_the_metric_is_drawn_against_the_density_of_all_matrices_and_of_each_sparse_one(example):
    (drawing,) = named(example.summary, "density")
    together, matrix = drawing.figure.axes  # none for the readout, which is dense
    assert [axes.get_title("left") for axes in (together, matrix)] == ["all weight matrices", "w"]
    assert drawing.name == "paper-table-quick-density"
    small = [([0.2, 0.3, 0.1], [1.0, 3.0, 8.0]), ([0.2, 0.1], [2.0, 5.0]), ([0.5], [4.0]), ([0.5], [4.5])]
    assert lines(drawing, 2.5, panel=1) == small
    large = [([pytest.approx(statistics.fmean(x))], [pytest.approx(statistics.fmean(y))]) for x, y in small]
    assert lines(drawing, 6, panel=1) == large
    assert lines(drawing, 2.5) == [([(1 + share) / 2 for share in x], y) for x, y in small]
    assert "Runs per cell: 1 to 3." in drawing.caption
    assert matrix.get_xscale() == "log"


def test_cells_of_a_column_and_stage_are_joined_by_density(example, tiny):
    thick, thin = tiny(), tiny(penalties=())
    places = [Cell("thick", "A", thick, "sparse", "mse"), Cell("thin", "A", thin, "sparse", "mse")]
    results = {
        thick: {0: result_of(thick, 0, ("sparse", 1.0, 0.5, [1.0]))},
        thin: {0: result_of(thin, 0, ("sparse", 2.0, 0.0, [1.0]))},
    }
    (drawing,) = named(summary_of(places, results), "density")
    assert lines(drawing, 6, panel=1) == [([0.0, 0.5], [2.0, 1.0])]
    axes = drawing.figure.axes[1]
    assert axes.get_xscale() == "linear", "a density of 0 has no logarithm"
    assert all(label.endswith(" %") for label in axes.xaxis.get_major_formatter().format_ticks([0, 0.25, 0.5]))


def test_without_values_there_are_no_figures(example):
    places = [cell.cell for cell in example.summary.cells.values()]
    assert drawings(summary_of(places, {})) == []
    dense = {example.b: {0: result_of(example.b, 0, ("sparse", 1.0, 1.0, []), ("lottery", 1.0, 1.0, []))}}
    assert [drawing.name for drawing in drawings(summary_of(places, dense))] == [
        "paper-table-quick-cells",
        "paper-table-quick-steps",
    ], "no curve without history, no density where all is dense"


def test_a_large_table_is_drawn_in_parts(example):
    places = [Cell(f"row {number}", "A", example.a, "sparse", "mse") for number in range(45)]
    parts = named(summary_of(places, example.results), "cells")
    assert [drawing.name for drawing in parts] == [f"paper-table-quick-cells-{number}" for number in (1, 2, 3)]
    labels = [text.get_text() for part in parts for text in part.figure.axes[0].get_yticklabels()]
    assert [label for label in labels if label.startswith("row")] == [f"row {number}" for number in range(45)]


def test_the_same_results_give_the_same_files(example, tmp_path):
    files = {path.name: path.read_bytes() for path in write_figures([section(example.summary)], tmp_path)}
    kinds = ("cells", "curves", "density", "steps")
    assert set(files) == {f"paper-table-quick-{kind}.{end}" for kind in kinds for end in ("svg", "png")}
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9}):  # settings of the user do not matter
        for drawing in drawings(example.summary):
            assert file_svg(drawing).encode() == files[f"{drawing.name}.svg"]


NAMES = ("<b> & \"c\" 'd'", "$x^2$", "_hidden", "90% sparse", "λ = 0.1 ± 2", "]]>", "")


def test_names_are_drawn_literally_in_all_figures(example):
    places = [Cell(f"{name} row", name, example.a, "sparse", "mse") for name in NAMES]
    drawn = drawings(summary_of(places, example.results, metric="<M> $"))
    dots, curves_, together, steps = drawn
    assert len(curves_.figure.axes) == len(NAMES)
    for drawing, names in ((dots, NAMES), (curves_, NAMES), (together, NAMES), (steps, NAMES)):
        texts = [element.text for element in ElementTree.fromstring(inline_svg(drawing)).iter(f"{SVG}text")]
        for name in filter(None, names):
            assert any(name in text for text in texts), name
        assert drawing is not dots or any("<m> $ (units)" in text for text in texts)
